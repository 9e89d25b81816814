"""An open loop inside Locust: one dispatcher a process, arrivals from a plan, latency from the due instant."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore
from gevent.pool import Pool
from locust import User, task
from locust.exception import StopUser

from load_tests.client import Client, Reply
from load_tests.payloads import Payload
from load_tests.rows import CUT, DROPPED, Row

NAN = float("nan")
# Between the user's start and the first due instant: connecting and compiling must not make the first ones late.
LEAD_S = 0.2


@dataclass
class OpenRun:
    """What one dispatcher shall do, and what it has seen. Seconds since `begin`, an instant of time.perf_counter()."""

    client: Client
    payloads: tuple[Payload, ...]
    order: tuple[int, ...]  # of the payloads, gone through again and again
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
        self.number = 0

    @task
    def arrive(self) -> None:
        """Wait until the next request is due and send it."""
        plan = self.plan
        due = next(plan.due, None)
        if due is None:
            raise StopUser
        self.number += 1
        # When behind, still give the hub a turn: senders that never run would look like a slow server.
        gevent.sleep(max(due - plan.now(), 0))
        if self.places.acquire(timeout=max(due + plan.max_wait_s - plan.now(), 0)):
            self.senders.spawn(self.send, self.number, due)
        else:
            self.record(self.number, Row(due, NAN, plan.now(), DROPPED, worker=plan.worker))

    def send(self, number: int, due: float) -> None:
        """One request on its own greenlet."""
        plan = self.plan
        sent = plan.now()
        self.in_flight[number] = (due, sent)
        place = plan.order[number % len(plan.order)]
        try:
            reply = plan.client.post(plan.payloads[place])
            row = Row(due, sent, plan.now(), reply.outcome, reply.status, place, reply.label, reply.stages, plan.worker)
            self.record(number, row, reply)
        finally:
            self.places.release()

    def record(self, number: int, row: Row, reply: Reply | None = None) -> None:
        """Keep the row and tell Locust; what was cut already stays cut."""
        if row.outcome not in (DROPPED, CUT) and self.in_flight.pop(number, None) is None:
            return
        self.plan.rows.append(row)
        exact = {"late_ms": (row.sent - row.due) * 1e3, "service_ms": (row.end - row.sent) * 1e3}
        self.environment.events.request.fire(
            request_type="POST",
            name=self.plan.client.path,
            response_time=(row.end - row.due) * 1e3,
            response_length=reply.size if reply else 0,
            exception=RuntimeError(reply.words if reply and reply.words else row.outcome)
            if row.outcome != "ok"
            else None,
            context=exact,
        )

    def on_stop(self) -> None:
        """Let the last ones finish; what then still waits is recorded as cut, with the time it has waited."""
        self.senders.join(timeout=self.plan.drain_s)
        waiting, self.in_flight = self.in_flight, {}
        for number, (due, sent) in waiting.items():
            self.record(number, Row(due, sent, self.plan.now(), CUT, worker=self.plan.worker))
        self.senders.kill(block=False)
        self.plan.finished.set()
