"""Rows -> the figures and the verdict of a run. Pure: the same rows give the same summary at any later time."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from load_tests import objectives as aims
from load_tests import validity
from load_tests.document import Beside, Burst, Objective, Run, Spread, Summary
from load_tests.rows import CUT, DROPPED, FAILED, OK, SHED, UNFINISHED, Table
from load_tests.slo import MISSED, UNPROVEN

PERCENTS = (50.0, 90.0, 95.0, 99.0, 99.9)
HELD_EXIT, MISSED_EXIT, USAGE_EXIT, INVALID_EXIT, ERRORS_EXIT = 0, 1, 2, 3, 4
VERDICTS = {
    HELD_EXIT: "objectives held",
    MISSED_EXIT: "OBJECTIVES MISSED",
    INVALID_EXIT: "INVALID",
    ERRORS_EXIT: "THE SERVER ANSWERED WRONGLY OR NOT AT ALL",
}


def summarise(rows: Table, run: Run, closed: Table | None = None) -> Summary:
    """All rows of a run, warm-up included, -> its summary. closed: rows of the closed loop that ran beside it."""
    start, end = run.warmup_s, run.warmup_s + run.duration_s
    window = rows.window(start, end)
    reasons = _invalid(window, run, start, end)
    timed = window.where(window.among(OK, *UNFINISHED))
    limit = aims.strictest_ms(run.objectives)
    burst = None if run.burst is None else _burst(window, run.burst, limit)
    findings = aims.weigh(run.objectives, window, run.burst, burst and burst.recovery_s)
    exit_code = _exit(reasons, window, findings, run)
    reasons = reasons or [words for words in _unproven(findings) if exit_code == INVALID_EXIT]
    arrived = rows.among(OK) & (rows.end >= start) & (rows.end < end)
    sent_in_time = int(((rows.sent >= start) & (rows.sent < end)).sum())
    answered = int(arrived.sum()) / run.duration_s
    return Summary(
        exit=exit_code,
        verdict=VERDICTS[exit_code],
        valid=not reasons,
        invalid_because=reasons,
        warnings=_unproven(findings),
        offered_per_s=len(window) / run.duration_s if run.loop == "open" else None,
        achieved_per_s=sent_in_time / run.duration_s,
        answered_per_s=answered,
        goodput_per_s=aims.goodput_share(window, limit) * len(window) / run.duration_s,
        photographs_per_s=answered * run.batch,
        **_counts(window),
        latency_ms=spread(timed.latency_ms) if not reasons else Spread(),
        service_ms=spread(timed.service_ms) if not reasons else Spread(),
        late_ms=spread(window.late_ms),
        stages_ms={name: spread(values) for name, values in window.stages.items()} if not reasons else {},
        objectives=[Objective(**vars(finding)) for finding in findings] if not reasons else [],
        burst=burst,
        closed_beside=None if closed is None else _beside(closed, run),
        in_flight=float(np.nansum(timed.service_ms)) / 1e3 / run.duration_s,
        run=run,
    )


def spread(values: NDArray[np.floating]) -> Spread:
    """Percentiles of what is a number; three decimals, so that a fast service is never "0 ms"."""
    known = values[~np.isnan(values)]
    if not len(known):
        return Spread()
    found = np.percentile(known, PERCENTS)
    named = {f"p{percent:g}": round(float(value), 3) for percent, value in zip(PERCENTS, found, strict=True)}
    return Spread(**named, mean=round(float(known.mean()), 3), max=round(float(known.max()), 3))


def recovery_s(rows: Table, burst_end: float, limit_ms: float | None) -> float:
    """Seconds from the end of the burst to the first second from which on 95 % of each second's requests are good."""
    after = rows.where(rows.due >= burst_end)
    good = after.among(OK) & (after.latency_ms <= (limit_ms or np.inf))
    second = (after.due - burst_end).astype(int)
    bad = [number for number in np.unique(second) if good[second == number].mean() < 0.95]
    return float(max(bad) + 1) if bad else 0.0


def _burst(rows: Table, burst: tuple[float, float], limit_ms: float | None) -> Burst:
    inside, seconds = rows.window(*burst), burst[1] - burst[0]
    refused = inside.where(inside.among(SHED))
    return Burst(
        offered_per_s=len(inside) / seconds,
        goodput_per_s=aims.goodput_share(inside, limit_ms) * len(inside) / seconds,
        refused=len(refused),
        refusal_p50_ms=float(np.median(refused.service_ms)) if len(refused) else None,
        recovery_s=recovery_s(rows, burst[1], limit_ms),
    )


def _beside(rows: Table, run: Run) -> Beside:
    window = rows.window(run.warmup_s, run.warmup_s + run.duration_s)
    answered = window.where(window.among(OK, *UNFINISHED))
    return Beside(
        users=run.closed_users, answered_per_s=len(answered) / run.duration_s, latency_ms=spread(answered.latency_ms)
    )


def _counts(window: Table) -> dict[str, Any]:
    found = Counter(window.outcome.tolist())
    failures = {name: found[name] for name in FAILED if found[name]}
    return {
        "sent": len(window),
        "ok": found[OK],
        "failed": sum(failures.values()),
        "dropped": found[DROPPED],
        "cut": found[CUT],
        "failures": failures,
        "failure_words": {
            name: Counter(window.words[window.among(name)].tolist()).most_common(1)[0][0] for name in failures
        },
    }


def _invalid(window: Table, run: Run, start: float, end: float) -> list[str]:
    reasons = [*validity.answers(window), *validity.processor(run.cpu), *validity.clock(run.clock_drift_s)]
    if run.loop == "open":
        reasons += [*validity.rate(window, start, end), *validity.lateness(window, aims.strictest_ms(run.objectives))]
    return reasons


def _exit(reasons: list[str], window: Table, findings: list[aims.Finding], run: Run) -> int:
    """The rate that could not be sent comes first, then errors, then objectives, then what remains unproven."""
    if reasons:
        return INVALID_EXIT
    allowed = run.objectives.get(aims.ERROR_RATE, 0.0)
    if aims.wrong_answers(window) or aims.error_rate(window) > allowed or not window.among(OK).any():
        return ERRORS_EXIT
    verdicts = {finding.verdict for finding in findings}
    if MISSED in verdicts:
        return MISSED_EXIT
    return INVALID_EXIT if run.must_prove and UNPROVEN in verdicts else HELD_EXIT


def _unproven(findings: list[aims.Finding]) -> list[str]:
    return [f"{finding.name} is not proven: {finding.words}." for finding in findings if finding.verdict == UNPROVEN]


def as_json(summary: Summary) -> Mapping[str, object]:
    """With the names of summary.schema.json."""
    return summary.model_dump(mode="json", by_alias=True)
