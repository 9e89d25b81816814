import pytest

from load_tests.config import Knee
from load_tests.knee import Found, Step, ceiling, search
from load_tests.knee_words import knee_words
from load_tests.report.knee_page import knee_page
from load_tests.second_knee import apart, second_knee
from tests.unit.load.made import run


def found_for(true: float, most: float, **odd: float) -> Found:
    """Of a server whose knee is known; `blind_from`: no generator can tell from there on."""

    def probe(rate: float, times: float, seed: int) -> Step:
        return Step(rate, None if rate >= odd.get("blind_from", 1e9) else rate <= true, times)

    return search(most, 0.05, probe)


@pytest.mark.parametrize("true", [12.0, 55.0, 97.0, 104.0])
def test_the_knee_is_found(true: float) -> None:
    """To five percent, from below."""
    knee = found_for(true, 100).knee
    assert knee is not None
    assert 0.94 * true <= knee <= true


def test_it_was_confirmed_three_times() -> None:
    """In runs that are twice as long."""
    assert [2, 2, 2] == [step.seconds for step in found_for(55, 100).steps[-3:]]


def test_a_knee_beyond_the_ladder_is_its_last_rate() -> None:
    """A server that holds at 1.1 times the ceiling is not asked for more."""
    assert 110 == pytest.approx(found_for(1e9, 100).knee)


def test_no_knee_is_said() -> None:
    """When the lowest rate fails, when the generator is blind, when nothing holds thrice."""
    assert "already 10" in found_for(5, 100).words
    assert "could not tell at 50" in found_for(70, 100, blind_from=50).words
    unsteady = search(100, 0.05, lambda rate, times, seed: Step(rate, times == 1 and rate < 60))
    assert (None, True) == (unsteady.knee, "three times" in unsteady.words)


def test_the_ceiling_is_where_users_add_nothing() -> None:
    """Twice the users each time, until the gain is below five percent."""
    steps = ceiling(lambda users: min(users * 30.0, 100.0))
    assert [(1, 30), (2, 60), (4, 100), (8, 100)] == steps


def test_the_page_marks_the_knee() -> None:
    """Two pictures, each with it, the steps in a table, and what lies beyond."""
    steps = [vars(Step(rate, rate < 60, 15, rate / 2, rate * 4, rate)) for rate in (10.0, 50.0, 70.0)]
    burst = {"offered_per_s": 75, "goodput_per_s": 48, "refused": 270, "refusal_p50_ms": 1.2, "recovery_s": 1}
    found = {"knee_per_s": 50, "words": "", "ceiling_per_s": 66, "closed": [{"users": 1, "answered_per_s": 66}]}
    document = {**found, "steps": steps, "beyond": {**burst, "goodput_of_knee": 0.96}}
    document["second"] = {"knee_per_s": 48, "apart": 0.04, "words": "", "steps": []}
    page = knee_page(document, {"p99_ms": 200}, Knee())
    assert (2, 2) == (page.count("<svg"), page.count(">knee 50/s<"))
    assert all(words in page for words in ("Knee: 50 requests a second", "96 % of the knee", "missed", "48/s"))
    nothing = knee_page({**document, "knee_per_s": None, "words": "noise", "steps": [], "beyond": None}, {}, Knee())
    assert "No knee: noise" in nothing


def test_another_generator_searches_around_the_knee() -> None:
    """With the same rule; how far apart they are is a share of the first."""
    tried, seeds = [], []

    def look(rate: float, times: float, seed: int) -> Step:
        tried.append(rate)
        seeds.append(seed)
        return Step(rate, rate < 96, 15)

    found = second_knee(100, 0.05, look)
    assert found.knee is not None
    assert 90 < found.knee < 96
    assert 60 == min(tried)
    assert len(seeds) == len(set(seeds))
    assert (0.04, 1.0) == (round(apart(100, 96), 6), apart(100, None))


def test_the_knees_table_names_both_generators() -> None:
    """And what lies beyond, the objectives, the machine."""
    found = {"knee_per_s": 50.0, "words": "", "ceiling_per_s": 66.0}
    found["beyond"] = {"offered_per_s": 75, "goodput_per_s": 48, "recovery_s": 1}
    found["second"] = {"knee_per_s": 48.0, "apart": 0.04}
    words = knee_words(found, Knee(), run(machine={"processor": "A CPU"}))
    assert "| the knee by MLPerf's LoadGen | 48.0 (4% apart) |" in words
    assert all(part in words for part in ("burst of 75/s", "p99_ms 200", "A CPU"))
    assert "none" in knee_words({**found, "knee_per_s": None, "words": "none", "second": None}, Knee(), run())
