import re

import numpy as np
import pytest

from load_tests.report.page import ms, number, run_page
from load_tests.report.svg import Axis, Chart, spanning
from load_tests.rows import ERROR, table
from load_tests.summary import summarise
from tests.unit.load.made import rows, run


def page(late_ms: float = 0.1) -> str:
    """Of a run with two failures and a closed loop beside it."""
    made = table([*rows(900, late_ms=late_ms), *rows(2, outcome=ERROR)])
    beside = table(rows(latency_ms=3))
    described = run(closed_users=2, path="/predict?model=<b>")
    return run_page(summarise(made, described, beside), made, beside)


def test_a_page_needs_nothing_from_outside() -> None:
    """No address but the server's, no script, no image, no import."""
    found = set(re.findall(r"https?://[^\s<\"',]+", page()))
    assert {"http://127.0.0.1:1/predict?model=&lt;b&gt;"} == found
    assert not re.search(r"<script|<img|<link|@import|url\(", page())


def test_a_page_shows_both_loops_and_all_pictures() -> None:
    """Percentiles, heat map, rate, in flight, latency over time; what came from outside is escaped."""
    text = page()
    assert 5 == text.count("<svg ") == text.count("</svg>")
    assert all(words in text for words in ("from plan", "from send", "closed loop", "2 error", "step: infer"))
    assert "<b>" not in text


def test_an_invalid_run_has_no_latency_and_no_picture() -> None:
    """Only why it is invalid."""
    text = page(late_ms=90)
    assert "90.0 ms after they were due" in text
    assert 0 == text.count("<svg")


@pytest.mark.parametrize(
    ("value", "words"), [(0.3024, "0.302"), (12.34, "12.3"), (1234.5, "1234"), (None, "-"), (0, "0")]
)
def test_numbers_have_three_digits(value: float | None, words: str) -> None:
    """And a fast service is no 0 ms."""
    assert words == number(value)
    assert ("-" if value is None else f"{words} ms") == ms(value)


@pytest.mark.parametrize("log", [False, True])
def test_points_lie_inside_the_axes(log: bool) -> None:
    """Whatever the values, and names do not cover each other."""
    values = np.random.default_rng(0).lognormal(3, 2, 50).tolist()
    chart = Chart(Axis("x", 0, 50), spanning("y", values, log=log), "t")
    for number_ in range(3):
        chart.line(range(50), values, f"series {number_}", number_)
    heights = [float(y) for y in re.findall(r"[\d.]+,([\d.]+)", chart.text())]
    assert 0 <= min(heights) <= max(heights) <= chart.height
    ends = sorted(float(y) for y in re.findall(r'class="name s\d" x="[\d.]+" y="([\d.]+)"', chart.text()))
    assert min(np.diff(ends)) > 13.9
