import math

import pytest

from serving.lanes import Job
from serving.stages import Stage
from tests.fakes import FakeEngine, fake_model

FROZEN, PARTIAL = (fake_model(FakeEngine(), name) for name in ("frozen", "partial"))


def waiting(lanes: int, *jobs: Job) -> Stage:
    """A stage whose lanes were not started, with work in its queue."""
    stage = Stage(lanes, 4, lambda batch, beat: None)
    stage.put(jobs)
    return stage


def job(model: object = PARTIAL) -> Job:
    """A photograph for one model."""
    return Job(b"", (model,), math.inf)  # type: ignore[arg-type] # a model


@pytest.mark.parametrize(
    ("lanes", "queue", "batches"),
    [(1, 9, [4, 4, 1]), (2, 4, [2, 1, 1]), (2, 7, [4, 2, 1]), (4, 3, [1, 1, 1]), (2, 20, [4] * 4 + [2, 1, 1])],
)
def test_a_lane_takes_its_fair_share(lanes: int, queue: int, batches: list[int]) -> None:
    """What waits is divided by the lanes, rounded up, at most the limit: no lane idles beside a full batch."""
    stage = waiting(lanes, *(job() for _ in range(queue)))
    assert batches == [len(stage.share()) for _ in batches]
    assert not stage.waiting


def test_a_batch_is_of_one_model_and_the_order_stays() -> None:
    """Jobs of other models keep their places."""
    jobs = [job(PARTIAL), job(FROZEN), job(PARTIAL), job(FROZEN)]
    stage = waiting(1, *jobs)
    assert [jobs[0], jobs[2]] == stage.share()
    assert [jobs[1], jobs[3]] == stage.share()


def test_those_who_left_leave_the_queue() -> None:
    """At once, and not when a lane comes to them; what a lane has already cannot be taken back."""
    jobs = [job(), job(), job()]
    stage = waiting(1, *jobs)
    assert stage.discard(jobs[1])
    assert not stage.discard(jobs[1])
    assert [jobs[0], jobs[2]] == stage.share()
