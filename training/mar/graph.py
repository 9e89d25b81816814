"""An image classifier in ONNX, as others export it -> the contract's graph, if its head is one that we can explain."""

from dataclasses import dataclass

import numpy as np
import onnx
import onnx.compose
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.data.archives import DataError
from training.export import OUTPUTS

PASSED = ("Flatten", "Reshape", "Squeeze", "Identity", "Dropout")  # between pooling and the head: they move no number


@dataclass(frozen=True)
class Normalisation:
    """What the network was trained behind: (x / 255 - mean) / std, per channel."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def scale_and_shift(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """float32 (3,) each: x * scale + shift."""
        std = np.array(self.std, np.float64)
        return (1 / (255 * std)).astype(np.float32), (-np.array(self.mean) / std).astype(np.float32)


def is_contract(model: onnx.ModelProto) -> bool:
    """Takes uint8 `images` and gives our three outputs."""
    inputs = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    return inputs == {"images": TensorProto.UINT8} and {*OUTPUTS} <= {value.name for value in model.graph.output}


def input_side(model: onnx.ModelProto) -> int | None:
    """The side S that the graph fixes, or None where it is open. Raises DataError for no float (N, 3, S, S)."""
    stored = {tensor.name for tensor in model.graph.initializer}
    values = [value for value in model.graph.input if value.name not in stored]
    tensor = values[0].type.tensor_type if len(values) == 1 else None
    dims = [dim.dim_value for dim in tensor.shape.dim] if tensor else []
    if tensor is None or tensor.elem_type != TensorProto.FLOAT or len(dims) != 4 or dims[1] != 3 or dims[2] != dims[3]:
        raise DataError(f"graph: takes {[value.name for value in values]}; expected one float32 (N, 3, S, S).")
    return dims[2] or None


def to_contract(model: onnx.ModelProto, side: int, normalisation: Normalisation) -> onnx.ModelProto:
    """float (N, 3, S, S) -> scores becomes uint8 (N, S, S, 3) -> probabilities, logits, activation_map.

    Raises DataError when the graph does not end in average pooling and one linear layer.
    """
    model = onnx.compose.add_prefix(model, "old/")  # no name of theirs is one of ours
    graph = model.graph
    made = {output: node for node in graph.node for output in node.output}
    logits = graph.output[0].name
    if logits in made and made[logits].op_type == "Softmax":
        logits = made[logits].input[0]
    features, weight = _head(graph, made, logits)
    scale, shift = normalisation.scale_and_shift()
    stored = {tensor.name for tensor in graph.initializer}
    old_input = next(value.name for value in graph.input if value.name not in stored)
    front = [
        helper.make_node("Cast", ["images"], ["thaw_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["thaw_float", "thaw_scale"], ["thaw_scaled"]),
        helper.make_node("Add", ["thaw_scaled", "thaw_shift"], ["thaw_normal"]),
        helper.make_node("Transpose", ["thaw_normal"], [old_input], perm=[0, 3, 1, 2]),
    ]
    back = [
        helper.make_node("Identity", [logits], ["logits"]),
        helper.make_node("Softmax", [logits], ["probabilities"], axis=1),
        helper.make_node("Conv", [features, "thaw_head"], ["activation_map"]),
    ]
    constants = {"thaw_scale": scale, "thaw_shift": shift, "thaw_head": weight[:, :, None, None]}
    tensors = [*graph.initializer, *(numpy_helper.from_array(value, name) for name, value in constants.items())]
    labels = len(weight)
    shapes = {"probabilities": ["N", labels], "logits": ["N", labels], "activation_map": ["N", labels, "h", "w"]}
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in OUTPUTS]
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", side, side, 3])
    whole = helper.make_graph([*front, *graph.node, *back], "imported", [images], outputs, tensors)
    built = helper.make_model(whole, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.checker.check_model(built)
    return built


def _head(graph: onnx.GraphProto, made: dict[str, onnx.NodeProto], logits: str) -> tuple[str, NDArray[np.float32]]:
    """Name of the features (N, F, h, w) and the head's weights (K, F)."""
    stored = {tensor.name: tensor for tensor in graph.initializer}
    node = made.get(logits)
    if node is not None and node.op_type == "Add":
        node = next((made[name] for name in node.input if name in made), node)
    if node is None or node.op_type not in ("Gemm", "MatMul") or node.input[1] not in stored:
        raise DataError(f"graph: ends in {node.op_type if node else 'nothing'}; {_EXPECTED}")
    weight = numpy_helper.to_array(stored[node.input[1]]).astype(np.float32)
    if not any(a.name == "transB" and a.i for a in node.attribute):
        weight = weight.T
    before = made.get(node.input[0])
    while before is not None and before.op_type in PASSED:
        before = made.get(before.input[0])
    if before is None or before.op_type not in ("GlobalAveragePool", "ReduceMean"):
        raise DataError(f"graph: {before.op_type if before else 'its input'} comes before the head; {_EXPECTED}")
    return before.input[0], weight


_EXPECTED = (
    "expected global average pooling and one linear layer, from which the activation map is made. "
    "It cannot be carried over; train or export a network of that kind."
)
