"""Headless runs: a Locust environment is made, runs its plan, and its rows come back. One process, no web page."""

import gc
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import gevent
import numpy as np
from gevent.event import Event
from locust import task
from locust.env import Environment
from locust.exception import StopUser

import load_tests.stats_patch  # noqa: F401 # installs itself
from load_tests.client import Client
from load_tests.config import Server, Single, Target
from load_tests.machine import before_others
from load_tests.payloads import Payload, Photograph, form, raw
from load_tests.rows import Row
from load_tests.schedule import Times
from load_tests.users.closed import CheckedUser, Turns
from load_tests.users.open import LEAD_S, OpenRun, OpenUser


@dataclass
class Recording:
    """One run. Times of rows are seconds since `began`, a Unix time. cpu: share of one core, the busiest worker's."""

    rows: list[Row] = field(default_factory=list)
    began: float = 0.0
    cpu: float = 0.0
    workers: int = 1
    clock_drift_s: float = 0.0  # of the wall clock against the monotonic one: a machine that slept


def header_of(target: Target) -> dict[str, str]:
    """`Name: value` -> a dictionary; empty when none is set."""
    name, _, value = target.header.partition(":")
    return {name.strip(): value.strip()} if name else {}


def shuffled(count: int, seed: int) -> tuple[int, ...]:
    """0 to count - 1 in an order without pattern, the same for the same seed."""
    return tuple(np.random.default_rng(seed).permutation(count).tolist())


def run_open(
    settings: Server, photographs: tuple[Photograph, ...], due: Times, watch: Callable[[OpenRun], None], worker: int = 0
) -> Recording:
    """Send one process's share of a plan; `watch` is called each second while it runs."""
    payloads = tuple(raw(photograph) for photograph in photographs)
    client = Client(settings.host, settings.path, payloads, settings.timeout_s, header_of(settings))
    order = shuffled(len(payloads), settings.seed + worker)
    run = OpenRun(client, order, iter(due.tolist()), settings.cap, settings.max_wait_s, settings.drain, worker)
    span = settings.warmup + settings.duration

    class Planned(OpenUser):
        def new_run(self) -> OpenRun:
            return run

    with measured(settings, LEAD_S) as recording, locust_run([Planned], 1, settings.host):
        while not run.finished.wait(1):
            watch(run)
            if run.begin and run.now() > span + settings.max_wait_s + settings.drain + 30:
                raise RuntimeError(
                    "The dispatcher did not end 30 s after its plan. This is a fault of the load test; report it."
                )
    client.connections.close()
    return replace(recording, rows=run.rows, began=recording.began)


def run_closed(
    settings: Single, photographs: tuple[Photograph, ...], watch: Callable[[list[Row], float], None]
) -> Recording:
    """Users who wait for their answers, for warm-up and duration."""
    rows: list[Row] = []
    turns = Turns(_batches(photographs, settings.batch))
    span, over = settings.warmup + settings.duration, Event()
    begin = time.perf_counter() + LEAD_S
    gap = settings.users / settings.pace if settings.pace else 0.0

    class Waiting(CheckedUser):
        headers = header_of(settings)
        network_timeout = connection_timeout = settings.timeout_s

        def wait_time(self) -> float:
            return max(0.0, getattr(self, "begun", 0.0) + gap - time.perf_counter()) if gap else 0.0

        @task
        def send(self) -> None:
            self.begun = time.perf_counter()
            if self.begun - begin >= span:
                raise StopUser
            row = self.exchange(settings.path, turns.next())
            rows.append(replace(row, due=row.due - begin, sent=row.sent - begin, end=row.end - begin))

    with measured(settings, LEAD_S) as recording, locust_run([Waiting], settings.users, settings.host) as runner:
        while time.perf_counter() < begin + span or (
            runner.user_count and time.perf_counter() < begin + span + settings.drain
        ):
            over.wait(0.25)
            watch(rows, time.perf_counter() - begin)
    return replace(recording, rows=rows)


def _batches(photographs: tuple[Photograph, ...], size: int) -> tuple[Payload, ...]:
    if size == 1:
        return tuple(raw(photograph) for photograph in photographs)
    endless = photographs * size
    return tuple(form(endless[start : start + size]) for start in range(0, len(photographs) * size, size))


@contextmanager
def locust_run(users: list[type], count: int, host: str) -> Iterator[Any]:
    """Users at work; when the block ends they are stopped."""
    environment = Environment(user_classes=users, host=host, catch_exceptions=False)
    runner = environment.create_local_runner()
    runner.start(count, spawn_rate=max(count, 1))
    try:
        yield runner
    finally:
        runner.quit()


@contextmanager
def measured(settings: Target, lead_s: float) -> Iterator[Recording]:
    """CPU of this process within the measured window, and the clocks' drift; little collection of garbage meanwhile."""
    recording = Recording(began=time.time() + lead_s)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    gc.collect()
    gc.freeze()
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    wall, monotonic = time.time(), time.perf_counter()

    def observe() -> None:
        gevent.sleep(lead_s + settings.warmup)
        cpu, start = time.process_time(), time.perf_counter()
        try:
            gevent.sleep(settings.duration)
        finally:
            recording.cpu = (time.process_time() - cpu) / (time.perf_counter() - start)

    observer = gevent.spawn(observe)
    try:
        with before_others():
            yield recording
    finally:
        observer.kill()
        gc.set_threshold(*usual)
        gc.unfreeze()
        recording.clock_drift_s = (time.time() - wall) - (time.perf_counter() - monotonic)
