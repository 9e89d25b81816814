"""Intervals hold the truth about as often as they say."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.metrics import average_precision
from training.study.ranked import Ranked, Reading, restated_weights
from training.study.resample import Panel, Runs
from training.study.statistics import estimate, few_draws

STUDIES = 120


@pytest.mark.parametrize(("draws", "seeds"), [(10, 2), (5, 1)])
def test_runs_are_covered(draws: int, seeds: int) -> None:
    """95 % intervals of a mean over draws hold the true one in 91 to 99 of 100 studies, with five draws too."""
    random = np.random.default_rng(11)
    keys = [("t", "s", draw, seed) for draw in range(draws) for seed in range(seeds)]
    weights, stretch = Runs(600, seed=12).weights(keys), few_draws(draws, 0.95)
    held = 0
    for _ in range(STUDIES):
        values = np.repeat(random.normal(size=draws), seeds) + 0.7 * random.normal(size=draws * seeds)
        drawn = weights @ values / weights.sum(1)
        found = estimate(values.mean() + stretch * (drawn - values.mean()), 0.95)
        held += found.low <= 0 <= found.high
    assert 0.91 <= held / STUDIES <= 0.99


def test_photographs_are_covered() -> None:
    """Intervals of the difference of two networks on 1,200 photographs hold the true one in 86 to 99 of 100 tests."""
    random = np.random.default_rng(13)

    def photographs(count: int) -> tuple[list[NDArray[np.float32]], NDArray[np.bool_]]:
        bus, hardness = np.arange(count) < count // 3, 0.9 * random.normal(size=count)
        runs = [hardness + 0.45 * random.normal(size=count) + lift * bus for lift in (2.0, 2.3)]
        return [run.astype(np.float32) for run in runs], bus

    runs, bus = photographs(300_000)
    weights = restated_weights(bus, 0.05)
    worse, better = (average_precision(run.astype(float), bus, weights) for run in runs)
    reading, member = Reading(0.05, 0.01), np.arange(1_200)
    held = 0
    for _ in range(STUDIES):
        runs, bus = photographs(1_200)
        drawn = [random.multinomial(n, np.full(n, 1 / n), 250).T for n in (400, 800)]
        panel = Panel(member, member.astype(str), bus, ~bus, member.astype(str))
        block = np.concatenate(drawn).astype(np.float32)
        low, high = (Ranked(run, panel).figures(["ap"], block, reading)["ap"] for run in runs)
        interval = estimate(high - low, 0.95)
        held += interval.low <= better - worse <= interval.high
    assert 0.86 <= held / STUDIES <= 0.99
