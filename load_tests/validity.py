"""Was the generator good enough to say anything? Each gate returns a sentence when it was not."""

from collections.abc import Iterator

import numpy as np

from load_tests.rows import DROPPED, Table

FLOOR_LATE_MS = 5.0  # gevent's timers are good to a millisecond; five of them are no news to a network
LATE_SHARE = 0.1  # of the objective
MOST_CPU = 0.8  # of the one core that a Python process can use
LEAST_SENT = 0.95  # of the planned rate
MOST_DRIFT_S = 0.5


def lateness(rows: Table, limit_ms: float | None) -> Iterator[str]:
    """We sent when we said: the 99th percentile of lateness stays below 5 ms or a tenth of the objective.

    "lower": of fewer than a hundred requests one may be late. Its delay is in the latency, which so is never flattered.
    """
    late = rows.late_ms[~np.isnan(rows.sent)]
    allowed = max(FLOOR_LATE_MS, LATE_SHARE * (limit_ms or 0))
    if len(late) and (p99 := float(np.percentile(late, 99, method="lower"))) > allowed:
        yield (
            f"requests were sent {p99:.1f} ms after they were due (p99), and {allowed:g} ms are allowed. "
            "Lower the rate, add --processes, or give the generator a core of its own."
        )


def rate(rows: Table, start: float, end: float) -> Iterator[str]:
    """We sent as much as was planned, within the measured window, and dropped nothing."""
    if dropped := int(rows.among(DROPPED).sum()):
        yield (
            f"{dropped} of {len(rows)} requests were dropped: none of the places in flight became free in time. "
            "Lower the rate, or raise --cap or --max-wait-s."
        )
    sent = int(((rows.sent >= start) & (rows.sent < end)).sum())
    if len(rows) and sent < LEAST_SENT * len(rows) - 1:
        seconds = end - start
        yield (
            f"{sent / seconds:.1f} requests a second were sent where {len(rows) / seconds:.1f} were due. "
            "Lower the rate, or add --processes."
        )


def processor(share: float) -> Iterator[str]:
    """The generator had time to spare."""
    if share > MOST_CPU:
        yield (
            f"the generator used {share:.0%} of its core, and {MOST_CPU:.0%} are allowed: it may be the slow one. "
            "Lower the rate or the number of users, or add --processes."
        )


def clock(drift_s: float) -> Iterator[str]:
    """The machine did not sleep, and nobody set its clock."""
    if abs(drift_s) > MOST_DRIFT_S:
        yield f"the clock moved by {drift_s:+.2f} s during the run: the machine slept or was set. Run again."


def answers(rows: Table) -> Iterator[str]:
    """There is something to judge."""
    if not len(rows):
        yield "no request was due in the measured window. Raise the rate or the duration."
