"""Stored scores -> what the report shows of them: contrasts, confusion, calibration, mistakes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.archives import DataError
from training.evaluate import Scored
from training.metrics import Interval, average_precision, bootstrap

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
SHOWN = 8  # mistakes of a kind, with their pictures
PLOT_BINS = 10  # of equal width: each is a dot of the reliability plot
ECE_BINS = 15  # of equal count: in bins of equal width nearly all photographs would fall into two
WILSON_Z = 1.96  # 95 %


@dataclass(frozen=True)
class Contrast:
    """`ahead` minus `behind` in AP, both on the same resampled photographs. Settled: the interval excludes zero."""

    test: str
    ahead: str
    behind: str
    difference: Interval
    is_settled: bool


@dataclass(frozen=True)
class Confusion:
    """`counts[i][j]`: photographs of label i alone, answered with label j. `left_out`: those with a label set."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    left_out: int


@dataclass(frozen=True)
class Bin:
    """Photographs of like probability. `low`, `high`: Wilson interval of `observed`, as if all were independent."""

    predicted: float
    observed: float
    low: float
    high: float
    photographs: int


@dataclass(frozen=True)
class Calibration:
    """How far the probabilities of the new class can be taken at their word."""

    ece: float
    brier: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Mistake:
    """One photograph on the wrong side of the decision threshold."""

    path: str
    word: str
    labels: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class Mistakes:
    """`count` of `among` photographs; `shown`: the worst of them, the worst first."""

    count: int
    among: int
    shown: tuple[Mistake, ...]


def contrast(first: tuple[str, Sequence[Scored]], second: tuple[str, Sequence[Scored]]) -> Contrast | None:
    """(name, rows of one test) of two models -> their paired difference; None where AP cannot be measured."""
    rows = list(first[1])
    of_second = {row.path: row.score for row in second[1]}
    if {row.path for row in rows} != of_second.keys():
        raise DataError(
            f"{first[0]} and {second[0]} were tested on different photographs of {rows[0].test}. "
            "Remove one of the two from the store and adapt it again."
        )
    a, b = np.array([row.score for row in rows]), np.array([of_second[row.path] for row in rows])
    positive, groups = np.array([row.is_new for row in rows]), np.array([row.group for row in rows])
    if not positive.any() or positive.all():
        return None
    names = (first[0], second[0])
    if average_precision(a, positive) < average_precision(b, positive):
        a, b, names = b, a, (second[0], first[0])
    found = bootstrap(lambda w: average_precision(a, positive, w) - average_precision(b, positive, w), groups, positive)
    return Contrast(rows[0].test, *names, found, is_settled=not found.low <= 0 <= found.high)


def confusion(rows: Sequence[Scored], labels: tuple[str, ...]) -> Confusion:
    """Only photographs whose label is known to be one."""
    index = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), int)
    single = [row for row in rows if row.labels in index]
    for row in single:
        counts[index[row.labels], index[row.predicted]] += 1
    return Confusion(labels, tuple(tuple(map(int, line)) for line in counts), len(rows) - len(single))


def probabilities(rows: Sequence[Scored]) -> Floats:
    """The served probability of the new class, from the stored log-odds; float64 (N,)."""
    scores = np.array([row.score for row in rows], float)
    return np.exp(-np.logaddexp(0, -scores))  # type: ignore[no-any-return] # numpy's ufuncs are untyped


def calibration(rows: Sequence[Scored]) -> Calibration:
    """Reliability in bins of equal width; expected calibration error (biased upward) in bins of equal count."""
    chances, positive = probabilities(rows), np.array([row.is_new for row in rows])
    by_count = np.argsort(np.argsort(chances, kind="stable")) * ECE_BINS // len(rows)
    by_width = np.minimum((chances * PLOT_BINS).astype(int), PLOT_BINS - 1)
    ece = sum(abs(b.predicted - b.observed) * b.photographs for b in _bins(chances, positive, by_count)) / len(rows)
    return Calibration(ece, float(((chances - positive) ** 2).mean()), _bins(chances, positive, by_width))


def _bins(chances: Floats, positive: Bools, member: NDArray[np.int64]) -> tuple[Bin, ...]:
    out = []
    for number in np.unique(member):
        inside = member == number
        observed = float(positive[inside].mean())
        interval = wilson(observed, int(inside.sum()))
        out.append(Bin(float(chances[inside].mean()), observed, *interval, int(inside.sum())))
    return tuple(out)


def wilson(share: float, count: int) -> tuple[float, float]:
    """95 % interval of a share of `count` independent trials (Wilson 1927)."""
    spread = WILSON_Z**2 / count
    middle = (share + spread / 2) / (1 + spread)
    half = WILSON_Z * np.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def mistakes(rows: Sequence[Scored], threshold: float, of_new: bool) -> Mistakes:
    """of_new: photographs of the new class below the threshold; else others at or above it. The worst come first."""
    found = [(row, float(p)) for row, p in zip(rows, probabilities(rows), strict=True) if row.is_new == of_new]
    wrong = [(row, p) for row, p in found if (p < threshold) == of_new]
    wrong.sort(key=lambda pair: (pair[0].score if of_new else -pair[0].score, pair[0].path))
    shown = tuple(Mistake(row.path, row.word, row.labels, row.predicted, p) for row, p in wrong[:SHOWN])
    return Mistakes(len(wrong), len(found), shown)
