"""A small store of real artifacts, made in a second: tiny ONNX graphs, drawn photographs, goldens.

`python -m tests.fakes OUT_DIR` writes one for trials by hand.
"""

import io
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from contract.aliases import Alias, write_aliases
from contract.artifact import CARD, GOLDEN, MODEL, VARIANTS, Artifact, write_artifact
from contract.golden import Golden, golden_bytes
from contract.manifest import Decision, Input, Manifest, Parity, Source, Variant
from contract.pixels import Stretch, to_input
from serving.engine import CPU, Engine, Inference
from serving.store import Model, Models

LABELS = ("bus", "car", "truck", "motorbike", "other")
SIZE = 32
CELL = 8  # the activation map of SIZE pixels is SIZE / CELL cells wide
RECIPES = {"frozen": 0, "partial": 1, "majority": 3}
NO_HASH = "0" * 64
STEPS = {"int8": 8, "fp16": 256}  # of a weight of 1, in lighter variants


def photograph(seed: int, width: int = 64, height: int = 48, kind: str = "JPEG") -> bytes:
    """An encoded picture of smooth random colour; the same bytes for the same seed."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    buffer = io.BytesIO()
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(buffer, kind)
    return buffer.getvalue()


def graph_bytes(seed: int, size: int = SIZE, *, labels: int = len(LABELS), steps: int = 0) -> bytes:
    """ONNX of the contract: uint8 images in, probabilities, logits and activation map out; one convolution inside.

    steps: weights are rounded to so many steps of 1, as in a lighter variant; 0: not at all.
    """
    weights = np.random.default_rng(seed).normal(0, 0.5, (labels, 3, CELL, CELL)).astype(np.float32)
    if steps:
        weights = np.round(weights * steps) / np.float32(steps)
    nodes = [
        helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "scale"], ["unit"]),
        helper.make_node("Transpose", ["unit"], ["nchw"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["nchw", "weights"], ["activation_map"], strides=[CELL, CELL]),
        helper.make_node("GlobalAveragePool", ["activation_map"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", size, size, 3])
    outputs = [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", labels]),
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", labels]),
        helper.make_tensor_value_info("activation_map", TensorProto.FLOAT, ["N", labels, size // CELL, size // CELL]),
    ]
    constants = [
        numpy_helper.from_array(np.array(255, np.float32), "scale"),
        numpy_helper.from_array(weights, "weights"),
    ]
    graph = helper.make_graph(nodes, "tiny", [images], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def manifest(name: str, version: str = "1", size: int = SIZE) -> Manifest:
    """A manifest that is true of `graph_bytes`, with the rest made up."""
    return Manifest(
        name=name,
        version=version,
        created="2026-01-01T00:00:00Z",
        labels=LABELS,
        new_labels=("bus",),
        source=Source(name="tiny", sha256=NO_HASH, seen_new_class="no", classes=5, terms="random numbers"),
        architecture={},
        recipe=name if name in RECIPES else "partial",
        depth=RECIPES.get(name, 1),
        training={},
        data={},
        input=Input(size=size, resize=Stretch()),
        decision=Decision(label="bus", threshold=0.5, at_fpr=0.01),
        temperature=1.0,
        files={},
        tensors={},
        metrics={},
        parity=Parity(max_difference=0.0, tolerance=1e-4, batches=(1, 4), photographs=8),
        terms="Random weights, for tests only.",
        libraries={},
    )


def write_model(
    store: Path,
    name: str,
    version: str = "1",
    *,
    seed: int | None = None,
    size: int = SIZE,
    lighter: tuple[str, ...] = (),
) -> Artifact:
    """One artifact with eight goldens answered by the graph itself. Weights depend on name and version unless told.

    lighter: variants beside float32, whose weights are rounded.
    """
    seed = sum((name + version).encode()) if seed is None else seed
    graph = graph_bytes(seed, size)
    photographs = tuple(photograph(1000 + index) for index in range(8))
    images: NDArray[np.uint8] = np.stack([to_input(data, size).rgb for data in photographs])
    golden = Golden(photographs, _probabilities(store, graph, images))
    files = {MODEL: graph, GOLDEN: golden_bytes(golden), CARD: b"# Tiny\n"}
    records = {}
    for variant in lighter:
        files[VARIANTS[variant]] = graph_bytes(seed, size, steps=STEPS[variant])
        found = _probabilities(store, files[VARIANTS[variant]], images)
        records[variant] = accepted_variant(float(np.abs(found - golden.probabilities).max()))
    described = manifest(name, version, size).model_copy(update={"variants": records})
    return write_artifact(store, described, files)


def accepted_variant(golden_difference: float) -> Variant:
    """A record of a variant that may be served; its goldens have just passed."""
    return Variant(
        accepted=True,
        settings={"weights": "rounded"},
        photographs=8,
        ap_before=0.9,
        ap_after=0.9,
        max_difference=golden_difference,
        golden_difference=golden_difference,
        golden_flips=0,
        tolerance=golden_difference + 1e-3,
    )


def _probabilities(store: Path, graph: bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    store.mkdir(parents=True, exist_ok=True)
    scratch = store / ".scratch.onnx"
    scratch.write_bytes(graph)
    found = Engine(scratch, CPU).run(images).probabilities
    scratch.unlink()
    return found


def write_store(store: Path) -> Path:
    """frozen, partial and majority in version 1; `stable` is partial."""
    for name in RECIPES:
        write_model(store, name)
    write_aliases(store, {"stable": Alias(model="partial", version="1")})
    return store


class FakeEngine:
    """An engine whose answers follow from the pixels, that can be held, made to fail, and asked what it was given.

    `gate`: inference waits while it is cleared. `guard`: called with each batch; what it raises, `run` raises.
    """

    provider = "FakeProvider"

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)  # released at each call, before the gate
        self.batches: list[int] = []
        self.guard: Callable[[NDArray[np.uint8]], None] = lambda images: None

    def run(self, images: NDArray[np.uint8], *, explain: bool = False) -> Inference:
        """The brighter the picture, the more a bus."""
        self.batches.append(len(images))
        self.entered.release()
        if not self.gate.wait(10):
            raise TimeoutError("nobody opened the gate")
        self.guard(images)
        bus = images.reshape(len(images), -1).mean(axis=1, dtype=np.float64) / 255
        rest = np.repeat(((1 - bus) / (len(LABELS) - 1))[:, None], len(LABELS) - 1, axis=1)
        grid = np.repeat(bus[:, None, None, None], len(LABELS), axis=1).astype(np.float32)
        probabilities = np.column_stack([bus, rest]).astype(np.float32)
        return Inference(probabilities, np.log(probabilities + np.float32(1e-6)), grid if explain else None)


def plain(level: int, kind: str = "PNG", size: tuple[int, int] = (SIZE, SIZE)) -> bytes:
    """A picture of one grey level: FakeEngine gives it the bus probability level / 255."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (level, level, level)).save(buffer, kind)
    return buffer.getvalue()


def fake_model(engine: FakeEngine, name: str = "partial", version: str = "1") -> Model:
    """A model on a FakeEngine; its stored photograph is black."""
    return Model(manifest(name, version), engine, plain(0))  # type: ignore[arg-type] # stands in by its shape


def fake_models(engine: FakeEngine) -> Models:
    """frozen, partial and majority on one FakeEngine; `stable` is partial."""
    return Models([fake_model(engine, name) for name in RECIPES], {"stable": Alias(model="partial", version="1")})


if __name__ == "__main__":
    print(write_store(Path(sys.argv[1])))
