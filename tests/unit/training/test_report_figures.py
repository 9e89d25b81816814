"""What the report computes from stored scores, on cases small enough to know the answer."""

import math
from pathlib import Path

import pytest

from tests.unit.training.report_job import PlainPictures, finished_job
from training.data.archives import DataError
from training.data.rows import Row
from training.evaluate import Scored
from training.job import Data
from training.report.figures import calibration, confusion, contrast, mistakes, wilson
from training.report.freeze import stages
from training.report.pictures import thumbnails
from training.report.svg import ticks
from training.report.words import listed, overlaps


def scored(path: str, labels: str, score: float, predicted: str = "other") -> Scored:
    """One photograph's answer; `bus` alone is the new class."""
    return Scored("made / m", "t", path, "word", path, labels, labels == "bus", False, score, predicted)


def test_confusion_counts_single_labels() -> None:
    """A photograph with a set of labels has no row; it is counted as left out."""
    rows = [
        scored("a", "bus", 1, "bus"),
        scored("b", "bus", 0, "car"),
        scored("c", "car", 0, "car"),
        scored("d", "car|truck", 0, "car"),
    ]
    found = confusion(rows, ("bus", "car"))
    assert ((1, 1), (0, 1)) == found.counts
    assert 1 == found.left_out


def test_calibrated_scores_have_no_error() -> None:
    """Half of the photographs told 0.5 are of the new class: ECE within its bins, Brier a quarter."""
    rows = [scored(f"{i:03}", "bus" if i % 2 else "car", 0.0) for i in range(300)]
    found = calibration(rows)
    assert found.ece == pytest.approx(0, abs=0.01)
    assert found.brier == pytest.approx(0.25)
    assert [300] == [b.photographs for b in found.bins]
    assert found.bins[0].low < 0.5 < found.bins[0].high


def test_overconfident_scores_have_an_error() -> None:
    """Told 0.9, right half the time: four tenths off."""
    rows = [scored(f"{i:03}", "bus" if i % 2 else "car", math.log(9)) for i in range(300)]
    assert calibration(rows).ece == pytest.approx(0.4, abs=0.01)


def test_extreme_scores_stay_finite() -> None:
    """A log-odds of a thousand is a probability of one, without a warning."""
    rows = [scored("a", "bus", 1000.0), scored("b", "car", -1000.0)]
    assert calibration(rows).brier == pytest.approx(0)


def test_wilson_interval_of_none_in_ten() -> None:
    """The known upper end, 0.278, and never below zero."""
    assert (0.0, 0.278) == tuple(round(end, 3) for end in wilson(0.0, 10))


def test_mistakes_are_those_of_the_threshold() -> None:
    """Only what the decision gets wrong, the worst first; the rest is counted, not shown."""
    rows = [scored(f"n{i}", "car", float(i)) for i in range(-5, 12)] + [scored("bus", "bus", -2.0)]
    alarms = mistakes(rows, 0.5, of_new=False)
    assert (12, 17) == (alarms.count, alarms.among)
    assert [f"n{i}" for i in range(11, 3, -1)] == [mistake.path for mistake in alarms.shown]
    assert ["bus"] == [mistake.path for mistake in mistakes(rows, 0.5, of_new=True).shown]


def test_contrast_is_paired_by_photograph() -> None:
    """The same scores in another order differ by nothing, and that is not settled."""
    rows = [scored(f"{i:02}", "bus" if i % 3 == 0 else "car", math.sin(i)) for i in range(30)]
    found = contrast(("a", rows), ("b", rows[::-1]))
    assert found is not None
    assert (0.0, 0.0, 0.0, False) == (
        found.difference.value,
        found.difference.low,
        found.difference.high,
        found.is_settled,
    )


def test_contrast_puts_the_better_ahead() -> None:
    """A perfect order beats a reversed one, whichever is given first."""
    good = [scored(f"{i:02}", "bus" if i < 10 else "car", -float(i)) for i in range(40)]
    bad = [scored(f"{i:02}", "bus" if i < 10 else "car", float(i)) for i in range(40)]
    found = contrast(("bad", bad), ("good", good))
    assert found is not None
    assert ("good", "bad", True) == (found.ahead, found.behind, found.is_settled)


def test_contrast_of_different_photographs_is_refused() -> None:
    """Two models tested on different photographs cannot be paired."""
    with pytest.raises(DataError, match="different photographs of t"):
        contrast(("a", [scored("x", "bus", 0.0)]), ("b", [scored("y", "bus", 0.0)]))


def test_contrast_without_the_new_class_is_none() -> None:
    """AP has no value there."""
    assert contrast(("a", [scored("x", "car", 0.0)]), ("b", [scored("x", "car", 0.0)])) is None


def test_stages_tell_what_was_frozen(tmp_path: Path) -> None:
    """Depth 3 trains s2 to s4; a frozen stage has one hash, a trained one two; statistics stay everywhere."""
    _, artifacts = finished_job(tmp_path)
    found = {stage.name: stage for stage in stages(artifacts[2].manifest)}
    assert ["stem", "s1"] == [name for name, stage in found.items() if stage.is_frozen]
    assert found["s1"].before == found["s1"].after
    assert found["s1"].tensors == found["s1"].identical
    assert found["s4"].before != found["s4"].after
    assert 0 < found["s4"].identical < found["s4"].tensors
    assert sum(stage.tensors for stage in found.values()) == len(artifacts[2].manifest.tensors)


def test_unreadable_picture_is_left_out(tmp_path: Path) -> None:
    """A damaged or missing file costs its picture, not the report."""
    _, artifacts = finished_job(tmp_path)
    part = Data("t", (Row("x", frozenset({"bus"}), "g"),), PlainPictures(), "")
    found = thumbnails(part, ["fine", "broken", "absent"], artifacts[0].manifest.input)
    assert ["fine"] == list(found)
    assert found["fine"].startswith("data:image/jpeg;base64,")


def test_ticks_cover_the_range() -> None:
    """Round steps from below the lowest to above the highest; never one tick alone."""
    assert [0.4, 0.6, 0.8, 1.0] == ticks(0.45, 0.99, 3)
    assert [0, 50, 100] == ticks(0, 100, 2)
    assert 2 <= len(ticks(1.0, 1.0))


def test_words() -> None:
    """Lists read as English; touching intervals overlap, unknown ones do not."""
    assert ("a", "a and b", "a, b and c") == (listed("a"), listed("ab"), listed("abc"))
    assert overlaps({"low": 0.1, "high": 0.2}, {"low": 0.2, "high": 0.3})
    assert not overlaps({"low": 0.1, "high": 0.2}, {"low": 0.21, "high": 0.3})
    assert not overlaps({"low": None, "high": None}, {"low": 0.1, "high": 0.3})
