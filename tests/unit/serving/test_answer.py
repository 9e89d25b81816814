import numpy as np
import pytest

from serving.answer import answer_of, decide, sorted_scores
from serving.lanes import Job, Result
from serving.parameters import Options
from tests.fakes import FakeEngine, fake_model

MODEL = fake_model(FakeEngine())


def result(*probabilities: float) -> Result:
    """A result with these probabilities, in the order of the labels."""
    return Result(MODEL, np.array(probabilities, np.float32), np.zeros(len(probabilities), np.float32), None, 0.001)


def test_equal_scores_keep_the_labels_order() -> None:
    """The same photograph is always answered in the same order."""
    assert ["car", "motorbike", "bus", "truck", "other"] == [
        item["label"] for item in sorted_scores(result(0.1, 0.3, 0.1, 0.3, 0.1))
    ]


@pytest.mark.parametrize(("bus", "is_bus"), [(0.5, True), (0.499, False), (0.51, True)])
def test_the_threshold_belongs_to_yes(bus: float, is_bus: bool) -> None:
    """From the manifest's threshold on the answer is yes, also when another label is higher."""
    assert is_bus == decide(MODEL.manifest, sorted_scores(result(bus, 1 - bus, 0, 0, 0)))["is"]


def test_notes_and_maps_come_only_when_there_are_any() -> None:
    """A plain answer has neither key."""
    plain = answer_of(Job(b"", (MODEL,), 1.0), result(1, 0, 0, 0, 0), Options())
    assert {"notes", "activation_map"}.isdisjoint(plain)
    noted = answer_of(Job(b"", (MODEL,), 1.0, notes=("first frame",)), result(1, 0, 0, 0, 0), Options(top_k=1))
    assert (["first frame"], 1) == (noted["notes"], len(noted["predictions"]))
