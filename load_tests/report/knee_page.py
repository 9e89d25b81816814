"""The page of the verb `knee`."""

from collections.abc import Mapping
from typing import Any

from load_tests import objectives as aims
from load_tests.config import Knee
from load_tests.report.page import marked, render
from load_tests.report.svg import Chart, spanning


def knee_page(document: Mapping[str, Any], objectives: Mapping[str, float], settings: Knee) -> str:
    """document: knee.json. HTML."""
    steps = sorted((step for step in document["steps"] if step["p99_ms"] is not None), key=lambda step: step["rate"])
    charts = _charts(steps, document["knee_per_s"], aims.strictest_ms(objectives)) if steps else []
    return render(
        "knee.html.j2", knee=document, objectives=objectives, settings=settings, steps=steps, charts=marked(charts)
    )


def _charts(steps: list[Mapping[str, Any]], knee: float | None, limit: float | None) -> list[tuple[str, str, str]]:
    rates = [step["rate"] for step in steps]
    x = spanning("requests a second offered", rates)
    values = [step[name] for step in steps for name in ("p50_ms", "p99_ms")]
    latency = Chart(x, spanning("ms from plan", [*values, limit or 1], log=True), "Latency over the offered rate")
    for place, name in enumerate(("p50_ms", "p99_ms")):
        latency.line(rates, [step[name] for step in steps], name.removesuffix("_ms"), place, marks=True)
    if limit:
        latency.rule(limit, f"objective {limit:g} ms")
    good = Chart(x, spanning("right answers in time, a second", rates), "Goodput over the offered rate")
    good.line(rates, [step["goodput_per_s"] for step in steps], "goodput", 0, marks=True)
    good.diagonal("all")
    for chart in (latency, good):
        if knee:
            chart.upright(knee, f"knee {knee:.3g}/s")
    return [("Latency over the offered rate", "", latency.text()), ("Goodput over the offered rate", "", good.text())]
