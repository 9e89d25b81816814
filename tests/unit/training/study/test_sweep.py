"""The sweep: every rate once, a stopped one goes on, the best mean over the targets wins."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.training.study import tiny_study
from tests.unit.training.study.tiny_study import MATERIAL, SIZE
from tests.unit.training.tiny import quiet
from training.study import sweep
from training.study.plan import FULL, SMALL
from training.study.sweep import Tried, chosen_rates, read_sweep, sweep_rates

TINY = replace(
    SMALL, headline_targets=("drawn-tiny",), detail_target="drawn-tiny", headline_size=SIZE, detail_size=SIZE, steps=4
)


def test_a_sweep_goes_on_and_its_rates_are_read_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every depth tries every rate once; a second call adds nothing."""
    tiny_study.state(monkeypatch, tmp_path / "state")
    monkeypatch.setattr(sweep, "RATES", (0.01, 0.1))
    monkeypatch.setattr(sweep, "DEPTHS", (1, 3))
    few = replace(TINY, others=60)
    monkeypatch.setattr(sweep, "DRAWN_BUSES", 50)
    path = tmp_path / "sweep.csv"
    sweep_rates(few, {(SIZE, True): MATERIAL}, 1, quiet(), path)
    first = read_sweep(path)
    assert [(1, 0.01), (1, 0.1), (3, 0.01), (3, 0.1)] == [(tried.depth, tried.rate) for tried in first]
    assert all(0 < tried.val_ap <= 1 for tried in first)
    sweep_rates(few, {(SIZE, True): MATERIAL}, 1, quiet(), path)
    assert first == read_sweep(path)
    assert {("drawn", SIZE, 1), ("drawn", SIZE, 3)} == chosen_rates(few, path).keys()


def test_the_best_mean_over_targets_is_chosen(tmp_path: Path) -> None:
    """A divergence counts as nothing; rows of other steps or studies do not count."""
    path = tmp_path / "sweep.csv"
    for target, rate, ap in (("a", 0.1, 0.9), ("b", 0.1, float("nan")), ("a", 0.01, 0.6), ("b", 0.01, 0.7)):
        sweep._append(path, Tried("full", "s", target, 96, FULL.steps, 1, rate, ap))
    sweep._append(path, Tried("full", "s", "a", 96, 1, 1, 0.3, 1.0))
    assert {("s", 96, 1): 0.01} == chosen_rates(FULL, path)
