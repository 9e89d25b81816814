"""What an undecided hypothesis says: figures and units in plain words, no name of a variable."""

import re

import numpy as np
import pytest

from training.study.quantities import Measured, Missing
from training.study.reasons import NAMES, amount, measured_text, rule_in_words, why_undecided
from training.study.rules import read_rules
from training.study.statistics import Estimate

RULES = read_rules()


def measured(value: float, low: float, high: float, error: float, photographs: float, draws: int = 10) -> Measured:
    """A figure of so many draws; the one-sided limits lie a little inside of the interval."""
    found = Estimate(value, low, high, low + 0.001, high - 0.001, error)
    each = tuple((("t", "s", draw, 0), value) for draw in range(draws))
    return Measured(found, np.array([value]), each, 1.0, draws, photographs)


def test_every_quantity_of_the_rules_has_a_name() -> None:
    """And no name is left over."""
    assert NAMES.keys() == {name for hypothesis in RULES.hypotheses for name in hypothesis.quantities}


def test_an_interval_over_a_bound_says_how_many_draws_would_clear_it() -> None:
    """1.4 points [-0.2, 3.0]: above the point that counts, its interval reaches under zero."""
    found = {"difference": measured(0.014, -0.002, 0.030, 0.008, 0.003)}
    said = why_undecided(RULES, RULES.hypothesis("H3c"), found)
    assert said == (
        "To be supported it would need its whole interval above 0 points; "
        "to be refuted, its one-sided limit below 1 point. "
        "About 4 more draws would decide it, if it stayed where it is"
    )


def test_photographs_can_be_what_is_missing() -> None:
    """Where the test set's own error is too large, no number of draws helps, and that is said."""
    found = {"difference": measured(0.014, -0.002, 0.030, 0.008, 0.0079)}
    assert "the test photographs alone" in why_undecided(RULES, RULES.hypothesis("H3c"), found)


def test_a_figure_between_the_bounds_is_not_promised_a_verdict() -> None:
    """3 points, surely: more than the one that refutes, less than the five that support."""
    found = {"difference": measured(0.030, 0.025, 0.035, 0.0025, 0.001)}
    assert "where neither holds" in why_undecided(RULES, RULES.hypothesis("H1b"), found)


@pytest.mark.parametrize("hypothesis", RULES.hypotheses, ids=lambda hypothesis: hypothesis.id)
def test_rules_are_told_in_words(hypothesis: object) -> None:
    """No variable, no operator, and a unit or a number in each."""
    for clauses in (hypothesis.supported, hypothesis.refuted):  # type: ignore[attr-defined] # a Hypothesis
        said = rule_in_words(RULES, hypothesis, clauses)  # type: ignore[arg-type] # a Hypothesis
        assert not re.search(r"_|[<>]|\bsmall\b|\blarge\b|\.(low|high|value)", said)
        assert re.search(r"\d", said)


def test_amounts_carry_their_unit() -> None:
    """Points, shares, times; one point is not plural; what is missing says so."""
    by_unit = {q.unit: q for h in RULES.hypotheses for q in h.quantities.values()}
    assert ("1 point", "5 points", "0.5", "1.25 times") == (
        amount(0.01, by_unit["points"]),
        amount(0.05, by_unit["points"]),
        amount(0.5, by_unit["share"]),
        amount(1.25, by_unit["times"]),
    )
    assert "1.0 point [0.5, 1.5]" == measured_text(measured(0.01, 0.005, 0.015, 0.1, 0.1), by_unit["points"])
    assert "unmeasured" == measured_text(Missing("no rows"), by_unit["points"])
