"""What ships can be checked from a clone: same answers from torch, frozen tensors equal to the source's file."""

from pathlib import Path

import numpy as np
import pytest
import torch

from contract.artifact import Artifact, file_sha256, list_versions, read_artifact
from contract.golden import compare
from contract.pixels import to_input
from tests.sources import ROOT
from training.export import initialisers, open_session
from training.network import frozen_names, tensor_hash, tensor_hashes
from training.rebuild import rebuild
from training.sources import lite
from training.sources.read import read_source
from training.sources.source import read_tensors

STORE = ROOT / "model_store"
COUNTER = "num_batches_tracked"  # of the batches that a source saw: the graph has no use for it


def folders(store: Path) -> list[Path]:
    """Every version of a store; none where there is no store."""
    if not store.is_dir():
        return []
    return [store / name / str(number) for name, numbers in list_versions(store).items() for number in numbers]


def named(path: Path) -> str:
    """partial/1"""
    return path.relative_to(STORE).as_posix()


every_store = pytest.mark.parametrize("folder", [*folders(STORE), *folders(STORE / "drawn")], ids=named)


def opened(folder: Path) -> Artifact:
    """The artifact, its hashes verified; skipped where its network comes from a package that is not here."""
    artifact = read_artifact(folder)
    if artifact.manifest.architecture["family"] == lite.NAME:
        pytest.importorskip("efficientnet_lite_pytorch", reason="the extra `contrast` is not installed")
    return artifact


def golden_images(artifact: Artifact) -> np.ndarray:
    """uint8 (n, S, S, 3), as a server would feed them."""
    manifest = artifact.manifest
    return np.stack(
        [to_input(data, manifest.input.size, manifest.input.resize).rgb for data in artifact.golden().photographs]
    )


@every_store
def test_the_torch_network_is_rebuilt_and_answers_the_same(folder: Path) -> None:
    """From model.onnx alone, within the tolerance, and so does ONNX Runtime; no decision differs."""
    artifact = opened(folder)
    golden, images = artifact.golden(), golden_images(artifact)
    with torch.inference_mode():
        ours = rebuild(artifact)(torch.from_numpy(images))[0].numpy()
    runtime = open_session(artifact.model_path().read_bytes()).run(["probabilities"], {"images": images})[0]
    assert [None, None] == [compare(golden, ours), compare(golden, runtime)]
    assert np.array_equal(golden.probabilities.argmax(1), ours.argmax(1))
    column = artifact.manifest.labels.index(artifact.manifest.decision.label)
    decided = [p[:, column] >= artifact.manifest.decision.threshold for p in (golden.probabilities, ours, runtime)]
    assert np.array_equal(decided[0], decided[1])
    assert np.array_equal(decided[0], decided[2])


@every_store
def test_the_rebuilt_tensors_have_the_recorded_hashes(folder: Path) -> None:
    """All of them, and the ones called frozen are those of the frozen stages."""
    artifact = opened(folder)
    network, records = rebuild(artifact), artifact.manifest.tensors
    found = {name: digest for name, digest in tensor_hashes(network).items() if not name.endswith(COUNTER)}
    assert found == {name: record.after for name, record in records.items() if not name.endswith(COUNTER)}
    assert frozen_names(network) == {name for name, record in records.items() if record.frozen}


@every_store
def test_frozen_tensors_are_those_of_the_sources_file(folder: Path) -> None:
    """Read back as float32: before, after, and in the graph itself. Thawed ones began there too."""
    artifact = opened(folder)
    manifest = artifact.manifest
    expected = source_hashes(manifest.source.name, manifest.source.sha256, manifest.input.size)
    graph = initialisers(artifact.model_path().read_bytes())
    assert {name: expected[name] for name in manifest.tensors} == {n: r.before for n, r in manifest.tensors.items()}
    frozen = [name for name, record in manifest.tensors.items() if record.frozen]
    assert {name: expected[name] for name in frozen} == {name: manifest.tensors[name].after for name in frozen}
    for name in frozen:
        if not name.endswith(COUNTER):
            assert expected[name] == tensor_hash(torch.from_numpy(np.array(graph[name], np.float32))), name


@every_store
def test_a_model_of_a_depth_freezes_what_the_depth_says(folder: Path) -> None:
    """Depth 0 freezes everything, depth 5 nothing, and something thawed has moved where anything was thawed."""
    manifest = read_artifact(folder).manifest
    frozen = {name for name, record in manifest.tensors.items() if record.frozen}
    moved = {name for name, record in manifest.tensors.items() if record.before != record.after}
    assert (manifest.depth == 0, manifest.depth == 5) == (frozen == set(manifest.tensors), not frozen)
    assert (manifest.depth > 0) == bool(moved)
    assert not frozen & moved


def source_hashes(name: str, digest: str, size: int) -> dict[str, str]:
    """Tensor -> SHA-256 of its float32 values in the source whose file has this hash."""
    if name == lite.NAME:
        source = read_source(name, size)
        assert digest == source.sha256
        return {k: tensor_hash(v) for k, v in source.backbone.state_dict().items()}  # type: ignore[attr-defined] # a module
    stored = {file_sha256(path): path for path in (STORE / "source").glob("*.safetensors")}
    assert digest in stored, f"no file in model_store/source/ has the SHA-256 that the manifest says of {name}"
    return {k: tensor_hash(v) for k, v in read_tensors(stored[digest])[0].items()}
