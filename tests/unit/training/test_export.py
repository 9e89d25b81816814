"""One graph that equals torch, with torch's names, nothing of the machine in it, or nothing is kept."""

import getpass
import platform
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto

from tests.unit.training.tiny import SIZE, adapted, pixels
from training.export import BATCHES, OUTPUTS, ParityError, check_parity, export_onnx, initialisers, open_session
from training.network import AdaptedNetwork, tensor_hash

Exported = tuple[AdaptedNetwork, bytes]


@pytest.fixture(scope="module")
def exported() -> Exported:
    """A network at a temperature of its own, and its graph."""
    network = adapted(1).eval()
    network.temperature.fill_(1.7)
    return network, export_onnx(network, SIZE)


@pytest.mark.parametrize("count", [*BATCHES, 33])
def test_the_graph_answers_as_torch_does(exported: Exported, count: int) -> None:
    """All three outputs, at any number of photographs: N is dynamic."""
    network, graph = exported
    images = pixels(count, count)
    found = open_session(graph).run(list(OUTPUTS), {"images": images})
    with torch.inference_mode():
        expected = network(torch.from_numpy(images))
    for name, ours, theirs in zip(OUTPUTS, expected, found, strict=True):
        assert ours.shape == theirs.shape, name
        assert np.allclose(ours.numpy(), theirs, atol=1e-4), name


def test_the_graph_has_the_promised_form(exported: Exported) -> None:
    """uint8 images [N, S, S, 3] in; probabilities, logits, activation map out, N by name."""
    graph = onnx.load_model_from_string(exported[1]).graph
    image = graph.input[0].type.tensor_type
    dims = [dim.dim_param or dim.dim_value for dim in image.shape.dim]
    assert (["images"], TensorProto.UINT8, ["N", SIZE, SIZE, 3]) == (
        [value.name for value in graph.input],
        image.elem_type,
        dims,
    )
    shapes = {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.output}
    assert {"probabilities": ["N", 5], "logits": ["N", 5], "activation_map": ["N", 5, 2, 2]} == shapes


def test_tensors_keep_torchs_names_and_bits(exported: Exported) -> None:
    """Every parameter and statistic lies in the graph as in the network: the proof can be checked from it."""
    network, graph = exported
    stored = initialisers(graph)
    for name, tensor in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert tensor_hash(tensor) == tensor_hash(torch.from_numpy(np.array(stored[name]))), name


def test_batch_norm_stays_unfused(exported: Exported) -> None:
    """One node a layer: folded into the kernels, no tensor could be compared with the source."""
    kinds = [node.op_type for node in onnx.load_model_from_string(exported[1]).graph.node]
    norms = sum(isinstance(module, torch.nn.BatchNorm2d) for module in exported[0].modules())
    assert norms == kinds.count("BatchNormalization")


def test_nothing_of_the_machine_is_in_the_file(exported: Exported) -> None:
    """No path, no name, no stack trace: a model is published."""
    words = [str(Path(__file__).parents[3]), str(Path(torch.__file__).parent), str(Path.home()), "site-packages"]
    words += [word for word in (getpass.getuser(), platform.node()) if len(word) > 5]
    assert [] == [word for word in (*words, ".py", "File ") if word.encode() in exported[1]]


def test_an_export_is_the_same_twice(exported: Exported) -> None:
    """The same network, the same bytes."""
    assert exported[1] == export_onnx(exported[0], SIZE)


def test_parity_is_measured(exported: Exported) -> None:
    """The largest difference over batches of 1, 2, 7 and 32, with what it was measured on."""
    parity = check_parity(*exported, pixels(40))
    assert 0 <= parity.max_difference < 1e-5
    assert (BATCHES, 40, 1e-4) == (parity.batches, parity.photographs, parity.tolerance)


def test_a_graph_that_differs_is_refused(exported: Exported) -> None:
    """By as little as one weight of the head."""
    network, graph = exported
    model = onnx.load_model_from_string(graph)
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "fc.bias")
    moved = onnx.numpy_helper.to_array(bias) + np.float32([0.01, 0, 0, 0, 0])
    bias.CopyFrom(onnx.numpy_helper.from_array(moved, "fc.bias"))
    with pytest.raises(ParityError, match="Nothing was kept"):
        check_parity(network, model.SerializeToString(), pixels(40))


def test_the_answers_of_an_optimised_session_are_in_tolerance(exported: Exported) -> None:
    """The runtime fuses batch norm when it loads: at no level of optimisation does an answer move."""
    images, answers = pixels(7), []
    for level in (
        onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
        onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    ):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level, options.log_severity_level = level, 3
        session = onnxruntime.InferenceSession(exported[1], options, providers=["CPUExecutionProvider"])
        answers.append(session.run(["probabilities"], {"images": images})[0])
    assert np.allclose(*answers, atol=1e-5)


def test_the_runtime_fuses_batch_norm_into_every_convolution(exported: Exported, tmp_path: Path) -> None:
    """The graph keeps the source's own tensors; what is computed at a call has none of them, and no bias made anew."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "fused.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(exported[1], options, providers=["CPUExecutionProvider"])
    kinds = {node.op_type for node in onnx.load(tmp_path / "fused.onnx").graph.node}
    assert "BatchNormalization" in {node.op_type for node in onnx.load_model_from_string(exported[1]).graph.node}
    assert set() == kinds & {"BatchNormalization", "Expand", "CastLike", "Shape"}
