"""Replicates -> intervals, tests and bands. A replicate is one figure under one resample of runs and photographs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its percentile interval. `lower`, `upper`: one-sided limits, each at the level."""

    value: float
    low: float
    high: float
    lower: float
    upper: float
    error: float  # standard error

    def limit(self, name: str) -> float:
        """By the name that a condition uses."""
        return {"value": self.value, "low": self.low, "high": self.high, "lower": self.lower, "upper": self.upper}[name]


def estimate(replicates: Floats, level: float) -> Estimate:
    """replicates: (1 + B,), the figure itself first. Nan limits where no replicate could be measured."""
    drawn = replicates[1:][np.isfinite(replicates[1:])]
    if not len(drawn):
        nothing = float("nan")
        return Estimate(float(replicates[0]), nothing, nothing, nothing, nothing, nothing)
    outside = 100 * (1 - level)
    edges = (outside / 2, 100 - outside / 2, outside, 100 - outside)
    low, high, lower, upper = map(float, np.percentile(drawn, edges))
    return Estimate(float(replicates[0]), low, high, lower, upper, float(drawn.std()))


def few_draws(draws: int, level: float) -> float:
    """How far the runs' part of a replicate is stretched: Student's t over the normal.

    Plain percentiles of means of five draws held the truth in 88 of 100 simulated studies, stretched ones in 95.
    """
    return float(stats.t.ppf((1 + level) / 2, draws - 1) / stats.norm.ppf((1 + level) / 2)) if draws > 1 else 1.0


def chance(replicates: Floats, against: float) -> float:
    """Two-sided p: how often the figure falls on the other side of the bound; never below one in the replicates."""
    drawn = replicates[1:][np.isfinite(replicates[1:])]
    return min(1.0, 2 * (1 + float((drawn <= against).sum())) / (1 + len(drawn)))


def holm(chances: Mapping[str, float]) -> dict[str, float]:
    """Name -> p -> name -> p corrected for all of them (Holm 1979)."""
    out: dict[str, float] = {}
    worst = 0.0
    for turn, name in enumerate(sorted(chances, key=lambda name: chances[name])):
        worst = max(worst, min(1.0, chances[name] * (len(chances) - turn)))
        out[name] = worst
    return out


def band(curve: Floats, level: float) -> tuple[Floats, Floats]:
    """curve: (points, 1 + B). Limits that hold for all points at once: the largest deviation of each replicate."""
    drawn = curve[:, 1:]
    error = np.nanstd(drawn, axis=1, keepdims=True)
    apart = np.abs(drawn - curve[:, :1]) / np.maximum(error, 1e-12)
    reach = np.nanpercentile(apart.max(0), 100 * level) * error[:, 0]
    return curve[:, 0] - reach, curve[:, 0] + reach


def smallest_seen(error: float, draws: int, power: float, level: float) -> float:
    """The difference that a two-sided t test on the draws would find with this power, at this standard error."""
    if draws < 2:
        return float("nan")
    return float((stats.t.ppf((1 + level) / 2, draws - 1) + stats.t.ppf(power, draws - 1)) * error)


@dataclass(frozen=True)
class Spread:
    """Standard deviations of a paired difference: between draws, between seeds of a draw; error of its mean.

    `t_low`, `t_high`: an interval of Student's t on the means of the draws, photographs taken as fixed: a check.
    """

    draws: float
    seeds: float
    runs_error: float
    t_low: float
    t_high: float


def spread(differences: Sequence[tuple[int, float]], level: float) -> Spread:
    """differences: (draw, figure) of each paired run. Nan where there is no second draw or seed."""
    by_draw: dict[int, list[float]] = {}
    for draw, value in differences:
        by_draw.setdefault(draw, []).append(value)
    means = np.array([np.mean(values) for values in by_draw.values()])
    several = [np.var(values, ddof=1) for values in by_draw.values() if len(values) > 1]
    seeds = float(np.mean(several)) if several else float("nan")  # a variance until the end
    if len(means) < 2:
        return Spread(float("nan"), seeds**0.5, float("nan"), float("nan"), float("nan"))
    between = float(np.var(means, ddof=1))
    each = len(differences) / len(means)
    error = (between / len(means)) ** 0.5
    reach = float(stats.t.ppf((1 + level) / 2, len(means) - 1)) * error
    centre = float(means.mean())
    draws = max(0.0, between - (seeds / each if several else 0.0)) ** 0.5
    return Spread(draws, seeds**0.5, error, centre - reach, centre + reach)
