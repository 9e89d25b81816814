"""Ranking and confusion from stored scores, and their bootstrap intervals over groups. Nothing here is typed in."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
REPLICATES = 2_000
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A point estimate and a percentile bootstrap interval; nan where the data cannot tell."""

    value: float
    low: float
    high: float


def average_precision(scores: Floats, positive: Bools, weights: Floats | None = None) -> float:
    """Plain average precision at the base rate given; among equal scores the negatives come first."""
    order = np.lexsort((positive, -scores))
    hit = positive[order].astype(float)
    weight = np.ones(len(scores)) if weights is None else weights[order]
    gain = np.cumsum(weight * hit)
    seen = np.cumsum(weight)
    total = gain[-1] if len(gain) else 0.0
    return float((weight * hit * gain / np.maximum(seen, 1e-12)).sum() / total) if total else float("nan")


def auroc(scores: Floats, positive: Bools, weights: Floats | None = None) -> float:
    """Area under the ROC curve; among equal scores the negatives come first."""
    order = np.lexsort((positive, -scores))
    hit, weight = positive[order], np.ones(len(scores)) if weights is None else weights[order]
    above = np.cumsum(weight * hit)
    pairs = weight[hit].sum() * weight[~hit].sum()
    return float((weight * ~hit * above).sum() / pairs) if pairs else float("nan")


def recall_at_fpr(scores: Floats, positive: Bools, weights: Floats | None = None, fpr: float = 0.01) -> float:
    """Share of positives above the score that at most `fpr` of the negatives exceed."""
    weight = np.ones(len(scores)) if weights is None else weights
    total = weight[positive].sum()
    if not total or not weight[~positive].sum():
        return float("nan")
    return float(weight[positive & (scores > threshold_at_fpr(scores, positive, fpr, weight))].sum() / total)


def threshold_at_fpr(scores: Floats, positive: Bools, fpr: float, weights: Floats | None = None) -> float:
    """The lowest score that at most `fpr` of the negatives exceed."""
    negatives = scores[~positive]
    weight = np.ones(len(negatives)) if weights is None else weights[~positive]
    order = np.argsort(-negatives, kind="stable")
    exceed = np.cumsum(weight[order]) / weight.sum()
    return float(negatives[order][np.searchsorted(exceed, fpr, side="right")])


def rate(hits: Bools, among: Bools, weights: Floats | None = None) -> float:
    """Weighted share of `hits` among the rows of `among`; nan when there is none."""
    weight = np.ones(len(hits)) if weights is None else weights
    total = weight[among].sum()
    return float(weight[among & hits].sum() / total) if total else float("nan")


def bootstrap(
    statistic: Callable[[Floats | None], float], groups: NDArray[np.str_], positive: Bools, seed: int = 0
) -> Interval:
    """Resample whole groups, those with a positive apart from the rest; `statistic` takes one weight a row."""
    names, member = np.unique(groups, return_inverse=True)
    has_positive = np.zeros(len(names), bool)
    np.logical_or.at(has_positive, member, positive)
    strata = [np.flatnonzero(has_positive), np.flatnonzero(~has_positive)]
    random = np.random.default_rng(seed)
    values = np.empty(REPLICATES)
    for i in range(REPLICATES):
        times = np.zeros(len(names))
        for stratum in strata:
            if len(stratum):
                times += np.bincount(random.choice(stratum, len(stratum)), minlength=len(names))
        values[i] = statistic(times[member])
    edges = (50 - 50 * LEVEL, 50 + 50 * LEVEL)
    low, high = np.nanpercentile(values, edges) if np.isfinite(values).any() else (float("nan"), float("nan"))
    return Interval(statistic(None), float(low), float(high))
