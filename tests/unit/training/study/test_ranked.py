"""Figures on every resample at once are those that one at a time would give."""

from typing import get_args

import numpy as np
import pytest

from training import metrics
from training.study.ranked import Ranked, Reading, restated_weights
from training.study.resample import Groups, Panel, Runs
from training.study.rules import Metric

COUNT = 400
READING = Reading(prevalence=0.05, fpr=0.01)
RANKED = tuple(name for name in get_args(Metric) if name != "forgotten")


def made_panel(random: np.random.Generator) -> Panel:
    """Photographs of which neighbours are often of one group."""
    is_bus = random.random(COUNT) < 0.3
    member = np.sort(random.integers(COUNT // 2, size=COUNT))
    return Panel(member, member.astype(str), is_bus, ~is_bus & (random.random(COUNT) < 0.4), member.astype(str))


@pytest.mark.parametrize("digits", [6, 1])
def test_resampled_figures_are_the_plain_ones_with_weights(digits: int) -> None:
    """Area and recall of each resample equal those of the weighted photographs, equal scores included."""
    random = np.random.default_rng(digits)
    photographs = made_panel(random)
    scores = np.round(random.normal(size=400) + photographs.is_bus, digits).astype(np.float32)
    block = random.poisson(1, size=(200, 5)).astype(np.float32)
    found = Ranked(scores, photographs).figures(RANKED, block, READING)
    for column in range(5):
        weight, bus = block[photographs.member, column].astype(float), photographs.is_bus
        plain = scores.astype(float)
        others = weight[bus].sum() / weight[~bus].sum() * 19
        expected = {
            "ap": metrics.average_precision(plain, bus, np.where(bus, weight, weight * others)),
            "plain_ap": metrics.average_precision(plain, bus, weight),
            "auroc": metrics.auroc(plain, bus, weight),
            "recall": metrics.recall_at_fpr(plain, bus, weight, READING.fpr),
            "rivals": metrics.rate(photographs.is_rival, ~bus, weight),
        }
        threshold = metrics.threshold_at_fpr(plain, bus, READING.fpr, weight)
        expected["rival_alarms"] = metrics.rate(photographs.is_rival, ~bus & (plain > threshold), weight)
        for name, value in expected.items():
            assert value == pytest.approx(found[name][1 + column], rel=1e-5, nan_ok=True), name


def test_the_first_figure_is_the_plain_one() -> None:
    """What stands before the resamples is the figure of the photographs as they are, to the last digit."""
    random = np.random.default_rng(3)
    photographs = made_panel(random)
    scores = random.normal(size=400).astype(np.float32)
    found = Ranked(scores, photographs).figures(RANKED, np.ones((200, 1), np.float32), READING)
    bus = photographs.is_bus
    assert metrics.average_precision(scores.astype(float), bus) == found["plain_ap"][0]
    assert metrics.average_precision(scores.astype(float), bus, restated_weights(bus, 0.05)) == found["ap"][0]
    assert found["plain_ap"][0] == pytest.approx(found["plain_ap"][1], rel=1e-5)


def test_restated_weights_make_the_prevalence() -> None:
    """Buses keep weight 1; with the others' weights they are five in a hundred."""
    bus = np.arange(50) < 20
    weights = restated_weights(bus, 0.05)
    assert 0.05 == pytest.approx(weights[bus].sum() / weights.sum())
    assert {1.0} == set(weights[bus])


def test_all_in_one_class_has_no_figure() -> None:
    """Without a bus, or with nothing else, every figure is nan."""
    random = np.random.default_rng(4)
    photographs = made_panel(random)
    for bus in (np.zeros(400, bool), np.ones(400, bool)):
        same = Panel(photographs.member, photographs.groups, bus, photographs.is_rival, photographs.words)
        found = Ranked(np.zeros(400, np.float32), same).figures(RANKED, np.ones((200, 1), np.float32), READING)
        assert all(np.isnan(values).all() for values in found.values())


def test_groups_are_resampled_by_stratum() -> None:
    """Each resample holds as many groups with a bus as there are, and as many others, of each collection."""
    groups = Groups(["both"], 250, seed=1)
    parts = {name: Groups([name], 250, seed=1) for name in ("street-tiles", "tiny-imagenet-bus")}
    assert len(groups.place) == sum(len(part.place) for part in parts.values())
    block = groups.times
    assert {len(groups.place)} == set(block.sum(0).tolist())
    assert 0.3 < (block == 0).mean() < 0.4


def test_all_but_one_source_and_draw_are_drawn() -> None:
    """Of k draws k - 1 are drawn, so that the spread is not understated; the first line holds each run once."""
    keys = [("t", "s", draw, 0) for draw in range(10)]
    weights = Runs(4_000, seed=5).weights(keys)
    assert {1.0} == set(weights[0].tolist())
    assert {9.0} == set(weights[1:].sum(1).tolist())
    values = np.arange(10.0)
    means = weights[1:] @ values / 9
    assert values.std(ddof=1) / 10**0.5 == pytest.approx(means.std(), rel=0.05)


def test_a_draw_is_the_same_for_every_target() -> None:
    """A replicate that holds a draw twice holds it twice for each target."""
    keys = [(target, "s", draw, 0) for target in ("a", "b") for draw in range(5)]
    weights = Runs(100, seed=6).weights(keys)
    np.testing.assert_array_equal(weights[:, :5], weights[:, 5:])
