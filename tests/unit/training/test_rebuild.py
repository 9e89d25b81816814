"""An artifact is all that is needed: the torch network comes back out of it, bit for bit."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from contract.artifact import MODEL, Artifact
from contract.errors import ArtifactError
from contract.golden import compare
from contract.pixels import to_input
from tests.unit.training.tiny import source_network
from training.backbone import Architecture, ResNet
from training.job import Job
from training.network import frozen_names, tensor_hash, tensor_hashes
from training.rebuild import build_backbone, rebuild

Finished = tuple[Job, list[Artifact]]


@pytest.mark.parametrize("index", [0, 1])
def test_a_rebuilt_network_gives_the_same_answers(finished: Finished, index: int) -> None:
    """The goldens, answered by torch alone, within the tolerance that every runtime has."""
    artifact = finished[1][index]
    golden, size = artifact.golden(), artifact.manifest.input.size
    images = np.stack([to_input(data, size).rgb for data in golden.photographs])
    with torch.inference_mode():
        found = rebuild(artifact)(torch.from_numpy(images))[0].numpy()
    assert compare(golden, found) is None


@pytest.mark.parametrize("index", [0, 1])
def test_a_rebuilt_network_has_the_recorded_hashes(finished: Finished, index: int) -> None:
    """Every tensor but the counters of batches, which the graph does not need; the same ones are frozen."""
    manifest, network = finished[1][index].manifest, rebuild(finished[1][index])
    found = tensor_hashes(network)
    assert set(manifest.tensors) == set(found)
    assert {n: r.after for n, r in manifest.tensors.items() if "num_batches" not in n} == {
        n: digest for n, digest in found.items() if "num_batches" not in n
    }
    assert {name for name, record in manifest.tensors.items() if record.frozen} == frozen_names(network)


def test_frozen_hashes_are_the_source_files(finished: Finished) -> None:
    """From the file as stored, read back as float32: `before` of all, `after` of the frozen, counters too."""
    job, artifacts = finished
    rounded = {
        name: tensor_hash(tensor.half() if tensor.ndim > 1 else tensor)
        for name, tensor in source_network().backbone.state_dict().items()
    }
    for artifact in artifacts:
        assert rounded == {name: record.before for name, record in artifact.manifest.tensors.items()}
        frozen = {name: record.after for name, record in artifact.manifest.tensors.items() if record.frozen}
        assert frozen == {name: rounded[name] for name in frozen}
    assert Path(job.source).is_file()


def tampered(artifact: Artifact, folder: Path, drop: str | None = None) -> Artifact:
    """The same artifact with another graph: a kernel gone, or of another shape. Nobody checks its hash here."""
    model = onnx.load_model_from_string(artifact.model_path().read_bytes())
    kept = [tensor for tensor in model.graph.initializer if tensor.name != drop]
    for tensor in kept:
        if drop is None and tensor.name == "layer1.0.conv1.weight":
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.zeros((2, 2), np.float32), tensor.name))
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    (folder / MODEL).write_bytes(model.SerializeToString())
    return Artifact(folder, artifact.manifest)


def test_a_missing_or_misshapen_tensor_is_refused(finished: Finished, tmp_path: Path) -> None:
    """By its name, with what was found and expected."""
    artifact = finished[1][0]
    with pytest.raises(ArtifactError, match=r"has fc\.weight as None, expected \(5, 32\)"):
        rebuild(tampered(artifact, tmp_path, "fc.weight"))
    with pytest.raises(ArtifactError, match=r"layer1\.0\.conv1\.weight as \(2, 2\), expected \(4, 4, 3, 3\)"):
        rebuild(tampered(artifact, tmp_path))


def test_an_unknown_family_is_refused() -> None:
    """A newer version may know more; the sentence says so."""
    with pytest.raises(ArtifactError, match="'vit' is unknown; expected resnet"):
        build_backbone({"family": "vit"})


def test_a_backbone_is_built_from_what_the_manifest_says() -> None:
    """Stem, width, blocks."""
    backbone = build_backbone({"family": "resnet", "stem": "full", "width": 8, "blocks": [1, 2, 1, 1]})
    assert isinstance(backbone, ResNet)
    assert Architecture("full", 8, (1, 2, 1, 1)) == backbone.architecture
