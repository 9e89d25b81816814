"""Progress: a line on a terminal, renewed each second; elsewhere nothing."""

import sys
from collections.abc import Sequence
from types import TracebackType

import numpy as np

from load_tests.config import Target
from load_tests.rows import OK, Row
from load_tests.users.open import OpenRun

_RECENT_S = 5


class Watch:
    """Shows phase, rate, p99 and failures of the last five seconds."""

    def __init__(self, settings: Target) -> None:
        self.settings, self.shown = settings, sys.stderr.isatty()

    def __enter__(self) -> "Watch":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.shown:
            sys.stderr.write("\r\033[K")

    def open(self, run: OpenRun) -> None:
        """Of an open loop that may not have begun."""
        if run.begin:
            self.closed(run.rows, run.now())

    def closed(self, rows: Sequence[Row], now: float) -> None:
        """rows: so far. now: seconds since the run began."""
        if not self.shown:
            return
        recent = [row for row in rows[-5000:] if row.end > now - _RECENT_S]
        span = self.settings.warmup + self.settings.duration
        phase = "warm-up" if now < self.settings.warmup else "measuring" if now < span else "draining"
        p99 = float(np.percentile([row.end - row.due for row in recent], 99)) * 1e3 if recent else 0.0
        failed = sum(row.outcome != OK for row in recent)
        line = f"{phase:<9} {max(0.0, min(now, span)):4.0f} of {span:.0f} s  {len(recent) / _RECENT_S:7.1f}/s"
        sys.stderr.write(f"\r\033[K{line}  p99 {p99:8.1f} ms  failed {failed}")
        sys.stderr.flush()
