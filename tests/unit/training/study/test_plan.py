"""The plan: what decides most comes first, every run once, and what waits for something says for what."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.unit.training.study.test_rows import ROW
from tests.unit.training.study.tiny_study import SHARED, run
from tests.unit.training.tiny import quiet
from training.data.archives import DataError
from training.study import cost
from training.study.cost import Speed, forecast, in_words, predicted
from training.study.material import Material
from training.study.plan import FULL, RATES, STUDIES, Run
from training.study.pools import PSEUDO, pool
from training.study.rules import read_rules
from training.study.sweep import chosen_rates, read_sweep
from training.study.trial import Settings, ready

PHOTOGRAPHS = Settings(steps=500, others=1_500, rates={})


@pytest.mark.parametrize("name", STUDIES)
def test_the_plan_holds_every_run_once_in_the_order_of_what_it_decides(name: str) -> None:
    """What could stop the study, then what verdicts need, then what they should survive, then the rest."""
    runs = STUDIES[name].runs()
    assert len(runs) == len({planned.name for planned in runs})
    order = list(dict.fromkeys(planned.stage for planned in runs))
    assert ["audit", "headline", "depth", "control"] == order[:4]
    assert order.index("rates") < order.index("naive")
    assert order.index("curve") < order.index("naive")


def test_the_headline_is_whole() -> None:
    """Three arms, ten draws, two seeds, three targets, both recipes, at the shipped size; a second source as well."""
    runs = FULL.runs()
    for stage, care, source in (
        ("headline", "careful", FULL.source),
        ("naive", "naive", FULL.source),
        ("source", "careful", FULL.second_source),
    ):
        found = [planned for planned in runs if planned.stage == stage]
        assert 3 * 10 * 2 * 3 == len(found)
        assert {(96, care, source, 500, "")} == {(r.size, r.care, r.source, r.buses, r.options) for r in found}


def test_the_plan_has_what_the_rules_ask_for() -> None:
    """Every target, draw, seed, depth, option and number of buses of every hypothesis is planned."""
    rules = read_rules()
    for study in STUDIES.values():
        world = rules.worlds[study.world]
        planned = Counter((r.target, r.size, r.depth, r.care, r.options, r.buses, r.source) for r in study.runs())
        assert world.curve == list(study.curve)
        assert rules.rates == len(RATES)
        for hypothesis in rules.hypotheses:
            for quantity in hypothesis.quantities.values():
                selection = world.selections[quantity.rows]
                every = [*quantity.terms, *quantity.over]
                if quantity.kind == "best_rate":
                    every = [term.model_copy(update={"options": f"rate={rate:g}"}) for term in every for rate in RATES]
                for term, target in ((term, target) for term in every for target in selection.targets):
                    buses = world.curve[-1] if term.buses == "most" else rules.buses
                    sizes = world.curve if term.buses in ("slope", "projected") else [buses]
                    for n in sizes:
                        arm = (target, selection.size, term.depth, "careful", term.options, n, study.source)
                        assert planned[arm] >= selection.draws * selection.seeds, (hypothesis.id, arm)


def test_steps_follow_the_photographs_only_when_asked() -> None:
    """`fit=epochs` sees each photograph as often as at 500 buses; `steps=10x` is ten times as long."""
    material = Material(None, 64, 4)
    plain = Run("x", "both", 5, "s", 64, buses=1_700)
    steps = {text: PHOTOGRAPHS.recipe(replace(plain, options=text), material).steps for text in ("", "fit=epochs")}
    assert {"": 500, "fit=epochs": 800} == steps
    assert 5_000 == PHOTOGRAPHS.recipe(replace(plain, options="steps=10x;weights=scratch"), material).steps
    assert 500 == PHOTOGRAPHS.recipe(replace(plain, options="fit=epochs", buses=500), material).steps


def test_a_second_source_learns_at_the_rates_of_the_first() -> None:
    """Its seed is what differs; a rate that nobody swept is an error, never a guess."""
    settings = Settings(500, 1_500, {("a", 96, 1): 0.02}, {"b": "a"})
    rates = [settings.rate(Run("x", "both", depth, "b", 96)) for depth in (0, 1)]
    assert rates[0] != rates[0]
    assert 0.02 == rates[1]
    assert 0.02 == settings.rate(Run("x", "both", 0, "b", 96, options="norm=moving"))
    with pytest.raises(DataError, match="--sweep"):
        settings.rate(Run("x", "both", 3, "b", 96))


def test_runs_of_a_source_that_is_not_here_wait() -> None:
    """They are left out with the reason; without the study's own source nothing starts."""
    here, absent = run(), replace(run(), source="tiny198-of-another-day")
    watch = quiet()
    assert [here] == ready([here, absent], SHARED.settings, "drawn", watch)
    with pytest.raises(DataError, match="another-day"):
        ready([here, absent], SHARED.settings, absent.source, watch)


@pytest.mark.parametrize("name", PSEUDO)
def test_a_pseudo_target_stands_for_the_bus(name: str) -> None:
    """Its words are the buses, the buses are others, and nothing unsure is among them."""
    rows = pool(name)
    base, words = PSEUDO[name]
    assert {row.word in words for row in rows if row.labels == {"bus"}} == {True}
    assert sum(row.word in words for row in pool(base)) == sum(row.labels == {"bus"} for row in rows) > 300
    assert 1_064 <= sum(row.labels == {"other"} for row in rows)
    assert "street" not in {row.word for row in rows}


def test_hours_come_from_like_runs_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds of a row of the same kind, else of photographs over the speed measured here; summed block by block."""
    speed = Speed((100.0, 80.0, 60.0, 50.0, 40.0), 200.0, 400.0)
    monkeypatch.setattr(cost, "measured_speed", lambda source, size: speed)
    known = replace(ROW, target="drawn-tiny", size=32, depth=1, buses=50, seconds=3_600.0, trial=f"{run().name}/x")
    blocks = forecast([run(draw=7), run(3)], SHARED, [known])
    assert [("headline", 2)] == [(block.stage, block.runs) for block in blocks]
    assert blocks[0].hours == pytest.approx(1 + predicted(run(3), SHARED) / 3_600)
    assert predicted(run(3), SHARED) > 640 / 60
    assert "About 1.0 hours of one thread in all." == in_words(blocks)[-1]


@pytest.mark.long
def test_measured_speeds_fall_with_depth() -> None:
    """Photographs a second, measured here: training everything is slower than training the last stage."""
    found = cost.measured_speed("drawn", 32)
    assert 5 == len(found.train)
    assert found.train[0] > found.train[4] > 0
    assert found.views > 0 < found.forward


def test_the_drawn_rates_are_swept() -> None:
    """The small study's depths each have a rate, chosen among equally many trials."""
    rates = chosen_rates(STUDIES["small"])
    assert {("drawn", 64, depth) for depth in range(1, 6)} == rates.keys()
    tried = Counter(item.depth for item in read_sweep() if item.study == "small")
    assert 1 == len(set(tried.values()))
