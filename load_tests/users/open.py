"""An open loop inside Locust: one dispatcher a process, arrivals from a plan, latency from the due instant."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore, Semaphore
from gevent.pool import Pool
from locust import User, task
from locust.exception import StopUser

from load_tests.client import Client
from load_tests.rows import CUT, DROPPED, OK, Row

NAN = float("nan")
# Between the user's start and the first due instant: connecting and compiling must not make the first ones late.
LEAD_S = 0.2


@dataclass
class OpenRun:
    """What one dispatcher shall do, and what it has seen. Seconds since `begin`, an instant of time.perf_counter()."""

    client: Client
    order: tuple[int, ...]  # of the client's payloads, gone through again and again
    due: Iterator[float]
    cap: int
    max_wait_s: float
    drain_s: float
    worker: int = 0
    begin: float = 0.0
    rows: list[Row] = field(default_factory=list)
    finished: Event = field(default_factory=Event)

    def now(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self.begin


class OpenUser(User):
    """Sends what is due, at most `cap` at once; a late request keeps its due instant. Each task is one arrival."""

    abstract = True
    fixed_count = 1

    def new_run(self) -> OpenRun:
        """The plan of this process."""
        raise NotImplementedError

    def on_start(self) -> None:
        """Begin the plan a moment from now, unless it says when."""
        self.plan = self.new_run()
        self.plan.begin = self.plan.begin or time.perf_counter() + LEAD_S
        self.senders, self.places = Pool(), BoundedSemaphore(self.plan.cap)
        self.in_flight: dict[int, tuple[float, float]] = {}  # number -> due, sent
        self.arrived: deque[tuple[float, float, float, int, Any]] = deque()  # due, sent, end, place, answer
        self.unjudged, self.number = Semaphore(0), 0
        self.judge = gevent.spawn(self.judge_all)

    @task
    def arrive(self) -> None:
        """Wait until the next request is due and send it."""
        plan = self.plan
        due = self.next_due()
        if due is None:
            raise StopUser
        self.number += 1
        if (pause := due - plan.now()) > 0:
            gevent.sleep(pause)
        if self.places.acquire(timeout=max(due + plan.max_wait_s - plan.now(), 0)):
            self.senders.spawn(self.send, self.number, due)
        else:
            self.record(Row(due, NAN, plan.now(), DROPPED, worker=plan.worker))

    def next_due(self) -> float | None:
        """The next instant that is not hopeless; those before it are dropped at once, so that any rate ends."""
        plan, dropped = self.plan, len(self.plan.rows)
        due = next(plan.due, None)
        while due is not None and plan.now() > due + plan.max_wait_s:
            plan.rows.append(Row(due, NAN, plan.now(), DROPPED, worker=plan.worker))
            due = next(plan.due, None)
        if count := len(plan.rows) - dropped:
            words = f"{count} dropped: no place in flight for {plan.max_wait_s:g} s"
            self.tell(plan.max_wait_s * 1e3, 0, RuntimeError(words), {})
        return due

    def send(self, number: int, due: float) -> None:
        """One request on its own greenlet; on arrival only what cannot wait."""
        plan = self.plan
        sent = plan.now()
        self.in_flight[number] = (due, sent)
        place = plan.order[number % len(plan.order)]
        try:
            answer = plan.client.send(place)
            if self.in_flight.pop(number, None):  # or it was cut meanwhile
                self.arrived.append((due, sent, plan.now(), place, answer))
                self.unjudged.release()
        finally:
            self.places.release()

    def judge_all(self) -> None:
        """Check answers one at a time, so that a hundred at once do not keep the dispatcher waiting."""
        while True:
            self.unjudged.acquire()
            self.judge_next()
            gevent.sleep(0)

    def judge_next(self) -> None:
        """The answer that waits longest."""
        due, sent, end, place, answer = self.arrived.popleft()
        reply = self.plan.client.judge(place, answer)
        stages = reply.stages or {}
        answer = (reply.outcome, reply.status, place, reply.label, stages, self.plan.worker, reply.words)
        self.record(Row(due, sent, end, *answer), reply.size)

    def record(self, row: Row, size: int = 0) -> None:
        """Keep the row and tell Locust."""
        self.plan.rows.append(row)
        fault = None if row.outcome == OK else RuntimeError(row.words or row.outcome)
        context = {"late_ms": (row.sent - row.due) * 1e3, "service_ms": (row.end - row.sent) * 1e3}
        self.tell((row.end - row.due) * 1e3, size, fault, context)

    def tell(self, milliseconds: float, size: int, fault: Exception | None, context: dict[str, float]) -> None:
        """One request for Locust's statistics; its response time is the one from the plan."""
        self.environment.events.request.fire(
            request_type="POST",
            name=self.plan.client.path,
            response_time=milliseconds,
            response_length=size,
            exception=fault,
            context=context,
        )

    def on_stop(self) -> None:
        """Let the last ones finish; what then still waits is recorded as cut, with the time it has waited."""
        self.senders.join(timeout=self.plan.drain_s)
        waiting, self.in_flight = self.in_flight, {}
        self.judge.kill()
        while self.arrived:
            self.judge_next()
        for due, sent in waiting.values():
            self.record(Row(due, sent, self.plan.now(), CUT, worker=self.plan.worker))
        self.senders.kill(block=False)
        self.plan.finished.set()
