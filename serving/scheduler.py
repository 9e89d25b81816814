"""One queue and its lanes: who decodes and infers what, with whom, and what happens when a lane dies."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from serving.errors import Refusal
from serving.lanes import Job, work
from serving.metrics import Metrics
from serving.store import Model

log = logging.getLogger("thaw.scheduler")

IDLE_BEAT_S = 1.0  # an idle lane wakes this often to say that it lives
RESTART_PAUSE_S = 0.05  # before a dead lane is replaced; doubles with each death in a row, so that none spins
LONGEST_PAUSE_S = 5.0


class Lane:
    """A thread's state, written by the thread and read by the event loop."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.alive = False  # has passed its self-test and did not end
        self.last_beat = time.perf_counter()
        self.busy = False
        self.batch: list[Job] = []

    def beat(self) -> None:
        """A sign of life."""
        self.last_beat = time.perf_counter()


class Scheduler:
    """Jobs go in on the event loop, lanes take them from threads, results come back on the loop."""

    def __init__(self, lanes: int, batch_limit: int, max_pixels: int, metrics: Metrics) -> None:
        self._wanted = lanes
        self._batch_limit = batch_limit
        self._max_pixels = max_pixels
        self._metrics = metrics
        self._waiting: deque[Job] = deque()
        self._work_or_end = threading.Condition()
        self._closing = False
        self._deaths_in_a_row = 0
        self.lanes: list[Lane] = []
        self.probe: Model  # its golden photograph is what a new lane answers before it takes work
        self.on_cost: Callable[[float], None] = lambda seconds: None
        metrics.lanes.set(lanes)
        metrics.watch(metrics.queue_length, lambda: len(self._waiting))
        metrics.watch(metrics.lanes_alive, lambda: sum(lane.alive for lane in self.lanes))

    def start(self) -> None:
        """Start the lanes."""
        self._loop = asyncio.get_running_loop()
        for _ in range(self._wanted):
            self._start_lane()

    def close(self) -> None:
        """Lanes end after what they hold; nothing new is taken."""
        with self._work_or_end:
            self._closing = True
            self._work_or_end.notify_all()
        for lane in self.lanes:
            if lane.thread is not None:
                lane.thread.join(timeout=1.0)

    async def run(self, job: Job) -> None:
        """Wait until `job.results` is filled. Raises what failed the job, or Refusal when its deadline passes.

        A cancelled caller's job is left out of its batch if it still waits.
        """
        job.done = self._loop.create_future()
        job.queued_at = time.perf_counter()
        timer = self._loop.call_later(max(0.0, job.deadline - job.queued_at), self._expire, job)
        with self._work_or_end:
            self._waiting.append(job)
            self._work_or_end.notify()
        try:
            await job.done
        except asyncio.CancelledError:
            job.dropped = "gone"
            raise
        finally:
            timer.cancel()

    def trouble(self, stale_s: float) -> str | None:
        """What is wrong with the lanes, in a sentence; None when all are alive and none is stuck."""
        alive = sum(lane.alive for lane in self.lanes)
        return f"{alive} of {self._wanted} lanes are alive" if alive < self._wanted else self.stuck(stale_s)

    def stuck(self, stale_s: float) -> str | None:
        """A sentence when a lane has been in one batch for longer than `stale_s`: nothing can end it from outside."""
        now = time.perf_counter()
        stuck = sum(lane.alive and now - lane.last_beat > stale_s + IDLE_BEAT_S for lane in self.lanes)
        return f"{stuck} of {self._wanted} lanes gave no sign of life for {stale_s:g} s" if stuck else None

    def _expire(self, job: Job) -> None:
        job.dropped = "deadline"
        self._settle(
            [job], Refusal("deadline", "The deadline passed before an answer was there. Allow more time or send less.")
        )

    def _start_lane(self) -> None:
        if self._closing:
            return
        lane = Lane()
        lane.thread = threading.Thread(target=self._lane_life, args=(lane,), name="thaw-lane", daemon=True)
        self.lanes.append(lane)
        lane.thread.start()

    def _lane_life(self, lane: Lane) -> None:
        """Self-test, then batch after batch. Whatever ends it but `close` is a death, and is reported."""
        try:
            self.probe.infer(self.probe.prepare(self.probe.golden).rgb[None])
            lane.alive = True
            while batch := self._take(lane):
                lane.batch, lane.busy = batch, True
                work(batch, self._max_pixels, self._metrics, lane.beat)
                lane.busy = False
                self._loop.call_soon_threadsafe(self._finish, batch)
                lane.batch = batch = []  # an idle lane keeps neither photographs nor unloaded versions in memory
            lane.alive = False
        except BaseException as error:
            lane.alive = False
            if self._closing:
                return
            log.exception("a lane died")
            self._loop.call_soon_threadsafe(self._bury, lane, error)

    def _take(self, lane: Lane) -> list[Job]:
        """The oldest job and a fair share of those behind it for the same models. Empty when the server ends."""
        with self._work_or_end:
            while True:
                lane.beat()
                self._leave_out_dropped()
                if self._waiting:
                    return self._share()
                if self._closing:
                    return []
                self._work_or_end.wait(IDLE_BEAT_S)

    def _leave_out_dropped(self) -> None:
        while self._waiting and self._waiting[0].dropped:
            self._metrics.count_dropped(self._waiting.popleft().dropped)

    def _share(self) -> list[Job]:
        """Never waits for more, and leaves the other lanes their part: a batch is taken only when it is free."""
        share = min(self._batch_limit, -(-len(self._waiting) // self._wanted))
        batch: list[Job] = [self._waiting.popleft()]
        others: list[Job] = []
        while self._waiting and len(batch) < share:
            job = self._waiting.popleft()
            if job.dropped:
                self._metrics.count_dropped(job.dropped)
            else:
                (batch if job.models == batch[0].models else others).append(job)
        self._waiting.extendleft(reversed(others))
        return batch

    def _finish(self, batch: list[Job]) -> None:
        """On the loop: hand every job to its waiter, unless that one has left."""
        self._deaths_in_a_row = 0
        for job in batch:
            if job.dropped == "deadline":
                self._expire(job)
                continue
            if job.cost_s:
                self.on_cost(job.cost_s)
            self._settle([job], job.failure)

    def _bury(self, lane: Lane, error: BaseException) -> None:
        """On the loop: fail what the lane held and put another in its place."""
        self.lanes.remove(lane)
        self._metrics.lane_restarts.inc()
        self._settle(lane.batch if lane.busy else [], RuntimeError(f"the lane died: {error!r}"))
        self._loop.call_later(min(LONGEST_PAUSE_S, RESTART_PAUSE_S * 2**self._deaths_in_a_row), self._start_lane)
        self._deaths_in_a_row += 1

    @staticmethod
    def _settle(jobs: list[Job], failure: BaseException | None) -> None:
        for job in jobs:
            if job.done is None or job.done.done():
                continue
            if failure is None:
                job.done.set_result(None)
            else:
                job.done.set_exception(failure)
