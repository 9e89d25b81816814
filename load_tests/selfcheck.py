"""The verb `selfcheck`: the generator against servers whose figures are known beforehand."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from load_tests.config import Selfcheck, Server
from load_tests.document import Summary
from load_tests.machine import facts
from load_tests.matrix import NOISY
from load_tests.payloads import read_photographs
from load_tests.rows import OK, read_rows
from load_tests.rows import table as pooled
from load_tests.summary import HELD_EXIT, INVALID_EXIT, MISSED_EXIT
from load_tests.tables import grid, measured, put
from load_tests.verbs import ROWS, measure_open

SERVICE_MS = 5.0  # of the server that handles one at a time: 200 a second at most
WORDS = {True: "ok", False: "FAIL", None: "INVALID"}


@dataclass(frozen=True)
class Check:
    """One expectation and what was found. passed: None where the run was invalid, which says nothing."""

    name: str
    expected: str
    found: str
    passed: bool | None


def run_checks(settings: Selfcheck) -> int:
    """All of them, a line each. Returns 0; 1 where one fails; 3 where the machine was too busy to tell."""
    checks, began = [], time.time()
    for check in Bench(settings).all():
        checks.append(check)
        print(f"{WORDS[check.passed]:<8} {check.name}: expected {check.expected}, found {check.found}", flush=True)
    settings.out.mkdir(parents=True, exist_ok=True)
    (settings.out / "selfcheck.json").write_text(json.dumps([vars(check) for check in checks], indent=1) + "\n")
    print(f"written: {settings.out}/")
    if settings.document:
        rows = [[check.name, check.expected, check.found, WORDS[check.passed]] for check in checks]
        table = grid(["check", "expected", "found", ""], rows)
        put(settings.document, "selfcheck", f"{table}\n{measured(facts(), began)}")
    passed = [check.passed for check in checks]
    return MISSED_EXIT if False in passed else INVALID_EXIT if None in passed else HELD_EXIT


class Bench:
    """Runs against null servers, each in a folder of its own."""

    def __init__(self, settings: Selfcheck) -> None:
        self.settings = settings
        self.photographs = read_photographs(Server.model_fields["images"].default)

    def all(self) -> Iterator[Check]:
        """In the order of a person's questions: is it right, does it see a freeze, a queue, its own limit?"""
        yield from self.fixed()
        yield from self.frozen()
        yield from self.queue()
        yield self.overload()

    def fixed(self) -> Iterator[Check]:
        """A server that answers after 20 ms."""
        with null_server("--delay-ms", "20") as url:
            first, second = (self.run(url, 200, f"fixed-{turn}") for turn in (1, 2))
        p50, p99 = first.latency_ms.p50 or 0, first.latency_ms.p99 or 0
        yield _check("20 ms server, 200/s, median from plan", "20 to 22 ms", f"{p50:.1f} ms", 19.5 <= p50 <= 22, first)
        yield _check("20 ms server, 200/s, p99 from plan", "20 to 30 ms", f"{p99:.1f} ms", 19.5 <= p99 <= 30, first)
        apart = abs((second.latency_ms.p50 or 0) / p50 - 1) if p50 else 1.0
        wanted = f"below {NOISY:.0%}, else a noisy machine"
        yield _check("two equal runs, medians apart", wanted, f"{apart:.1%}", apart < NOISY, first, second)
        whole = first.sent == first.ok + first.failed + first.dropped + first.cut
        yield _check("every request accounted for", "sent = ok + failed + dropped + cut", f"{first.sent} sent", whole)

    def frozen(self) -> Iterator[Check]:
        """2 ms answers, frozen for half a second of every five: one arrival in ten waits."""
        with null_server("--delay-ms", "2", "--freeze-s", "0.5", "--period-s", "5") as url:
            summary = self.run(url, 200, "frozen", closed=2)
        truth, p95 = summary.stages_ms.get("work"), summary.latency_ms.p95 or 0
        known = (truth.p95 if truth else None) or 0
        wanted, within = f"{known:.0f} ms (the server's own) +-10 %", abs(p95 - known) <= 0.1 * known
        yield _check("freezing server, p95 from plan", wanted, f"{p95:.0f} ms", within, summary)
        p99 = summary.latency_ms.p99 or 0
        yield _check("freezing server, p99 from plan", "at least 350 ms", f"{p99:.0f} ms", p99 >= 350, summary)
        beside = (summary.closed_beside.latency_ms.p99 if summary.closed_beside else None) or 0
        words = f"{beside:.0f} ms: its two users wait while the server does, and send nothing"
        blind = 0 < beside < p99 / 5
        yield _check("the same in a closed loop, p99", "far less than the truth", words, blind, summary)

    def queue(self) -> Iterator[Check]:
        """One at a time, 5 ms each: the mean wait is known (M/D/1), and above 200/s it grows without end."""
        with null_server("--serial-ms", str(SERVICE_MS)) as url:
            for rate in (100, 160):
                load = rate * SERVICE_MS / 1e3
                mean = SERVICE_MS + load * SERVICE_MS / (2 * (1 - load))
                summary = self.run(url, rate, f"queue-{rate}")
                found = summary.latency_ms.mean or 0
                near = abs(found / mean - 1) <= 0.25
                yield _check(f"queue at {rate}/s, mean", f"{mean:.1f} ms +-25 %", f"{found:.1f} ms", near, summary)
            summary = self.run(url, 220, "queue-220")
        rows = pooled(read_rows(self.settings.out / "queue-220" / ROWS))
        answered = rows.where(rows.among(OK)).latency_ms
        before, after = (float(half.mean()) for half in np.array_split(answered, 2))
        grew = summary.exit == MISSED_EXIT and after > 1.5 * before
        words = f"{before:.0f} -> {after:.0f} ms, {summary.verdict}"
        yield _check("queue at 220/s, over capacity", "growing, objectives missed", words, grew, summary)

    def overload(self) -> Check:
        """More than any one process can send."""
        with null_server() as url:
            summary = self.run(url, 20_000, "overload", seconds=3)
        claimed = summary.latency_ms.p50 is not None
        return _check("20000/s", "INVALID, no latency", summary.verdict, summary.exit == INVALID_EXIT and not claimed)

    def run(self, url: str, rate: float, name: str, closed: int = 0, seconds: float = 0.0) -> Summary:
        """One open loop; nothing printed."""
        own = {"warmup": 2.0, "duration": seconds or self.settings.seconds, "drain": 5.0, "max_wait_s": 1.0}
        settings = Server(host=url, rate=rate, out=self.settings.out / name, closed=closed, **own)
        return measure_open(settings, self.photographs)


def _check(name: str, expected: str, found: str, passed: bool, *runs: Summary) -> Check:
    """Where one of its runs is invalid the check says why instead."""
    reasons = [reason for run in runs for reason in run.invalid_because]
    return Check(name, expected, reasons[0] if reasons else found, None if reasons else passed)


@contextmanager
def null_server(*options: str) -> Iterator[str]:
    """A server of load_tests.nullserver in a process of its own; its address."""
    command = [sys.executable, "-m", "load_tests.nullserver", *options]
    home = Path(__file__).parents[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=home) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.kill()
