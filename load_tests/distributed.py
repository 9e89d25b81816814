"""One run from several processes or pods, over Locust's own messages: each sends its share, all rows come back.

Rows are pooled, so percentiles are those of all requests together; histograms are added up, percentiles never averaged.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import MasterRunner

from load_tests.cli import VERBS, verb_of
from load_tests.config import Server, Worker
from load_tests.engine import Recording, run_open
from load_tests.payloads import read_photographs
from load_tests.plan import due_times
from load_tests.rows import Row

PLAN, ROWS, CHUNK = "plan", "rows", 10_000  # messages, and rows in each
TOGETHER_S = 2.0  # from the plan to the begin: every worker reads its photographs meanwhile
_FIELDS = [field.name for field in fields(Row)]


class Gathered:
    """What has come back from the workers so far."""

    def __init__(self, workers: int) -> None:
        self.waiting, self.all_here = workers, Event()
        self.recording = Recording(workers=workers)

    def receive(self, environment: Environment, msg: Any) -> None:  # noqa: ANN401 # Locust's message
        """Rows of one worker; the last ones carry its CPU and clock."""
        self.recording.rows += [Row(**dict(zip(_FIELDS, row, strict=True))) for row in msg.data["rows"]]
        if not msg.data["last"]:
            return
        self.recording.cpu = max(self.recording.cpu, msg.data["cpu"])
        self.recording.clock_drift_s = max(self.recording.clock_drift_s, msg.data["drift"], key=abs)
        self.waiting -= 1
        if self.waiting == 0:
            self.all_here.set()


def run_distributed(settings: Server, patience_s: float = 120.0) -> Recording:
    """As run_open, by `processes` started here and `workers` that come from elsewhere.

    Raises RuntimeError when a worker does not come or does not report: then nothing can be said.
    """
    count = settings.processes + settings.workers
    host, port = _listening(settings)
    runner = Environment(user_classes=[], host=settings.host).create_master_runner(host, port)
    gathered = Gathered(count)
    runner.register_message(ROWS, gathered.receive)
    reached = "127.0.0.1" if host in ("*", "0.0.0.0") else host
    with _started(settings.processes, f"{reached}:{port}", settings.images), _ended(runner):
        _wait_for(runner, count, patience_s)
        gathered.recording.began = begin = time.time() + TOGETHER_S
        for number, client in enumerate(sorted(node.id for node in runner.clients.ready)):
            share = {"verb": verb_of(settings), "settings": settings.model_dump(mode="json"), "begin": begin}
            runner.send_message(PLAN, {**share, "worker": number, "workers": count}, client)
        span = settings.warmup + settings.duration + settings.max_wait_s + settings.drain
        if not gathered.all_here.wait(span + patience_s):
            raise RuntimeError(f"{gathered.waiting} of {count} workers did not report. See their logs; run again.")
    return gathered.recording


def work(settings: Worker) -> int:
    """Do what one `server --workers` asks for, then end."""
    host, _, port = settings.master.rpartition(":")
    environment = Environment(user_classes=[])
    runner = environment.create_worker_runner(host, int(port))

    def on_plan(environment: Environment, msg: Any) -> None:  # noqa: ANN401 # Locust's message
        kind = VERBS[msg.data["verb"]][0]
        plan = kind(**{**msg.data["settings"], "images": settings.images})
        if not isinstance(plan, Server):
            raise TypeError(f"{msg.data['verb']} is no open loop")
        photographs = read_photographs(plan.images, plan.labels)
        number, workers = msg.data["worker"], msg.data["workers"]
        gevent.sleep(max(0.0, msg.data["begin"] - time.time()))
        done = run_open(plan, photographs, due_times(plan, number, workers), lambda run: None, number)
        rows = [[getattr(row, name) for name in _FIELDS] for row in done.rows]
        for start in range(0, max(len(rows), 1), CHUNK):
            last = start + CHUNK >= len(rows)
            part = {"rows": rows[start : start + CHUNK], "last": last, "cpu": done.cpu, "drift": done.clock_drift_s}
            runner.send_message(ROWS, part)
            gevent.sleep(0)

    runner.register_message(PLAN, on_plan, concurrent=True)
    runner.greenlet.join()
    return 0


def _listening(settings: Server) -> tuple[str, int]:
    """Where workers from elsewhere are told to come; for processes of our own any free port."""
    host, _, port = settings.bind.rpartition(":")
    if settings.workers:
        return host, int(port)
    with socket.create_server(("127.0.0.1", 0)) as free:
        return "127.0.0.1", int(free.getsockname()[1])


def _wait_for(runner: MasterRunner, count: int, patience_s: float) -> None:
    end = time.time() + patience_s
    while len(runner.clients.ready) < count:
        if time.time() > end:
            raise RuntimeError(f"{len(runner.clients.ready)} of {count} workers came within {patience_s:g} s.")
        gevent.sleep(0.1)


@contextmanager
def _started(count: int, master: str, images: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "load_tests", "worker", "--master", master, "--images", str(images)]
    home = Path(__file__).parents[1]
    processes = [subprocess.Popen(command, cwd=home) for _ in range(count)]
    try:
        yield
        for process in processes:
            process.wait(timeout=10)
    finally:
        for process in processes:
            process.kill()
            process.wait()


@contextmanager
def _ended(runner: MasterRunner) -> Iterator[None]:
    try:
        yield
    finally:
        runner.quit()
