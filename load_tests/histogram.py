"""Latency histograms with three significant digits: they can be added up, percentiles cannot."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import ArrayLike

_HIGHEST_US = 3_600_000_000  # an hour
_DIGITS = 3


def histogram(milliseconds: ArrayLike) -> HdrHistogram:
    """Counts of values in microseconds; what lies outside 1 us - 1 h is counted at the border."""
    counted = HdrHistogram(1, _HIGHEST_US, _DIGITS)
    values, counts = np.unique(np.rint(np.asarray(milliseconds, dtype=float) * 1e3), return_counts=True)
    for value, count in zip(values, counts, strict=True):
        counted.record_value(int(min(max(value, 1), _HIGHEST_US)), int(count))
    return counted


def merged(parts: Iterable[HdrHistogram]) -> HdrHistogram:
    """The histogram of all values together."""
    whole = HdrHistogram(1, _HIGHEST_US, _DIGITS)
    for part in parts:
        whole.add(part)
    return whole


def percentile_ms(counted: HdrHistogram, percent: float) -> float:
    """Milliseconds; within 0.1 % of the value itself."""
    return float(counted.get_value_at_percentile(percent)) / 1e3


def write_hgrm(path: Path, counted: HdrHistogram) -> None:
    """The text that HdrHistogram's plotters read; values in milliseconds."""
    with path.open("wb") as file:
        counted.output_percentile_distribution(file, 1e3)
