"""Lighter graphs of a model, int8 and fp16: made, measured beside float32 on validation, kept only if nothing is lost.

int8 has unsigned activations and signed weights, a scale for each output channel (what ONNX Runtime's CPU kernels are
fastest with). Weights keep to 7 of their 8 bits: without it processors that lack VNNI saturate a 16-bit sum, and the
same file would answer differently on another machine.
"""

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel
from pydantic import JsonValue

from contract.artifact import VARIANTS
from contract.golden import Golden
from contract.manifest import Decision, Variant
from contract.pixels import to_input
from training.export import open_session
from training.metrics import average_precision

LARGEST_FALL = 0.002  # of average precision on validation
# Tried in this order; the first that is accepted is kept: photographs, and kinds of nodes that compute in 8 bits.
WAYS = ((128, ("Conv", "Add", "MaxPool")), (512, ("Conv", "Add", "MaxPool")), (128, ("Conv",)))
BATCH = 16
# Beside what was measured on the goldens: another processor rounds a sum the other way, and what follows moves with it.
MARGIN = {"int8": 0.02, "fp16": 0.002}

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Judges:
    """What a variant is made with and judged by; never a test photograph.

    calibration: uint8 (C, S, S, 3) of the fit rows, as served; its first photographs are a fair part of the whole.
    validation: uint8 (M, S, S, 3), with `positive` bool (M,): whether the new class is the only one allowed.
    """

    calibration: Pixels
    validation: Pixels
    positive: NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """Of one graph: probabilities float32 (N, K) and log-odds of the new class float64 (N,)."""

    probabilities: NDArray[np.float32]
    scores: NDArray[np.float64]


def make_variants(
    graph: bytes, golden: Golden, decision: Decision, judges: Judges
) -> tuple[dict[str, bytes], dict[str, Variant]]:
    """graph: the float32 one. Returns file name -> accepted graph, and variant -> what was measured of it."""
    files: dict[str, bytes] = {}
    records: dict[str, Variant] = {}
    before = answers(graph, judges.validation)
    for name, candidates in _candidates(graph, judges).items():
        for settings, make in candidates:
            made = make()
            records[name] = _judge(name, settings, made, (before, golden, decision), judges)
            if records[name].accepted:
                files[VARIANTS[name]] = made
                break
    return files, records


Candidate = tuple[dict[str, JsonValue], Callable[[], bytes]]


def _candidates(graph: bytes, judges: Judges) -> dict[str, list[Candidate]]:
    int8 = [
        (
            {
                "activations": "uint8",
                "weights": "int8, 7 bits, per channel",
                "calibration": min(count, len(judges.calibration)),
                "nodes": list(kinds),
            },
            partial(to_int8, graph, judges.calibration[:count], kinds),
        )
        for count, kinds in WAYS
    ]
    return {"int8": int8, "fp16": [({"float": "softmax, input and outputs"}, partial(to_fp16, graph))]}


def _judge(
    name: str, settings: dict[str, JsonValue], graph: bytes, beside: tuple[Answers, Golden, Decision], judges: Judges
) -> Variant:
    before, golden, decision = beside
    after = answers(graph, judges.validation)
    size = judges.validation.shape[1]
    replayed = answers(graph, np.stack([to_input(data, size).rgb for data in golden.photographs])).probabilities
    ap_before, ap_after = (average_precision(each.scores, judges.positive) for each in (before, after))
    difference = float(np.abs(replayed - golden.probabilities).max())
    flips = int((verdicts(replayed, decision) != verdicts(golden.probabilities, decision)).any(axis=1).sum())
    return Variant(
        accepted=bool(ap_before - ap_after < LARGEST_FALL and not flips),
        settings=settings,
        photographs=len(judges.validation),
        ap_before=ap_before if np.isfinite(ap_before) else None,
        ap_after=ap_after if np.isfinite(ap_after) else None,
        max_difference=float(np.abs(after.probabilities - before.probabilities).max()),
        golden_difference=difference,
        golden_flips=flips,
        tolerance=round(difference + MARGIN[name], 4),
    )


def verdicts(probabilities: NDArray[np.float32], decision: Decision) -> NDArray[np.int64]:
    """(N, 2): the label with the highest probability, and whether the new class, label 0, is decided on."""
    return np.column_stack([probabilities.argmax(1), probabilities[:, 0] >= decision.threshold])


def answers(graph: bytes, pixels: Pixels) -> Answers:
    """pixels: uint8 (N, S, S, 3); on the CPU."""
    session, parts = open_session(graph), []
    for start in range(0, len(pixels), BATCH):
        parts.append(session.run(["probabilities", "logits"], {"images": np.array(pixels[start : start + BATCH])}))
    probabilities, logits = (np.concatenate(column) for column in zip(*parts, strict=True))
    wide = logits.astype(np.float64)
    return Answers(probabilities, wide[:, 0] - np.logaddexp.reduce(wide[:, 1:], axis=1))


class _Photographs(CalibrationDataReader):  # type: ignore[misc] # the library has no types
    def __init__(self, pixels: Pixels) -> None:
        self._rest = iter(range(0, len(pixels), BATCH))
        self._pixels = pixels

    def get_next(self) -> dict[str, Pixels] | None:
        start = next(self._rest, None)
        return None if start is None else {"images": np.array(self._pixels[start : start + BATCH])}


def to_int8(graph: bytes, calibration: Pixels, kinds: tuple[str, ...]) -> bytes:
    """Statically quantised, QDQ, with the ranges that these photographs, uint8 (C, S, S, 3), give.

    kinds: of nodes; normalisation, pooling and head stay in float.
    """
    with tempfile.TemporaryDirectory(prefix="thaw-int8-") as place:
        given, fused, made = (Path(place) / name for name in ("given.onnx", "fused.onnx", "made.onnx"))
        given.write_bytes(graph)
        quant_pre_process(given, fused, skip_symbolic_shape=True)  # batch norm goes into the convolutions first
        quantize_static(
            fused,
            made,
            _Photographs(calibration),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            op_types_to_quantize=list(kinds),
        )
        return _checked(onnx.load(made))


def to_fp16(graph: bytes) -> bytes:
    """Weights and features of 16 bits; pixels in, probabilities, logits and map out as before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one for each weight that is nearer to 0 than 16 bits can tell
        made = OnnxModel(
            convert_float_to_float16(onnx.load_model_from_string(graph), keep_io_types=True, op_block_list=["Softmax"])
        )
    made.topological_sort()  # the converter appends its casts at the end
    return _checked(made.model)


def _checked(model: onnx.ModelProto) -> bytes:
    """Without what the tools note of the machine."""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
