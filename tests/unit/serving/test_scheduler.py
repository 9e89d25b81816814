import pytest

from serving.lanes import Job
from serving.metrics import Metrics
from serving.scheduler import Scheduler
from tests.fakes import FakeEngine, fake_model

FROZEN, PARTIAL = (fake_model(FakeEngine(), name) for name in ("frozen", "partial"))


def waiting(lanes: int, *jobs: Job) -> Scheduler:
    """A scheduler whose lanes were not started, with work in its queue."""
    scheduler = Scheduler(lanes, 4, 1_000_000, Metrics())
    scheduler._waiting.extend(jobs)
    return scheduler


def job(model: object = PARTIAL, dropped: str = "") -> Job:
    """A photograph for one model."""
    return Job(b"", (model,), 1.0, dropped=dropped)  # type: ignore[arg-type] # a model


@pytest.mark.parametrize(
    ("lanes", "queue", "batches"),
    [(1, 9, [4, 4, 1]), (2, 4, [2, 1, 1]), (2, 7, [4, 2, 1]), (4, 3, [1, 1, 1]), (2, 20, [4] * 4 + [2, 1, 1])],
)
def test_a_lane_takes_its_fair_share(lanes: int, queue: int, batches: list[int]) -> None:
    """What waits is divided by the lanes, rounded up, at most the limit: no lane idles beside a full batch."""
    scheduler = waiting(lanes, *(job() for _ in range(queue)))
    assert batches == [len(scheduler._share()) for _ in batches]
    assert not scheduler._waiting


def test_a_batch_is_of_one_model_and_the_order_stays() -> None:
    """Jobs of other models keep their places."""
    jobs = [job(PARTIAL), job(FROZEN), job(PARTIAL), job(FROZEN)]
    scheduler = waiting(1, *jobs)
    assert [jobs[0], jobs[2]] == scheduler._share()
    assert [jobs[1], jobs[3]] == scheduler._share()


def test_those_who_left_take_no_place() -> None:
    """Dropped jobs are passed over and counted."""
    left = [job(dropped="gone"), job(), job(dropped="deadline"), job()]
    scheduler = waiting(1, *left)
    scheduler._leave_out_dropped()
    assert [left[1], left[3]] == scheduler._share()
    dropped = {"gone": 1.0, "deadline": 1.0}
    registry = scheduler._metrics.registry
    assert dropped == {
        reason: registry.get_sample_value("thaw_dropped_total", {"reason": reason}) for reason in dropped
    }
