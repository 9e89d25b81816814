"""int8 and fp16: made from the float32 graph, judged on validation, kept only when nothing is lost."""

import numpy as np
import onnx
import pytest

from contract.artifact import Artifact
from contract.manifest import Decision
from tests.unit.training.tiny import pixels
from training import variants as module
from training.export import open_session
from training.job import Job
from training.variants import Judges, answers, make_variants, to_fp16, to_int8, verdicts

Finished = tuple[Job, list[Artifact]]
KINDS = ("Conv", "Add", "MaxPool")
JUDGES = Judges(pixels(24, 1), pixels(24, 2), np.arange(24) < 8)


@pytest.fixture(scope="module")
def graph(finished: Finished) -> bytes:
    """Of a tiny network, float32."""
    return finished[1][1].model_path().read_bytes()


def test_int8_is_unsigned_activations_and_signed_weights_per_channel(graph: bytes) -> None:
    """As ONNX Runtime's kernels want it, with weights that leave room for a sum of 16 bits."""
    model = onnx.load_model_from_string(to_int8(graph, JUDGES.calibration, KINDS))
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    weights = [value for value in stored.values() if value.dtype == np.int8 and value.ndim == 4]
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == len(weights)
    assert 64 >= max(int(np.abs(value.astype(int)).max()) for value in weights)
    scales = [node for node in model.graph.node if node.op_type == "DequantizeLinear" and node.input[0] in stored]
    per_channel = [node for node in scales if stored[node.input[0]].ndim == 4 and stored[node.input[1]].ndim == 1]
    assert len(convolutions) == len(per_channel)
    zeros = {stored[node.input[2]].dtype for node in model.graph.node if node.op_type == "QuantizeLinear"}
    assert {np.dtype(np.uint8)} == zeros


def test_fp16_keeps_the_graphs_face(graph: bytes) -> None:
    """uint8 in, float32 out, N dynamic; half the bytes inside."""
    made = to_fp16(graph)
    session = open_session(made)
    assert [("images", "tensor(uint8)")] == [(each.name, each.type) for each in session.get_inputs()]
    assert {"tensor(float)"} == {each.type for each in session.get_outputs()}
    assert np.abs(answers(made, pixels(5)).probabilities - answers(graph, pixels(5)).probabilities).max() < 0.01
    weights = [tensor for tensor in onnx.load_model_from_string(made).graph.initializer if len(tensor.dims) == 4]
    assert {onnx.TensorProto.FLOAT16} == {tensor.data_type for tensor in weights}


def test_a_finished_job_has_judged_both(finished: Finished) -> None:
    """Recorded whether kept or not; what is kept answers the goldens within what is recorded."""
    for artifact in finished[1]:
        records = artifact.manifest.variants
        assert {"int8", "fp16"} == records.keys()
        assert records["fp16"].accepted
        for name in artifact.variants[1:]:
            record, golden = records[name], artifact.golden()
            images = np.stack([module.to_input(data, 32).rgb for data in golden.photographs])
            found = answers(artifact.model_path(name).read_bytes(), images).probabilities
            assert pytest.approx(record.golden_difference, abs=1e-6) == np.abs(found - golden.probabilities).max()
            assert record.golden_difference < record.tolerance == artifact.tolerance(name)
            assert 0 == record.golden_flips
            assert record.ap_before - record.ap_after < 0.002  # type: ignore[operator] # both are numbers here


@pytest.mark.parametrize(("fall", "kept"), [(0.0021, False), (0.0019, True)])
def test_what_loses_on_validation_is_recorded_and_not_kept(
    finished: Finished, graph: bytes, monkeypatch: pytest.MonkeyPatch, fall: float, kept: bool
) -> None:
    """A fall of 0.002 of average precision is too much."""
    exact = answers(graph, JUDGES.validation).scores
    monkeypatch.setattr(
        module, "average_precision", lambda scores, positive: 0.9 if np.array_equal(scores, exact) else 0.9 - fall
    )
    manifest = finished[1][1].manifest
    files, records = make_variants(graph, finished[1][1].golden(), manifest.decision, JUDGES)
    assert kept == records["fp16"].accepted == ("model.fp16.onnx" in files)
    assert (0.9, 0.9 - fall) == (records["fp16"].ap_before, records["fp16"].ap_after)


def test_a_golden_that_changes_its_decision_is_a_flip(finished: Finished, graph: bytes) -> None:
    """Though the label stays: the threshold lies between what float32 and the variant say."""
    golden = finished[1][1].golden()
    made = to_int8(graph, JUDGES.calibration, KINDS)
    images = np.stack([module.to_input(data, 32).rgb for data in golden.photographs])
    found = answers(made, images).probabilities
    middle = float((found[0, 0] + golden.probabilities[0, 0]) / 2)
    decision = Decision(label="bus", threshold=middle, at_fpr=0.01)
    assert (verdicts(found, decision)[0] != verdicts(golden.probabilities, decision)[0]).any()
