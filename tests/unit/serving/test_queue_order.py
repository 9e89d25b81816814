"""Oldest first, unless that would be too late for everybody."""

import pytest

from serving import stages
from serving.lanes import Job
from serving.stages import Stage
from tests.fakes import FakeEngine, fake_model
from tests.unit.serving.queue_simulation import in_virtual_time

MODEL = fake_model(FakeEngine())


class Clock:
    """Stands in for the module `time`."""

    def perf_counter(self) -> float:
        """Always the same."""
        return 100.0


def stage_of(monkeypatch: pytest.MonkeyPatch, *left_s: float) -> tuple[Stage, list[Job]]:
    """A stage whose batches take 0.01 s; jobs by the time that they have left, oldest first."""
    monkeypatch.setattr(stages, "time", Clock())
    monkeypatch.setattr(stages, "SMOOTHING", 1.0)
    stage = Stage(2, 4, lambda batch, beat: None)
    stage.learn(0.01)
    jobs = [Job(b"", (MODEL,), 100.0 + left) for left in left_s]
    stage.put(jobs)
    return stage, jobs


def test_the_newest_go_first_while_the_oldest_would_be_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps its place, so that it may still be served or expire there."""
    stage, jobs = stage_of(monkeypatch, 0.01, 0.02, 0.03, 0.04)
    assert [jobs[3], jobs[2]] == stage.share()
    assert [jobs[0], jobs[1]] == list(stage.waiting)


def test_the_oldest_goes_first_as_long_as_it_will_be_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However little time the others have."""
    stage, jobs = stage_of(monkeypatch, 0.02, 0.001, 0.001)
    assert jobs[:2] == stage.share()


def test_who_is_alone_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """An estimate is no reason to let a lane idle."""
    stage, jobs = stage_of(monkeypatch, 0.001)
    assert jobs == stage.share()


@pytest.mark.parametrize("deadline_s", [0.1, 0.05])
def test_it_saves_what_would_be_computed_in_vain(deadline_s: float) -> None:
    """At twice what the lanes can do and a deadline shorter than the full queue: a sixth more answers in time."""
    oldest = in_virtual_time(deadline_s, 2.0, 1.0, 5.0, late=0.0)
    newest = in_virtual_time(deadline_s, 2.0, 1.0, 5.0, late=stages.LATE)
    assert newest.good > 7 / 6 * oldest.good
    assert newest.vain < oldest.vain / 10


def test_it_changes_nothing_where_nobody_is_late() -> None:
    """With the default deadline the slots alone keep the queue short."""
    oldest = in_virtual_time(5.0, 2.0, 1.0, 2.0, late=0.0)
    assert oldest == in_virtual_time(5.0, 2.0, 1.0, 2.0, late=stages.LATE)
