"""Intervals cover what they should; corrections and bands do what their names say."""

import numpy as np
import pytest

from training.study.statistics import band, chance, estimate, holm, smallest_seen, spread


def test_holm_multiplies_the_smallest_most() -> None:
    """Three tests: the smallest p times three, the next times two; never less than the one before."""
    assert {"a": pytest.approx(0.03), "b": pytest.approx(0.04), "c": pytest.approx(0.04)} == holm(
        {"a": 0.01, "b": 0.02, "c": 0.03}
    )
    assert {"a": 1.0} == holm({"a": 1.0})


def test_a_chance_is_never_zero() -> None:
    """With B replicates, none on the other side, p is 2 / (B + 1)."""
    assert 2 / 1001 == pytest.approx(chance(np.ones(1001), 0.0))
    assert 1.0 == chance(-np.ones(1001), 0.0)


def test_an_estimate_has_two_sided_and_one_sided_limits() -> None:
    """Of replicates 0 .. 1000, 95 % lie between 25 and 975, and above 50."""
    found = estimate(np.concatenate(([500.0], np.arange(1001.0))), 0.95)
    assert (500.0, 25.0, 975.0, 50.0, 950.0) == pytest.approx(
        (found.value, found.low, found.high, found.lower, found.upper)
    )


def test_nothing_measured_has_no_limits() -> None:
    """Replicates that are all nan give nan limits, and no error."""
    assert np.isnan(estimate(np.array([1.0, np.nan, np.nan]), 0.95).low)


def test_a_band_holds_all_points_at_once() -> None:
    """A simultaneous band is wider than pointwise intervals, and 95 % of whole curves lie in it."""
    random = np.random.default_rng(0)
    curve = np.concatenate([np.zeros((6, 1)), random.normal(size=(6, 4000))], axis=1)
    low, high = band(curve, 0.95)
    inside = ((curve[:, 1:] >= low[:, None]) & (curve[:, 1:] <= high[:, None])).all(0)
    assert 0.95 == pytest.approx(inside.mean(), abs=0.01)
    assert high.min() > 2.3


def test_power_falls_with_the_error() -> None:
    """Ten draws see about 3.1 standard errors with 80 % power, three draws 5.4."""
    assert 0.031 == pytest.approx(smallest_seen(0.01, 10, 0.8, 0.95), abs=0.001)
    assert 0.054 == pytest.approx(smallest_seen(0.01, 3, 0.8, 0.95), abs=0.001)


def test_the_spread_is_taken_apart() -> None:
    """Variance between draws and between seeds of a draw are told apart."""
    random = np.random.default_rng(1)
    runs = [(draw, shift + 0.5 * random.normal()) for draw in range(400) for shift in [2 * random.normal()] * 4]
    found = spread(runs, 0.95)
    assert 2.0 == pytest.approx(found.draws, rel=0.1)
    assert 0.5 == pytest.approx(found.seeds, rel=0.1)
    assert found.t_low < found.t_high
