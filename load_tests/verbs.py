"""One run: plan it, send it, judge it, write it down."""

import sys
import time
from collections.abc import Sequence

import numpy as np

from load_tests import objectives as aims
from load_tests.cli import verb_of
from load_tests.config import Server, Single, Target
from load_tests.engine import Recording, run_closed, run_open
from load_tests.machine import facts
from load_tests.payloads import Photograph
from load_tests.results import ROWS, say, write_results
from load_tests.rows import Row, read_rows, table, write_rows
from load_tests.schedule import Stage, Times, share, trace
from load_tests.summary import Run, summarise
from load_tests.users.open import OpenRun


def server(settings: Server, photographs: tuple[Photograph, ...]) -> int:
    """Open loop at a rate. Returns the exit code."""
    recording = run_open(settings, photographs, due_times(settings), lambda run: _tell_open(run, settings))
    return finish(settings, recording, photographs)


def closed(settings: Single, photographs: tuple[Photograph, ...]) -> int:
    """Closed loop. Returns the exit code."""
    recording = run_closed(settings, photographs, lambda rows, now: _tell(rows, now, settings))
    return finish(settings, recording, photographs)


def due_times(settings: Server) -> Times:
    """Seconds from the begin of the warm-up; a trace is cut where the measured window ends."""
    span = settings.warmup + settings.duration
    if settings.trace is not None:
        times = trace(settings.trace)
        return times[times < span]
    return share([Stage(settings.rate, span)], 0, 1, settings.seed)


def described(settings: Target, recording: Recording, photographs: Sequence[Photograph]) -> Run:
    """What the summary keeps of the request beside the rows."""
    chosen = aims.read_objectives(settings.objectives or aims.DEFAULT)
    wanted = aims.with_limit(chosen, settings.percentile, settings.slo_ms)
    is_open = isinstance(settings, Server)
    return Run(
        verb=verb_of(settings),
        loop="open" if is_open else "closed",
        host=settings.host,
        path=settings.path,
        warmup_s=settings.warmup,
        duration_s=settings.duration,
        rate=settings.rate if isinstance(settings, Server) and settings.trace is None else None,
        users=settings.users if isinstance(settings, Single) else None,
        batch=settings.batch if isinstance(settings, Single) else 1,
        seed=settings.seed if isinstance(settings, Server) else None,
        objectives=wanted if is_open else {aims.ERROR_RATE: wanted.get(aims.ERROR_RATE, 0.0)},
        must_prove=is_open and (settings.objectives is not None or settings.slo_ms is not None),
        cpu=recording.cpu,
        clock_drift_s=recording.clock_drift_s,
        began=recording.began,
        photographs=len(photographs),
        machine=facts(),
    )


def finish(settings: Target, recording: Recording, photographs: Sequence[Photograph]) -> int:
    """Judge, write, print. Returns the exit code."""
    run = described(settings, recording, photographs)
    write_rows(settings.out / ROWS, recording.rows)
    # From the file, not from memory: the verdict is what anybody finds who judges the kept rows again.
    rows = table(read_rows(settings.out / ROWS))
    summary = summarise(rows, run)
    write_results(settings.out, summary, rows)
    say(summary)
    print(f"written: {settings.out}/", file=sys.stderr)
    return summary.exit


def _tell_open(run: OpenRun, settings: Server) -> None:
    if run.begin:
        _tell(run.rows, run.now(), settings)


def _tell(rows: Sequence[Row], now: float, settings: Target) -> None:
    """One line on a terminal, renewed each second; silent elsewhere."""
    if not sys.stderr.isatty():
        return
    recent = [row for row in rows[-2000:] if row.end > now - 5]
    span = settings.warmup + settings.duration
    phase = "warm-up" if now < settings.warmup else "measuring" if now < span else "draining"
    p99 = float(np.percentile([row.end - row.due for row in recent], 99)) * 1e3 if recent else 0.0
    failed = sum(row.outcome != "ok" for row in recent)
    line = (
        f"{phase} {min(now, span):5.0f} of {span:.0f} s  {len(recent) / 5:7.1f}/s  p99 {p99:7.1f} ms  failed {failed}"
    )
    sys.stderr.write("\r" + time.strftime("%H:%M:%S ") + line + " ")
    sys.stderr.flush()
