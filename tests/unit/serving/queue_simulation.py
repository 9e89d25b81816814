"""Doors, queue and lanes in virtual time: what the order of the queue does to answers that come before their deadline.

`python -m tests.unit.serving.queue_simulation` prints the table of docs/decisions/0013. Slots, Stage and its choice are
the server's own; arrivals and costs are drawn.
"""

import heapq
import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from serving import stages
from serving.admission import Slots
from serving.errors import Refusal
from serving.lanes import Job
from serving.metrics import Metrics
from serving.stages import Stage
from tests.fakes import FakeEngine, fake_model

LANES, SLOTS, COST_S = 2, 64, 0.0035
MODELS = (fake_model(FakeEngine()),)


@dataclass
class Outcome:
    """Of one run, per second but for `latencies`: in time, computed in vain, expired in the queue, refused."""

    good: float = 0.0
    vain: float = 0.0
    expired: float = 0.0
    shed: float = 0.0
    latencies: list[float] = field(default_factory=list)

    def percentile_ms(self, share: float) -> float:
        """Of the answers in time."""
        return sorted(self.latencies)[int(share * (len(self.latencies) - 1))] * 1000


class Simulation:
    """Open-loop arrivals at a door, `LANES` lanes behind it. Also the clock that the stage reads."""

    def __init__(self, deadline_s: float, load: float, slowdown: float, seed: int = 1) -> None:
        """load: arrivals over what the lanes can do. slowdown: of the last two of every ten seconds."""
        self._deadline_s, self._slowdown = deadline_s, slowdown
        self._rate = load * LANES / COST_S
        self._random = random.Random(seed)
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._slots = Slots(SLOTS, LANES, Metrics())
        self._held: dict[Job, AbstractContextManager[None]] = {}
        self._stage = Stage(LANES, 1, lambda batch, beat: None)
        self._idle = LANES
        self._outcome = Outcome()

    def perf_counter(self) -> float:
        """Virtual time, in seconds."""
        return self._now

    def run(self, seconds: float) -> Outcome:
        """What became of all that arrived."""
        self._at(0.0, self._arrive)
        while self._events and self._events[0][0] < seconds:
            self._now, _, event = heapq.heappop(self._events)
            event()
            while self._idle and self._stage.waiting:
                self._begin(self._stage.share()[0])
        for name in ("good", "vain", "expired", "shed"):
            setattr(self._outcome, name, getattr(self._outcome, name) / seconds)
        return self._outcome

    def _at(self, delay: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self._now + delay, next(self._number), event))

    def _arrive(self) -> None:
        self._at(self._random.expovariate(self._rate), self._arrive)
        job = Job(b"", MODELS, self._now + self._deadline_s, queued_at=self._now)
        hold = self._slots.hold(1, self._deadline_s)
        try:
            hold.__enter__()
        except Refusal:
            self._outcome.shed += 1
            return
        self._held[job] = hold
        self._stage.put([job])
        self._at(self._deadline_s, lambda: self._expire(job))

    def _expire(self, job: Job) -> None:
        if self._stage.discard(job):
            self._outcome.expired += 1
            self._leave(job)

    def _begin(self, job: Job) -> None:
        self._idle -= 1
        slow = self._slowdown if self._now % 10 >= 8 else 1.0
        cost = COST_S * slow * self._random.gammavariate(4, 0.25)
        self._at(cost, lambda: self._end(job, cost))

    def _end(self, job: Job, cost: float) -> None:
        self._idle += 1
        self._stage.learn(cost)
        self._slots.learn(cost)
        if self._now <= job.deadline:
            self._outcome.good += 1
            self._outcome.latencies.append(self._now - job.queued_at)
        else:
            self._outcome.vain += 1
        self._leave(job)

    def _leave(self, job: Job) -> None:
        self._held.pop(job).__exit__(None, None, None)


def in_virtual_time(deadline_s: float, load: float, slowdown: float, seconds: float, *, late: float) -> Outcome:
    """One run. late: stages.LATE; 0 is the oldest first, always."""
    simulation = Simulation(deadline_s, load, slowdown)
    real = stages.time, stages.LATE
    stages.time, stages.LATE = simulation, late  # type: ignore[assignment] # a clock by its shape
    try:
        return simulation.run(seconds)
    finally:
        stages.time, stages.LATE = real


def rows(seconds: float = 60.0) -> Iterator[str]:
    """The table, in Markdown."""
    yield "| load | deadline ms | slowed | order | in time /s | p50 ms | p99 ms | in vain /s | expired /s | shed /s |"
    yield "| ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for load, deadline_s, slowdown in itertools.product((0.9, 2.0), (5.0, 0.2, 0.1, 0.05), (1.0, 5.0)):
        for order, late in (("oldest", 0.0), ("newest when late", stages.LATE)):
            got = in_virtual_time(deadline_s, load, slowdown, seconds, late=late)
            figures = (got.good, got.percentile_ms(0.5), got.percentile_ms(0.99), got.vain, got.expired, got.shed)
            cells = (load, round(deadline_s * 1000), f"{slowdown:g} x", order, *(f"{each:.0f}" for each in figures))
            yield f"| {' | '.join(str(cell) for cell in cells)} |"


if __name__ == "__main__":
    for row in rows():
        print(row)
