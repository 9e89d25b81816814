"""The pictures of one run, from its rows."""

import numpy as np
from numpy.typing import NDArray

from load_tests import objectives as aims
from load_tests.document import Run, Summary
from load_tests.report.svg import Axis, Chart, spanning
from load_tests.rows import FAILED, OK, UNFINISHED, Table

NINES = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)
COLUMNS, ROWS = 60, 24  # of the heat map
SMALL = 190  # pixels of height: one of several below each other


def percentile_curve(rows: Table, summary: Summary, closed: Table | None) -> str:
    """Latency from plan and from send on one chart, over the nines."""
    timed = rows.where(rows.among(OK, *UNFINISHED))
    series = {"from plan": timed.latency_ms, "from send": timed.service_ms}
    if closed is not None:
        series["closed loop"] = closed.where(closed.among(OK, *UNFINISHED)).latency_ms
    most = max(len(values) for values in series.values())
    marks = tuple(
        (1 / (1 - share), f"{share:.4%}".rstrip("0%").rstrip(".") + " %") for share in NINES if 1 / (1 - share) <= most
    )
    y = spanning("ms", np.concatenate(list(series.values())).tolist(), log=True)
    chart = Chart(
        Axis("share of requests at most that slow", 1, max(most, 10), log=True, marks=marks), y, "Latency percentiles"
    )
    for number, (name, values) in enumerate(series.items()):
        if len(values):
            steps = np.unique(
                np.geomspace(1, len(values), 160).astype(int)
            )  # requests that are slower or equal, from all to one
            ordered = np.sort(values)
            chart.line((len(values) / steps[::-1]).tolist(), ordered[len(values) - steps[::-1]].tolist(), name, number)
    limit = aims.strictest_ms(summary.run.objectives)
    if limit:
        chart.rule(limit, f"objective {limit:g} ms")
    return chart.text()


def over_time(rows: Table, run: Run) -> list[str]:
    """Rate, requests in flight, latency and failures, second by second; the warm-up is left of 0."""
    seconds = np.arange(-np.ceil(run.warmup_s), np.ceil(run.duration_s))
    x = Axis("seconds", float(seconds[0]), float(seconds[-1] + 1))
    due, end = rows.due - run.warmup_s, rows.end - run.warmup_s
    answered = rows.among(OK)
    rates = {"due": _each(due, seconds), "answered": _each(end[answered], seconds)}
    if failed := int(rows.among(*FAILED).sum()):
        rates[f"failed ({failed})"] = _each(end[rows.among(*FAILED)], seconds)
    sent = np.where(np.isnan(rows.sent), rows.due, rows.sent) - run.warmup_s
    moments = seconds[:, None] + np.arange(10) / 10
    flight = (np.searchsorted(np.sort(sent), moments) - np.searchsorted(np.sort(end), moments)).max(axis=1)
    latency = {
        name: _percentile_each(rows.where(answered), run, seconds, share) for name, share in (("p50", 50), ("p99", 99))
    }
    return [
        _lines(x, rates, seconds, "requests a second"),
        _lines(x, {"in flight": flight}, seconds, "most in flight"),
        _lines(x, latency, seconds, "ms from plan", log=True),
    ]


def heat_map(rows: Table, run: Run) -> str:
    """When were requests due, and how long did they take?"""
    timed = rows.where(rows.among(OK, *UNFINISHED))
    latency = np.maximum(timed.latency_ms, 1e-3)
    if not len(latency):
        return ""
    y = spanning("ms from plan", latency.tolist(), log=True)
    across = np.linspace(-run.warmup_s, run.duration_s, COLUMNS + 1)
    up = np.geomspace(y.low, y.high, ROWS + 1)
    counts, _, _ = np.histogram2d(timed.due - run.warmup_s, latency, [across, up])
    chart = Chart(Axis("seconds", across[0], across[-1]), y, "Latency over time")
    for column, row in zip(*np.nonzero(counts), strict=True):
        count = int(counts[column, row])
        share = 0.12 + 0.88 * (count / counts.max()) ** 0.5  # a single request stays visible
        words = f"{count} requests, {up[row]:.3g} to {up[row + 1]:.3g} ms"
        chart.box((across[column], up[row]), (across[column + 1], up[row + 1]), share, words)
    return chart.text()


def _each(times: NDArray[np.float64], seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.histogram(times, [*seconds, seconds[-1] + 1])[0]


def _percentile_each(rows: Table, run: Run, seconds: NDArray[np.float64], percent: float) -> NDArray[np.float64]:
    second = np.floor(rows.due - run.warmup_s)
    found = [rows.latency_ms[second == number] for number in seconds]
    return np.array([np.percentile(values, percent) if len(values) else np.nan for values in found])


def _lines(
    x: Axis, series: dict[str, NDArray[np.floating]], seconds: NDArray[np.float64], label: str, log: bool = False
) -> str:
    values = np.concatenate([np.asarray(line, dtype=float) for line in series.values()])
    chart = Chart(x, spanning(label, values[~np.isnan(values)].tolist(), log=log), label, height=SMALL)
    for number, (name, line) in enumerate(series.items()):
        known = ~np.isnan(np.asarray(line, dtype=float))
        chart.line((seconds[known] + 0.5).tolist(), np.asarray(line)[known].tolist(), name, number)
    return chart.text()
