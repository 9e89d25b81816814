"""One queue and the threads that take from it: who gets what, with whom, and what happens when a thread dies."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from serving.lanes import Job

log = logging.getLogger("thaw.scheduler")

IDLE_BEAT_S = 1.0  # an idle lane wakes this often to say that it lives
RESTART_PAUSE_S = 0.05  # before a dead lane is replaced; doubles with each death in a row, so that none spins
LONGEST_PAUSE_S = 5.0
LATE = 1.5  # usual batches: with less time left than so many, the oldest would be computed in vain
SMOOTHING = 0.05  # weight of the newest batch in the usual one

Work = Callable[[list[Job], Callable[[], None]], object]  # a batch, and a beat to call between its parts


class Lane:
    """A thread's state, written by the thread and read by the event loop."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.alive = False  # has passed its self-test and did not end
        self.last_beat = time.perf_counter()
        self.batch: list[Job] = []  # what it holds

    def beat(self) -> None:
        """A sign of life."""
        self.last_beat = time.perf_counter()


class Stage:
    """Jobs are put in, lanes take them in batches of at most `limit`, work, and pass them on."""

    def __init__(self, wanted: int, limit: int, work: Work) -> None:
        """wanted: lanes. work: runs in a lane, and raises nothing that a photograph or a model can cause."""
        self.wanted = wanted
        self.lanes: list[Lane] = []
        self.waiting: deque[Job] = deque()
        self._limit = limit
        self._work = work
        self._work_or_end = threading.Condition()
        self._closing = False
        self._deaths_in_a_row = 0
        self._usual_s = 0.0
        self.pass_on: Callable[[list[Job]], None] = lambda batch: None  # called in the lane
        self.on_death: Callable[[list[Job], BaseException], None] = lambda batch, error: None  # called on the loop

    def start(self, self_test: Callable[[], None]) -> None:
        """self_test: what a lane must pass before it takes work."""
        self._loop = asyncio.get_running_loop()
        self._self_test = self_test
        for _ in range(self.wanted):
            self._start_lane()

    def close(self) -> None:
        """Lanes end after what they hold; nothing new is taken."""
        with self._work_or_end:
            self._closing = True
            self._work_or_end.notify_all()
        for lane in self.lanes:
            if lane.thread is not None:
                lane.thread.join(timeout=1.0)

    def put(self, jobs: Iterable[Job]) -> None:
        """From any thread."""
        with self._work_or_end:
            for job in jobs:
                self.waiting.append(job)
                self._work_or_end.notify()

    def discard(self, job: Job) -> bool:
        """Take a job out that nobody waits for; False when a lane has it already. Its bytes go with it."""
        with self._work_or_end:
            is_here = job in self.waiting  # asked first: the error of `remove` would spell out the whole job
            if is_here:
                self.waiting.remove(job)
        return is_here

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
            self._self_test()
            lane.alive = True
            while batch := self._take(lane):
                lane.batch = batch
                started = time.perf_counter()
                self._work(batch, lane.beat)
                self.learn(time.perf_counter() - started)
                self._deaths_in_a_row = 0
                was_ours = any(job.has_failed_by_us for job in batch)
                self.pass_on(batch)
                lane.batch = batch = []  # an idle lane keeps neither photographs nor unloaded versions in memory
                if was_ours:
                    self._self_test()  # a device that has failed for good must not go on being called ready
            lane.alive = False
        except BaseException as error:
            lane.alive = False
            if self._closing:
                return
            log.exception("a lane died")
            self._loop.call_soon_threadsafe(self._bury, lane, error)

    def _take(self, lane: Lane) -> list[Job]:
        """A job and a fair share of those next to it for the same models. Empty when the server ends."""
        with self._work_or_end:
            while True:
                lane.beat()
                if self.waiting:
                    return self.share()
                if self._closing:
                    return []
                self._work_or_end.wait(IDLE_BEAT_S)

    def share(self) -> list[Job]:
        """Never waits for more, and leaves the other lanes their part: a batch is taken only when it is free.

        The oldest first. While that one would be late the newest, or everybody would be: each a little too late.
        """
        share = min(self._limit, -(-len(self.waiting) // self.wanted))
        is_late = self.waiting[0].deadline - time.perf_counter() < LATE * self._usual_s
        take, put_back = (
            (self.waiting.pop, self.waiting.extend) if is_late else (self.waiting.popleft, self.waiting.extendleft)
        )
        batch: list[Job] = [take()]
        others: list[Job] = []
        while self.waiting and len(batch) < share:
            job = take()
            (batch if job.models == batch[0].models else others).append(job)
        put_back(reversed(others))
        return batch

    def learn(self, seconds: float) -> None:
        """A batch took so long."""
        self._usual_s += SMOOTHING * (seconds - self._usual_s)

    def _bury(self, lane: Lane, error: BaseException) -> None:
        """On the loop: fail what the lane held and put another in its place."""
        self.lanes.remove(lane)
        self.on_death(lane.batch, error)
        self._loop.call_later(min(LONGEST_PAUSE_S, RESTART_PAUSE_S * 2**self._deaths_in_a_row), self._start_lane)
        self._deaths_in_a_row += 1
