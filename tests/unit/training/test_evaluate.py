"""Scores are stored one row a photograph; every figure comes from them later."""

from pathlib import Path

import numpy as np
import torch

from tests.unit.training.tiny import adapted, pixels
from training.data.label_sets import LABELS
from training.data.rows import Row
from training.evaluate import Scored, answers, evaluate, read_scores, to_grey, write_scores
from training.evaluate import TestSet as Collection  # by another name: pytest takes Test* for tests

ROWS = (
    Row("a/1", frozenset({"bus"}), "g1", "test", "", "school bus"),
    Row("a/2", frozenset({"car", "truck"}), "g1", "test", "", "car"),
    Row("a,3", frozenset({"bus", "car"}), "g2", "test", "", 'quoted "word"'),
)


def scored() -> list[Scored]:
    """Three photographs, colour and grey."""
    return evaluate("run", Collection("test", ROWS, pixels(3)), adapted(), LABELS)


def test_a_row_says_what_was_asked_and_answered() -> None:
    """Only a photograph that can be nothing but the new class counts as new."""
    found = scored()
    assert [("a/1", False), ("a/2", False), ("a,3", False)] == [(row.path, row.grey) for row in found[:3]]
    assert [True, False, False] * 2 == [row.is_new for row in found]
    assert ["bus", "car|truck", "bus|car"] == [row.labels for row in found[:3]]
    assert [False] * 3 + [True] * 3 == [row.grey for row in found]


def test_scores_are_the_logit_of_the_served_probability() -> None:
    """At the network's own temperature, so that thresholds mean one thing everywhere."""
    network, images = adapted(), pixels(9)
    network.temperature.fill_(3.0)
    scores, predicted = answers(network, images, batch=4)
    with torch.inference_mode():
        p = network.eval()(torch.from_numpy(images))[0].double().numpy()
    assert np.allclose(np.log(p[:, 0] / (1 - p[:, 0])), scores, atol=1e-4)
    assert np.array_equal(p.argmax(1), predicted)


def test_grey_pictures_are_grey() -> None:
    """Three equal channels with the luma of BT.601; the photographs themselves stay coloured."""
    images = np.uint8([[[[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]]]])
    before = images.copy()
    assert [[76] * 3, [150] * 3, [29] * 3, [18] * 3] == to_grey(images)[0, 0].tolist()
    assert np.array_equal(before, images)


def test_scores_are_read_back_in_full(tmp_path: Path) -> None:
    """Every digit, commas and quotes in names too."""
    path = tmp_path / "deep" / "scores.csv.gz"
    extremes = [*scored(), Scored("r", "t", "p", "w", "g", "bus", True, False, 1e-300, "bus")]
    extremes.append(Scored("r", "t", "p", "w", "g", "bus", True, False, float("inf"), "bus"))
    write_scores(path, extremes)
    assert extremes == read_scores(path)
    assert ["scores.csv.gz"] == [found.name for found in path.parent.iterdir()]


def test_the_same_scores_give_the_same_bytes(tmp_path: Path) -> None:
    """No time, no name of a file inside."""
    one, two = tmp_path / "one.csv.gz", tmp_path / "two.csv.gz"
    write_scores(one, scored())
    write_scores(two, scored())
    assert one.read_bytes() == two.read_bytes()
