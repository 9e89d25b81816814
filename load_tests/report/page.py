"""Summaries and charts -> self-contained HTML."""

from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from load_tests.document import Spread, Summary
from load_tests.report.run_charts import heat_map, over_time, percentile_curve
from load_tests.rows import Table

HERE = Path(__file__).parent
_COLUMNS = ("p50", "p90", "p95", "p99", "p99_9", "mean", "max")


def ms(value: float | None) -> str:
    """Three digits: 0.302 ms, 12.3 ms, 1234 ms."""
    return "-" if value is None else f"{number(value)} ms"


def number(value: float | None) -> str:
    """Three digits, never an exponent; "-" for what is not known."""
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def render(template: str, **values: object) -> str:
    """Everything is escaped but what is Markup."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = Markup((HERE / "style.css").read_text())  # our own file
    return environment.get_template(template).render(style=style, ms=ms, number=number, **values)


def run_page(summary: Summary, rows: Table, closed: Table | None) -> str:
    """The page of one run; an invalid one has no latency, and no picture of it."""
    run = summary.run
    spreads = {"from plan": summary.latency_ms, "from send": summary.service_ms}
    if summary.closed_beside:
        spreads["closed loop"] = summary.closed_beside.latency_ms
    spreads |= {f"step: {name}": found for name, found in summary.stages_ms.items()}
    asked = f"{run.rate:g}/s" if run.rate else f"{run.users} users" if run.users else "a trace"
    return render(
        "run.html.j2",
        summary=summary,
        asked=asked,
        began=datetime.fromtimestamp(run.began, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        spreads=[(name, values_of(spread)) for name, spread in {**spreads, "sent late": summary.late_ms}.items()],
        charts=marked(run_charts(summary, rows, closed)),  # ours
    )


def values_of(spread: Spread) -> list[float | None]:
    """In the order of the table's columns."""
    return [getattr(spread, name) for name in _COLUMNS]


def marked(charts: list[tuple[str, str, str]]) -> list[tuple[str, str, Markup]]:
    """Our own SVG is not escaped again."""
    return [(title, words, Markup(svg)) for title, words, svg in charts]


def run_charts(summary: Summary, rows: Table, closed: Table | None) -> list[tuple[str, str, str]]:
    """Title, words and SVG of each picture; none of an invalid run."""
    if not summary.valid:
        return []
    run = summary.run
    window = rows.window(run.warmup_s, run.warmup_s + run.duration_s)
    beside = None if closed is None else closed.window(run.warmup_s, run.warmup_s + run.duration_s)
    rate, flight, latency = over_time(rows, run)
    return [
        ("How slow are the slowest?", "Where the first two lines part, requests waited in the generator.",
         percentile_curve(window, summary, beside)),
        ("Latency, when", "Darker is more requests.", heat_map(rows, run)),
        ("Rate", "Left of 0 is the warm-up.", rate),
        ("Requests in flight", "The most in each second.", flight),
        ("Latency, second by second", "Of the requests that were due in it.", latency),
    ]  # fmt: skip
