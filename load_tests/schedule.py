"""When requests are due: pure functions of rate, length and seed. The server's answers play no part in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]


@dataclass(frozen=True)
class Stage:
    """A rate held for a while; requests a second, seconds."""

    rate: float
    seconds: float


def poisson(rate: float, seconds: float, seed: int) -> Times:
    """Due times in [0, seconds), seconds, ascending: independent exponential gaps with mean 1 / rate."""
    if rate <= 0 or seconds <= 0:
        return np.empty(0)
    chance = np.random.default_rng(seed)
    expected = rate * seconds
    times = np.cumsum(chance.exponential(1 / rate, int(expected + 10 * expected**0.5 + 10)))
    while times[-1] < seconds:
        times = np.concatenate([times, times[-1] + np.cumsum(chance.exponential(1 / rate, 100))])
    return times[times < seconds]


def stages(parts: Sequence[Stage], seed: int) -> Times:
    """One Poisson stream after the other, each with its own rate and its own seed."""
    starts = np.cumsum([0.0, *(part.seconds for part in parts)])
    seeds = np.random.SeedSequence(seed).generate_state(len(parts))
    streams = (poisson(part.rate, part.seconds, int(own)) for part, own in zip(parts, seeds, strict=True))
    return np.concatenate([start + times for start, times in zip(starts, streams, strict=False)] or [np.empty(0)])


def spike(base: float, peak: float, calm: float, burst: float) -> tuple[Stage, Stage, Stage]:
    """Calm, burst, calm again; rates in requests a second, lengths in seconds."""
    return Stage(base, calm), Stage(peak, burst), Stage(base, calm)


def share(parts: Sequence[Stage], worker: int, workers: int, seed: int) -> Times:
    """What worker `worker` (from 0) of `workers` sends: a sum of Poisson streams is a Poisson stream."""
    return stages([Stage(part.rate / workers, part.seconds) for part in parts], seed + worker)


def endless(rate: float, seed: int) -> Iterator[float]:
    """Due times without an end, for a test that a person stops."""
    chance, due = np.random.default_rng(seed), 0.0
    while True:
        due += chance.exponential(1 / rate)
        yield due


def trace(path: Path) -> Times:
    """Recorded arrivals, one number of seconds a line. Raises ValueError for lines that are none, or that go back."""
    words = path.read_text().split()
    try:
        times = np.array([float(word) for word in words])
    except ValueError as error:
        raise ValueError(f"{path}: {error}. A trace has one number of seconds a line; correct that line.") from error
    if len(times) == 0 or times[0] < 0 or (np.diff(times) < 0).any():
        raise ValueError(f"{path} has {len(times)} times that do not ascend from 0. Sort them, and subtract the first.")
    return times
