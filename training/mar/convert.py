"""In the child: unpacked files -> one artifact in a store. Limits are set before anything of them is read."""

import datetime
import importlib.metadata
import json
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from pydantic import JsonValue

from contract.artifact import CARD, GOLDEN, MODEL, Artifact, write_artifact
from contract.errors import ArtifactError
from contract.golden import Golden, golden_bytes
from contract.manifest import Decision, Input, Manifest, Parity, Source
from contract.pixels import ShortCrop, Stretch, to_input
from training.backbone import MEAN, STD
from training.data.archives import DataError
from training.export import BATCHES, TOLERANCE, export_onnx, open_session
from training.golden_photographs import golden_photographs
from training.mar.graph import Normalisation, input_side, is_contract, to_contract
from training.network import AdaptedNetwork
from training.release import LIBRARIES
from training.sources.source import read_tensors, resnet_source

REFUSED = 3  # exit code: the reason is on stderr, for the person who imports
Answer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # uint8 (N, S, S, 3) -> probabilities (N, K)


@dataclass(frozen=True)
class Wanted:
    """What the parent sends as JSON: where the files are, and what the archive does not say of itself."""

    serialized: str
    store: str
    name: str
    version: str
    labels: tuple[str, ...]
    new: str
    threshold: float
    at_fpr: float
    size: int
    short: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    is_trusted: bool
    archive_sha256: str
    origin: dict[str, JsonValue]


@dataclass(frozen=True)
class Converted:
    """The contract's graph, and the archive's own network as it was, to compare with."""

    graph: bytes
    answer: Answer
    size: int
    architecture: dict[str, JsonValue]


def convert(wanted: Wanted) -> Artifact:
    """Raises DataError for what cannot be carried over, by name; nothing is written then."""
    path = Path(wanted.serialized)
    converted = _onnx(path, wanted) if path.suffix == ".onnx" else _state_dict(path, wanted)
    resize = ShortCrop(short=wanted.short, interpolation="bilinear") if wanted.short else Stretch()
    photographs = golden_photographs()
    pixels = np.stack([to_input(data, converted.size, resize).rgb for data in photographs])
    parity = _parity(converted, pixels)
    golden = Golden(photographs, converted.answer(pixels))
    if golden.probabilities.shape[1] != len(wanted.labels):
        raise DataError(
            f"labels: {len(wanted.labels)} names for {golden.probabilities.shape[1]} outputs. "
            "Give the right list with --labels."
        )
    manifest = _manifest(wanted, converted, Input(size=converted.size, resize=resize), parity)
    files = {MODEL: converted.graph, GOLDEN: golden_bytes(golden), CARD: _card(manifest).encode()}
    return write_artifact(Path(wanted.store), manifest, files)


def _onnx(path: Path, wanted: Wanted) -> Converted:
    model = onnx.load(path, load_external_data=False)
    if is_contract(model):
        size = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
        session = open_session(path.read_bytes())
        architecture: dict[str, JsonValue] = {"family": "imported"}
        return Converted(
            path.read_bytes(), lambda x: session.run(["probabilities"], {"images": x})[0], size, architecture
        )
    size = wanted.size or input_side(model) or 0
    if not size:
        raise DataError("input size: the graph leaves it open. Give the side in pixels with --size.")
    normalisation = Normalisation(wanted.mean, wanted.std)
    built = to_contract(model, size, normalisation).SerializeToString()
    return Converted(built, _as_it_was(path, normalisation), size, {"family": "imported"})


def _as_it_was(path: Path, normalisation: Normalisation) -> Answer:
    """The archive's own graph behind the normalisation in numpy: what TorchServe's handler did with it."""
    session = open_session(path.read_bytes())
    name, scale_and_shift = session.get_inputs()[0].name, normalisation.scale_and_shift()
    ends_in_softmax = any(node.op_type == "Softmax" for node in list(onnx.load(path).graph.node)[-1:])

    def answer(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        scale, shift = scale_and_shift
        x = (images.astype(np.float32) * scale + shift).transpose(0, 3, 1, 2)
        scores = np.concatenate([session.run(None, {name: x[i : i + 1]})[0] for i in range(len(x))])
        return scores if ends_in_softmax else _softmax(scores)

    return answer


def _state_dict(path: Path, wanted: Wanted) -> Converted:
    if (tuple(wanted.mean), tuple(wanted.std)) != (MEAN, STD):
        raise DataError("normalisation: state dicts are taken with ImageNet's alone. Leave --mean, --std out.")
    tensors = torch.jit.load(path, "cpu").state_dict() if wanted.is_trusted else read_tensors(path)[0]
    source = resnet_source(path, tensors, None)
    if source.head is None:
        raise DataError("head: the state dict has no fc.weight and fc.bias. A backbone alone answers nothing.")
    if extra := {name for name in tensors if name.startswith("fc.")} - {"fc.weight", "fc.bias"}:
        raise DataError(f"tensors: {', '.join(sorted(extra))} belong to a head of more than one layer.")
    network = AdaptedNetwork(source.backbone, len(source.head[1]))
    network.fc.load_state_dict({"weight": source.head[0], "bias": source.head[1]})
    network.eval()
    size = wanted.size or 224

    @torch.inference_mode()
    def answer(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return network(torch.from_numpy(images))[0].numpy()  # type: ignore[no-any-return] # stubs say Any

    return Converted(export_onnx(network, size), answer, size, source.facts.architecture)


def _parity(converted: Converted, pixels: NDArray[np.uint8]) -> Parity:
    session, worst = open_session(converted.graph), 0.0
    expected = np.resize(converted.answer(pixels), (max(BATCHES), converted.answer(pixels[:1]).shape[1]))
    compared = np.resize(pixels, (max(BATCHES), *pixels.shape[1:]))
    for batch in BATCHES:
        found = session.run(["probabilities"], {"images": compared[:batch]})[0]
        worst = max(worst, float(np.abs(found - expected[:batch]).max()))
    if not worst <= TOLERANCE:
        raise DataError(f"graph: answers {worst:.1e} away from the archive's network; the limit is {TOLERANCE:.0e}.")
    return Parity(max_difference=worst, tolerance=TOLERANCE, batches=BATCHES, photographs=len(pixels))


def _softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _manifest(wanted: Wanted, converted: Converted, given: Input, parity: Parity) -> Manifest:
    terms = "Unknown: imported from a TorchServe archive. Whoever made it decides."
    source = Source(
        name=f"{wanted.name}.mar", sha256=wanted.archive_sha256, seen_new_class="unknown",
        classes=len(wanted.labels), terms=terms,
    )  # fmt: skip
    return Manifest(
        name=wanted.name,
        version=wanted.version,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        labels=wanted.labels,
        new_labels=(wanted.new,),
        source=source,
        architecture=converted.architecture,
        recipe="imported",
        depth=0,
        training={"imported": wanted.origin},
        data={},
        input=given,
        decision=Decision(label=wanted.new, threshold=wanted.threshold, at_fpr=wanted.at_fpr),
        temperature=1.0,
        files={},
        tensors={},
        metrics={},
        parity=parity,
        terms=terms,
        libraries={name: importlib.metadata.version(name) for name in LIBRARIES},
    )


def _card(manifest: Manifest) -> str:
    return (
        f"# {manifest.name} {manifest.version}\n\nImported from a TorchServe archive (SHA-256 "
        f"{manifest.source.sha256}); nothing was measured here. Threshold and rate are its importer's word. "
        f"{len(manifest.labels)} labels; the one decided on is {manifest.decision.label}. Terms: {manifest.terms}\n"
    )


def main() -> int:
    """Limits first, then the job from standard input; returns the exit code."""
    memory, seconds = (int(word) for word in sys.argv[1:3])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    job: dict[str, Any] = json.load(sys.stdin)
    try:
        artifact = convert(Wanted(**job | {name: tuple(job[name]) for name in ("labels", "mean", "std")}))
    except (DataError, ArtifactError, ValueError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return REFUSED
    print(artifact.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
