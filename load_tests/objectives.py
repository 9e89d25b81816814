"""Objectives as data: what must hold, and whether it did."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from load_tests.rows import CUT, DROPPED, FAILED, OK, SHED, UNFINISHED, WRONG, Table
from load_tests.slo import HELD, MISSED, UNPROVEN, judge, requests_needed

DEFAULT = Path(__file__).parent / "objectives.yaml"
ERROR_RATE, GOODPUT, RECOVERY, CREEP, GROWTH = "error_rate", "goodput", "recovery_s", "creep", "growth"
OTHERS = (ERROR_RATE, GOODPUT, RECOVERY, CREEP, GROWTH)
_PERCENTILE = re.compile(r"p(\d{1,2}(?:[._]\d+)?)_ms")


@dataclass(frozen=True)
class Finding:
    """One objective and what became of it. value: None where it could not be measured."""

    name: str
    limit: float
    value: float | None
    verdict: str
    words: str


def read_objectives(path: Path) -> dict[str, float]:
    """Name -> limit. Raises ValueError for a name that is none, or a limit that is no positive number."""
    document = yaml.safe_load(path.read_text())
    if not isinstance(document, dict) or not document:
        raise ValueError(f"{path} has no objectives. Write lines such as `p99_ms: 200`.")
    for name, limit in document.items():
        if percent_of(str(name)) is None and name not in OTHERS:
            raise ValueError(f"{path}: {name!r} is no objective. Known are p50_ms ... p99.9_ms, {', '.join(OTHERS)}.")
        if isinstance(limit, bool) or not isinstance(limit, int | float) or limit < 0:
            raise ValueError(f"{path}: {name} is {limit!r}; a number from 0 is wanted. Correct the line.")
    return {str(name): float(limit) for name, limit in document.items()}


def percent_of(name: str) -> float | None:
    """p99_ms -> 99.0, p99_9_ms and p99.9_ms -> 99.9, others None."""
    found = _PERCENTILE.fullmatch(name)
    return float(found.group(1).replace("_", ".")) if found else None


def with_limit(objectives: Mapping[str, float], percent: float, limit_ms: float | None) -> dict[str, float]:
    """The same with the limit of one percentile replaced, where a limit is given; other percentiles go."""
    if limit_ms is None:
        return dict(objectives)
    others = {name: limit for name, limit in objectives.items() if percent_of(name) is None}
    return {f"p{percent:g}_ms": limit_ms, **others}


def strictest_ms(objectives: Mapping[str, float]) -> float | None:
    """The limit of the highest percentile: within it an answer counts as good."""
    limits = {percent_of(name) or 0.0: limit for name, limit in objectives.items() if percent_of(name) is not None}
    return limits[max(limits)] if limits else None


def strictest_percent(objectives: Mapping[str, float]) -> float:
    """The highest percentile that has a limit; 0 where none has."""
    return max((percent_of(name) or 0.0 for name in objectives), default=0.0)


def error_rate(rows: Table) -> float:
    """Share of requests without a right answer; refusals (429, 503) are goodput's matter, not errors."""
    failed = rows.among(*FAILED, CUT) & ~rows.among(SHED)
    return float(failed.mean()) if len(rows) else 0.0


def goodput_share(rows: Table, limit_ms: float | None) -> float:
    """Right answers within the limit / requests planned."""
    good = rows.among(OK)
    if limit_ms is not None:
        good &= rows.latency_ms <= limit_ms
    return float(good.mean()) if len(rows) else 0.0


def weigh(
    objectives: Mapping[str, float],
    rows: Table,
    burst: tuple[float, float] | None = None,
    recovery_s: float | None = None,
) -> list[Finding]:
    """Every objective against the rows of the measured window.

    burst: seconds from and until; latency and goodput are judged outside it and outside the recovery that is allowed,
    since a burst is meant to be more than what fits. recovery_s: what it took.
    """
    calm = rows
    if burst is not None:
        calm = rows.where((rows.due < burst[0]) | (rows.due >= burst[1] + objectives.get(RECOVERY, 0.0)))
    findings = []
    for name, limit in objectives.items():
        percent = percent_of(name)
        if percent is not None:
            findings.append(_percentile(name, percent, limit, calm))
        elif name in (CREEP, GROWTH):
            # Near what a server carries its queue comes and goes; it grows where half the limit is reached too.
            floor = (strictest_ms(objectives) or 0.0) / 2 / limit if name == GROWTH and limit else 0.0
            words = "times the first quarter's median latency in the last"
            findings.append(_at_most(name, limit, creep(rows, floor), words))
        elif name == ERROR_RATE:
            findings.append(_at_most(name, limit, error_rate(rows), "of the requests had no right answer"))
        elif name == GOODPUT:
            share = goodput_share(calm, strictest_ms(objectives))
            verdict = HELD if share >= limit else MISSED
            words = f"{share:.4f} of the requests had a right answer in time; at least {limit:g} is wanted"
            findings.append(Finding(name, limit, share, verdict, words))
        elif recovery_s is not None:
            findings.append(_at_most(name, limit, recovery_s, "seconds from the end of the burst to normal latency"))
    return findings


def creep(rows: Table, floor_ms: float = 0.0) -> float:
    """Median latency of the last quarter / that of the first, or floor_ms if that is more: 1 where nothing creeps."""
    answered = rows.where(rows.among(OK, *UNFINISHED))
    if len(answered) < 8:
        return 1.0
    quarter = len(answered) // 4
    first, last = np.median(answered.latency_ms[:quarter]), np.median(answered.latency_ms[-quarter:])
    return float(last / max(first, floor_ms))


def wrong_answers(rows: Table) -> int:
    """Answers with another label than the right one."""
    return int(rows.among(WRONG).sum())


def _percentile(name: str, percent: float, limit: float, rows: Table) -> Finding:
    """Judged on answers and on requests that never got one in time; quick refusals would only flatter it."""
    counted = rows.where(rows.among(OK, *UNFINISHED, DROPPED))
    latency = counted.latency_ms
    over = int((latency > limit).sum()) + int(counted.among(*UNFINISHED, DROPPED)[latency <= limit].sum())
    verdict = judge(len(counted), over, percent) if len(counted) else MISSED
    value = float(np.percentile(latency, percent, method="higher")) if len(counted) else None
    words = f"{over} of {len(counted)} requests took longer than {limit:g} ms"
    if verdict == UNPROVEN:
        words += f"; {requests_needed(over, percent)} would be needed to prove p{percent:g} with so many"
    return Finding(name, limit, value, verdict, words)


def _at_most(name: str, limit: float, value: float, words: str) -> Finding:
    verdict = HELD if value <= limit else MISSED
    return Finding(name, limit, value, verdict, f"{value:.4g} {words}; at most {limit:g} is wanted")
