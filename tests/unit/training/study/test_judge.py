"""Each hypothesis reaches each verdict when the truth is such, and none where rows are missing."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.training.study.synthetic import Cell, Made, Truth, make, small_rules
from training.study.evidence import Evidence
from training.study.judge import Judged, conclude, judge
from training.study.quantities import AS_ASKED, Variant
from training.study.rows import TrialRow

RULES = small_rules()


def judged(made: Made, name: str, variant: Variant = AS_ASKED) -> Judged:
    """One hypothesis on made-up rows."""
    (found,) = judge(Evidence(made, RULES, "photographs"), variant, frozenset({name}))
    return found


def by_depth(*lifts: float) -> Callable[[Cell], float]:
    """Depth -> lift of a bus; the last one for all deeper."""
    return lambda cell: lifts[min(cell.depth, len(lifts) - 1)]


def options(normal: float, **others: float) -> Callable[[Cell], float]:
    """The lift by the value of the one option, else `normal`."""
    return lambda cell: others.get(cell.options.partition("=")[2].replace("-", "_"), normal)


def shrinking(lead_at_100: float, lead_at_1000: float) -> Callable[[Cell], float]:
    """Partial's lead over majority between the two ends of the curve; the frozen arm is far below."""

    def lift(cell: Cell) -> float:
        share = {100: 0.0, 200: 0.3, 500: 0.7, 1_000: 1.0}[cell.buses]
        lead = lead_at_100 + share * (lead_at_1000 - lead_at_100)
        return {0: 1.0, 1: 2.5}.get(cell.depth, 2.5 - lead)

    return lift


def part(chosen: float, end: float, train: float, at_depth: int = 3) -> Callable[[Cell], float]:
    """The lift of each part of the runs of one depth."""
    return lambda cell: (
        {"chosen": chosen, "end": end, "train": train}.get(cell.part, 2.0) if cell.depth == at_depth else 2.0
    )


def jitter(cell: Cell) -> float:
    """Draws that disagree by much about depth 1: no interval can be narrow."""
    return 2.0 + (cell.depth == 1) * (1.2 if cell.draw % 2 else -1.1)


CASES = {
    "H1a": {
        "supported": Truth(options(0.3, random=0.3)),
        "refuted": Truth(options(3.0, random=0.3)),
        "undecided": Truth(options(1.6, random=0.3)),
    },
    "H1b": {
        "supported": Truth(by_depth(1.5, 2.5)),
        "refuted": Truth(by_depth(2.0, 2.0)),
        "undecided": Truth(by_depth(2.0, 2.1)),
    },
    "H1c": {
        "supported": Truth(rival=lambda cell: 1.0 * (cell.depth == 0)),
        "refuted": Truth(rival=lambda cell: 1.5),
        "undecided": Truth(rival=lambda cell: 0.4 * (cell.depth == 0)),
    },
    "H1d": {
        "supported": Truth(by_depth(1.5, 2.5)),
        "refuted": Truth(lambda cell: 2.5 if cell.depth or cell.options == "head=rbf" else 1.5),
        "undecided": Truth(lambda cell: 2.5 if cell.depth else 2.2 if cell.options == "head=rbf" else 1.5),
    },
    "H1e": {
        "supported": Truth(options(2.0, all_stages=2.6)),
        "refuted": Truth(options(2.0, all_stages=2.0)),
        "undecided": Truth(lambda cell: 2.0 + (cell.options == "head=all-stages") * (0.6 if cell.draw % 2 else -0.5)),
    },
    "H2a": {"supported": Truth(by_depth(1.5, 2.5)), "refuted": Truth(by_depth(2.0, 2.0)), "undecided": Truth(jitter)},
    "H2b": {
        "supported": Truth(by_depth(2.0, 2.5, 2.5)),
        "refuted": Truth(by_depth(2.0, 2.0, 2.6)),
        "undecided": Truth(jitter),
    },
    "H2c": {
        "supported": Truth(by_depth(2.0, 2.6, 2.3)),
        "refuted": Truth(by_depth(2.0, 2.2, 2.6)),
        "undecided": Truth(by_depth(2.0, 2.3, 2.3)),
    },
    "H2d": {
        "supported": Truth(forgotten=lambda cell: {1: 0.01, 3: 0.1}.get(cell.depth, 0)),
        "refuted": Truth(forgotten=lambda cell: {1: 0.12, 3: 0.2}.get(cell.depth, 0)),
        "undecided": Truth(forgotten=lambda cell: {1: 0.01 + 0.02 * (cell.draw % 2), 3: 0.2}.get(cell.depth, 0)),
    },
    "H3a": {
        "supported": Truth(part(2.0, 2.0, 4.0)),
        "refuted": Truth(part(2.0, 2.0, 2.0), noise=0.01),
        "undecided": Truth(
            lambda cell: 2.0 + (cell.part == "train") * (cell.depth == 3) * (0.8 * (cell.draw % 2) - 0.3)
        ),
    },
    "H3b": {
        "supported": Truth(part(2.6, 2.0, 2.0)),
        "refuted": Truth(part(2.0, 2.0, 2.0)),
        "undecided": Truth(lambda cell: 2.0 + (cell.part == "chosen") * (0.6 if cell.draw % 2 else -0.5)),
    },
    "H3c": {
        "supported": Truth(by_depth(2.0, 2.5, 2.0)),
        "refuted": Truth(by_depth(2.0, 2.0, 2.5)),
        "undecided": Truth(jitter),
    },
    "H3d": {
        "supported": Truth(shrinking(0.9, 0.0)),
        "refuted": Truth(shrinking(0.3, 0.3)),
        "undecided": Truth(
            lambda cell: 2.0 + (cell.depth == 1) * (cell.buses < 300) * (1.2 if cell.draw % 2 else -1.0)
        ),
    },
    "H3e": {
        "supported": Truth(by_depth(2.0, 2.6, 2.0)),
        "refuted": Truth(
            lambda cell: 2.5 if cell.depth == 1 or cell.options == "rate=0.01" else 2.0,
            val_ap=lambda cell: 0.9 if cell.options == "rate=0.01" else 0.8,
        ),
        "undecided": Truth(jitter),
    },
}


def test_there_is_a_case_for_every_hypothesis() -> None:
    """No hypothesis of the rules goes without its three truths."""
    assert {hypothesis.id for hypothesis in RULES.hypotheses} == CASES.keys()


@pytest.mark.parametrize(("name", "verdict"), [(name, verdict) for name in CASES for verdict in CASES[name]])
def test_a_known_truth_gets_its_verdict(name: str, verdict: str) -> None:
    """Supported, refuted and undecided are each reached; the effect lies in its interval."""
    found = judged(make(CASES[name][verdict]), name)
    assert verdict == found.verdict, (
        found.why,
        {key: getattr(item, "estimate", item) for key, item in found.quantities.items()},
    )
    assert found.effect is not None
    assert found.effect.estimate.low <= found.effect.estimate.value <= found.effect.estimate.high
    assert found.effect.runs > 0
    assert 0 <= found.effect.share <= 1


def test_without_rows_nothing_is_known() -> None:
    """No rows: undecided, no effect, and a reason that names what is missing."""
    found = judged(Made(), "H2a")
    assert ("undecided", None) == (found.verdict, found.effect)
    assert "no rows of depth 1 at 96 px" in found.why


def test_too_few_draws_are_not_judged() -> None:
    """Below the least draws of the rules the answer is undecided, however large the effect."""
    made = make(CASES["H2a"]["supported"]).without(lambda row: row.draw != 0)
    found = judged(made, "H2a")
    assert ("undecided", None) == (found.verdict, found.effect)
    assert "4 draws with 1 seed each are asked, 3 are there" in found.why


def test_another_source_is_never_in_a_verdict() -> None:
    """Rows of a source that the rules do not name, such as one that has seen buses, are left out."""
    made = make(CASES["H2a"]["supported"]).changed(lambda row: replace(row, source="has-seen-buses"))
    assert judged(made, "H2a").effect is None


@pytest.mark.parametrize(("failed", "verdict"), [(1, "supported"), (3, "undecided")])
def test_failed_runs_are_counted(failed: int, verdict: str) -> None:
    """A failed run takes its pair away; where too many failed, who survived says nothing."""

    def fail(row: TrialRow) -> TrialRow:
        is_lost = row.depth == 1 and row.size == 96 and row.draw * 5 + row.seed < failed
        return replace(row, ap=float("nan"), problem="diverged") if is_lost else row

    made = make(CASES["H2a"]["supported"], seeds=5).changed(fail)
    found = judged(made, "H2a")
    assert verdict == found.verdict
    if found.effect:
        assert 2 * (20 - failed) == found.effect.runs


def test_what_only_the_first_seed_has_is_not_missed_in_others() -> None:
    """The old task and the scores at two steps are measured for one seed of each draw; the other seeds do not count."""
    truth = Truth(forgotten=lambda cell: float("nan") if cell.seed else {1: 0.12, 3: 0.2}.get(cell.depth, 0))
    found = judged(make(truth, seeds=2), "H2d")
    assert "refuted" == found.verdict
    assert found.effect is not None
    assert 4 == found.effect.runs


def test_nan_scores_are_no_figures() -> None:
    """A row whose scores are not numbers is not measured, and is not taken for the lowest rank."""
    made = make(CASES["H2a"]["supported"])
    bad = next(row.trial for row in made.trials if row.depth == 1 and row.size == 96)
    made.parts[bad, "test"] = np.full_like(made.parts[bad, "test"], np.nan)
    assert "1 of 4 paired runs" in judged(made, "H2a").why


def test_a_verdict_is_asked_to_survive_the_naive_recipe() -> None:
    """The same rule reads the naive rows: a deficit of theirs alone is not one of the careful recipe."""
    made = make(Truth(lambda cell: 1.5 if cell.depth == 3 and cell.care == "naive" else 2.5))
    assert "refuted" == judged(made, "H3c").verdict
    assert "supported" == judged(made, "H3c", Variant(care="naive")).verdict


def test_holm_asks_more_of_a_family() -> None:
    """A member that alone would pass does not, when its corrected chance is above the level."""
    made = make(CASES["H2a"]["supported"])
    family = judge(Evidence(made, RULES, "photographs"), only=frozenset({"H1b", "H2a", "H3c"}))
    assert all(item.chance is not None for item in family)
    alone, lead = judged(made, "H2a"), family[1]
    assert alone.chance is not None
    assert lead.chance is not None
    assert alone.chance < lead.chance


def test_statements_follow_from_their_hypotheses() -> None:
    """All supported support a statement, one refuted refutes it; the sentence carries the figures."""
    made = make(Truth(lambda cell: (2.0, 2.6, 2.6, 2.0)[min(cell.depth, 3)]))
    judgements = judge(Evidence(made, RULES, "photographs"))
    first, second, third = conclude(RULES, judgements, "It is made up.")
    assert "supported" == second.verdict
    assert "points [" in second.sentence
    assert "refuted" == third.verdict, third.sentence
    assert "H3d refuted" in third.sentence
    assert all("{" not in item.sentence and item.sentence.endswith("It is made up.") for item in (first, second, third))


def test_a_second_source_counts_when_all_of_it_is_there() -> None:
    """Half of another source changes no answer; the whole of it does."""
    first = make(Truth(by_depth(2.0, 2.5, 2.4)))
    world = RULES.worlds["photographs"].model_copy(update={"sources": ["s", "t"]})
    rules = RULES.model_copy(update={"worlds": {"photographs": world}})

    def with_second(draws: int) -> Judged:
        more = make(Truth(by_depth(2.0, 2.9, 2.4))).without(lambda row: row.draw < draws)
        for row in more.trials:
            more.parts[f"t-{row.trial}", "test"] = more.parts[row.trial, "test"]
        second = more.changed(lambda row: replace(row, source="t", trial=f"t-{row.trial}"))
        both = Made([*first.trials, *second.trials], first.lists, {**more.parts, **first.parts})
        (found,) = judge(Evidence(both, rules, "photographs"), only=frozenset({"H2a"}))
        return found

    alone, half, whole = (with_second(draws).effect for draws in (0, 2, 4))
    assert alone is not None
    assert half is not None
    assert whole is not None
    assert alone.estimate == half.estimate
    assert whole.runs == 2 * alone.runs
    assert whole.estimate.value > alone.estimate.value
