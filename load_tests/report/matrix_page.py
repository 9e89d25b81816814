"""The page of `make load`: every server beside the others."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from load_tests.matrix import COMMON, Matrix, Range, Subject, size
from load_tests.report.page import marked, number, render
from load_tests.report.svg import Chart, spanning

Closer = Mapping[tuple[str, str], list[tuple[str, str, str]]]
SIZED_RATE, HEADROOM = 100.0, 0.3  # of the example in the page


def matrix_page(matrix: Matrix, closer: Closer) -> str:
    """closer: pictures of one run of each server and model, at the rate that is the same for all."""
    models = sorted({subject.model for subject in matrix.subjects})
    charts = {model: _charts(matrix, [s for s in matrix.subjects if s.model == model]) for model in models}
    same = {(s.server, s.model): next((p for p in s.points if p.kind == COMMON), None) for s in matrix.subjects}
    return render(
        "matrix.html.j2",
        matrix=matrix,
        same=same,
        ranged=_ranged,
        began=datetime.fromtimestamp(matrix.began, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        charts={model: marked(found) for model, found in charts.items()},
        closer={key: marked(found) for key, found in closer.items()},
        sizes=size(matrix, SIZED_RATE, matrix.slo_ms, HEADROOM),
        sized_rate=SIZED_RATE,
        headroom=HEADROOM,
    )


def _charts(matrix: Matrix, subjects: Sequence[Subject]) -> list[tuple[str, str, str]]:
    x = spanning("requests a second offered", [p.offered_per_s for s in subjects for p in s.points])
    latency = [
        value for s in subjects for p in s.points if p.p99_ms and p.p50_ms for value in (p.p99_ms.high, p.p50_ms.low)
    ]
    found = []
    for title, name in (("Half wait less: p50", "p50_ms"), ("One in a hundred waits longer: p99", "p99_ms")):
        chart = Chart(x, spanning("ms from plan", [*latency, matrix.slo_ms], log=True), title)
        for place, subject in enumerate(subjects):
            chosen = [(p.offered_per_s, getattr(p, name)) for p in subject.points if getattr(p, name)]
            chart.line([at for at, _ in chosen], [r.median for _, r in chosen], subject.server, place, marks=True)
            for at, r in chosen:
                chart.spread(at, r.low, r.high, place)
        chart.rule(matrix.slo_ms, f"objective {matrix.slo_ms:g} ms")
        found.append((title, "Marks are medians, strokes the range over the rounds.", chart.text()))
    for title, name, words in (
        ("What comes back", "answered_per_s", "Below the dashed line, some of what is offered waits or is refused."),
        ("What comes back in time", "goodput_per_s", "Right answers within the objective."),
    ):
        chart = Chart(x, spanning("requests a second", [p.offered_per_s for s in subjects for p in s.points]), title)
        for place, subject in enumerate(subjects):
            values = [getattr(p, name).median for p in subject.points]
            chart.line([p.offered_per_s for p in subject.points], values, subject.server, place, marks=True)
        chart.diagonal("all")
        found.append((title, words, chart.text()))
    return found


def _ranged(found: Range | None) -> str:
    if found is None:
        return "-"
    if found.low == found.high:
        return number(found.median)
    return f"{number(found.median)} [{number(found.low)}, {number(found.high)}]"
