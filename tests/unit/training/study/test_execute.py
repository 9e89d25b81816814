"""Runs of a study: repeatable, resumable, proven, and caught where they could fool themselves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.training.study import tiny_study
from tests.unit.training.study.tiny_study import MATERIAL, SHARED, finished, run, same
from tests.unit.training.tiny import quiet
from training.adapt import FrozenTensorMovedError
from training.data.archives import DataError
from training.metrics import average_precision
from training.network import AdaptedNetwork
from training.study import trial
from training.study.draws import make_draw
from training.study.material import Material
from training.study.plan import STUDIES, Run
from training.study.pools import photographs
from training.study.rows import Rows, Table
from training.study.run import missing, on_this_machine, run_study

RUNS = [run(0), run(1), run(1, care="naive"), run(0, options="head=ncm")]


@pytest.fixture(scope="module", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Pictures and frozen outputs are made once for this file."""
    with pytest.MonkeyPatch.context() as patch:
        tiny_study.state(patch, tmp_path_factory.mktemp("state"))
        yield


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize("care", ["careful", "naive"])
def test_a_run_repeated_gives_its_row(depth: int, care: str) -> None:
    """Same machine, same settings: the same scores to the last bit, and the AP is that of the scores."""
    first, again = finished(run(depth, care=care)), finished(run(depth, care=care))
    assert same(first, again)
    lists = SHARED and tiny_study.execute(run(depth, care=care), SHARED)[1]
    bus = photographs(lists[first.row.photographs]).is_bus
    assert first.row.ap == average_precision(first.scores["test"].astype(float), bus)


def test_what_differs_gives_another_row() -> None:
    """Draw, seed and number of buses each change the scores."""
    plain = finished(run())
    for other in (run(draw=1), run(seed=1), replace(run(), buses=40)):
        assert not same(plain, finished(other))


def test_cached_outputs_score_as_the_whole_network() -> None:
    """A frozen prefix read from files gives the scores that pixels give."""
    wanted = run(1)
    draw = make_draw(wanted.target, MATERIAL.strata(wanted.target), 0, 50, 60)
    network = trial.untrained(wanted, draw, MATERIAL)
    maps = trial.outputs(network, wanted, MATERIAL, draw.rest[:20], augmented=False)
    with torch.inference_mode():
        whole = network.eval()(torch.from_numpy(np.array(MATERIAL.plain(wanted.target, draw.rest[:20]))))[1]
        torch.testing.assert_close(whole, network.suffix(maps), rtol=1e-4, atol=1e-5)


def kinds() -> list[Run]:
    """One run of each kind that either study plans: depth, care, options; of the rates and of the line one each."""
    found: dict[tuple[object, ...], Run] = {}
    for planned in (planned for study in STUDIES.values() for planned in study.runs()):
        kind = planned.options.partition("=")[0] if planned.options[:5] in ("rate=", "path=") else planned.options
        found.setdefault((planned.depth, planned.care, kind), planned)
    return [run(planned.depth, care=planned.care, options=planned.options) for planned in found.values()]


@pytest.mark.parametrize("wanted", kinds(), ids=lambda wanted: f"{wanted.depth}-{wanted.care}-{wanted.options}")
def test_every_kind_of_planned_run_runs(wanted: Run) -> None:
    """No option of the plan is unknown to the code, at no depth: a finite score for each test photograph."""
    found = finished(wanted)
    assert "" == found.row.problem
    assert np.isfinite(found.scores["test"]).all()
    assert 0 < found.row.ap <= 1


def test_the_line_from_the_source_ends_at_the_run() -> None:
    """Weights all the way along the line are the adapted network's; half way they are neither end's."""
    plain, whole, half = (finished(run(1, options=options)) for options in ("", "path=1", "path=0.5"))
    np.testing.assert_allclose(plain.scores["test"], whole.scores["test"], rtol=1e-4, atol=1e-4)
    assert not np.allclose(plain.scores["test"], half.scores["test"], rtol=1e-4, atol=1e-4)


def test_a_run_that_diverges_is_a_row() -> None:
    """Its figures are nan and it says why; it is never tried again by itself."""
    found = finished(run(3, options="rate=1e30"))
    assert np.isnan(found.row.ap)
    assert "stopped being finite" in found.row.problem


def test_statistics_that_move_in_a_frozen_stage_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted batch-norm drift: frozen stages in training mode are caught by their hashes."""
    clean = trial.train_carefully

    def drifting(network: AdaptedNetwork, *rest: object) -> object:
        weights = clean(network, *rest)  # type: ignore[arg-type] # handed on
        network.get_buffer("layer1.0.bn1.running_mean").add_(1e-4)
        return weights

    monkeypatch.setattr(trial, "train_carefully", drifting)
    with pytest.raises(FrozenTensorMovedError, match="running_mean"):
        finished(run(1))


def test_a_planted_camera_shortcut_is_seen_by_the_pixel_control(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buses from a camera with a bright corner: a classifier of thumbnails ranks them first, and the table shows it."""
    honest = finished(run(0, options="features=pixels")).row.ap
    plain = Material.plain

    def stamped(self: Material, name: str, places: tuple[int, ...]) -> np.ndarray:  # type: ignore[type-arg] # pixels
        pixels = plain(self, name, places)
        pixels[self.allowed(name, places)[:, 0].numpy(), :6, :6] = 255
        return pixels

    monkeypatch.setattr(Material, "plain", stamped)
    assert honest < 0.98 < finished(run(0, options="features=pixels")).row.ap


def test_a_study_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """What has a row is not run again; a second call adds the rest."""
    table = Table(tmp_path / "rows.sqlite")
    run_study(RUNS[:2], SHARED, table, on_this_machine(1), quiet())
    assert RUNS[2:] == missing(RUNS, SHARED, table)
    run_study(RUNS, SHARED, table, on_this_machine(1), quiet())
    assert [] == missing(RUNS, SHARED, table)
    assert len(RUNS) == len(table.rows())
    other = replace(SHARED, settings=replace(SHARED.settings, steps=11))
    with pytest.raises(DataError, match="other settings"):
        missing(RUNS, other, table)


@pytest.mark.long
def test_two_processes_give_the_rows_of_one(tmp_path: Path) -> None:
    """Where a run is executed is no part of its result."""
    for name, processes in (("one", 1), ("two", 2)):
        run_study(RUNS, SHARED, Table(tmp_path / f"{name}.sqlite"), on_this_machine(processes), quiet())
    one, two = Rows([tmp_path / "one.sqlite"]), Rows([tmp_path / "two.sqlite"])
    by_name = {row.trial: row for row in two.trials}
    assert len(RUNS) == len(one.trials)
    assert all(same(one.finished(row), two.finished(by_name[row.trial])) for row in one.trials)


def test_a_temperature_makes_scores_believable() -> None:
    """Log-odds that are three times too large are divided by three; those that are right by one."""
    random = np.random.default_rng(5)
    odds = random.normal(0, 2, 4_000)
    is_bus = random.random(4_000) < 1 / (1 + np.exp(-odds))
    assert trial.temperature_of(3 * odds, is_bus) == pytest.approx(3, rel=0.1)
    assert trial.temperature_of(odds, is_bus) == pytest.approx(1, rel=0.1)
