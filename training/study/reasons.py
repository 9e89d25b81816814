"""Why a hypothesis is undecided, in plain words: what each verdict would need, what more draws could do."""

import math
from collections.abc import Iterable, Mapping

from training.study.quantities import Measured, Missing
from training.study.rules import Clauses, Hypothesis, Quantity, Rules, parse

# What a quantity is called where a person reads it.
NAMES = {
    "difference": "the difference",
    "recall": "recall at 1 % false alarms",
    "ratio": "the share of cars and trucks among the false alarms, over their share of the others,",
    "fall": "the fall of that share when the last stage is thawed",
    "fall_at_majority": "the fall of that share when three stages are thawed",
    "most_buses_gap": "partial at 500 buses minus frozen at the most buses there are",
    "projected_gap": "partial at 500 buses minus frozen projected to 5,000",
    "knn_gain": "what nearest neighbours gain over logistic regression",
    "rbf_gain": "what a Gaussian kernel gains over logistic regression",
    "mlp_gain": "what a two-layer head gains over logistic regression",
    "knn_gap": "partial minus frozen with nearest neighbours",
    "rbf_gap": "partial minus frozen with a Gaussian kernel",
    "mlp_gap": "partial minus frozen with a two-layer head",
    "other_way": "majority minus partial",
    "lead": "the lead of one thawed stage over the best other depth",
    "first": "the share of replicates in which one thawed stage is first",
    "beaten": "the lead of the best other depth",
    "loss": "the top-1 lost at depth 1",
    "beyond_half": "the top-1 lost at depth 1, beyond half of what depth 3 loses,",
    "decline": "the decline from the chosen step to the last",
    "shrinkage": "what a doubling of the buses takes off partial's lead",
    "shrunk": "what the lead loses from 500 buses to the most",
}
# The same word of different hypotheses.
_DIFFERENCES = {
    "H1a": "frozen minus a random frozen network",
    "H1b": "partial minus frozen",
    "H1e": "a head on all stages minus one on the last",
    "H2a": "partial minus frozen",
    "H2b": "partial minus majority",
    "H3a": "majority's gap between training and test minus partial's",
    "H3c": "partial minus majority",
    "H3e": "partial minus majority, each at its best rate",
}
_SIDES = {"<": "below", "<=": "at most at", ">": "above", ">=": "at least at"}
_LIMITS = {"value": "the figure itself", "low": "its whole interval", "high": "its whole interval"}
_ONE_SIDED = "its one-sided limit"
Found = Mapping[str, Measured | Missing]


def name_of(hypothesis: Hypothesis, quantity: str) -> str:
    """In words, without an article before a capital: `partial minus frozen`."""
    return _DIFFERENCES[hypothesis.id] if quantity == "difference" else NAMES[quantity]


def why_undecided(rules: Rules, hypothesis: Hypothesis, found: Found) -> str:
    """Sentences without the last full stop: what either verdict would need, and what more draws would do."""
    needs = [
        " and ".join(_condition(rules, hypothesis, found, text) for text in _lacks(rules, found, clauses))
        for clauses in (hypothesis.supported, hypothesis.refuted)
    ]
    said = f"To be supported it would need {needs[0]}; to be refuted, {needs[1]}"
    return ". ".join(filter(None, [said, more_draws(rules, hypothesis, found)]))


def rule_in_words(rules: Rules, hypothesis: Hypothesis, clauses: Clauses) -> str:
    """`partial minus frozen lies with its whole interval above 1 point and ..., or ...`."""

    def said(text: str) -> str:
        name, limit, sign, bound = parse(text)
        edge = amount(rules.bound(bound), hypothesis.quantities[name])
        return f"{name_of(hypothesis, name)} lies with {_LIMITS.get(limit, _ONE_SIDED)} {_SIDES[sign]} {edge}"

    return ", or ".join(" and ".join(map(said, clause)) for clause in clauses)


def _lacks(rules: Rules, found: Found, clauses: Clauses) -> list[str]:
    """What the nearest clause lacks."""
    return min(([text for text in clause if not holds(rules, text, found)] for clause in clauses), key=len)


def _condition(rules: Rules, hypothesis: Hypothesis, found: Found, text: str) -> str:
    name, limit, sign, bound = parse(text)
    quantity, measured = hypothesis.quantities[name], found[name]
    needed = f"{_LIMITS.get(limit, _ONE_SIDED)} {_SIDES[sign]} {amount(rules.bound(bound), quantity)}"
    if name == hypothesis.effect:
        return needed
    there = measured_text(measured, quantity) if isinstance(measured, Measured) else "unmeasured"
    return f"{name_of(hypothesis, name).rstrip(',')} (it is {there}) with {needed}"


def more_draws(rules: Rules, hypothesis: Hypothesis, found: Found) -> str:
    """How many more draws would take the interval off the bound in its way; empty when others are in the way."""
    effect = found[hypothesis.effect]
    nearest = [_lacks(rules, found, clauses) for clauses in (hypothesis.supported, hypothesis.refuted)]
    alone = [lacks for lacks in nearest if {parse(text)[0] for text in lacks} == {hypothesis.effect}]
    if isinstance(effect, Missing) or not alone:
        return ""
    shares = [share for lacks in alone if (share := min(_clear(rules, effect, text) for text in lacks)) > 0]
    if not shares and len(alone) < len(nearest):
        return ""
    if not shares:
        return "It lies where neither holds: more draws would narrow its interval, they would not decide by that alone"
    error, draws = effect.estimate.error, len({key[2] for key, _ in effect.each})
    of_runs = max(0.0, error**2 - effect.photographs_error**2)
    allowed = (max(shares) * error) ** 2 - effect.photographs_error**2
    if allowed <= 0 or not of_runs:
        return "More draws would not decide it: the test photographs alone leave more than that open"
    more = max(1, math.ceil(draws * of_runs / allowed) - draws)
    return f"About {more:,} more draw{'s' * (more > 1)} would decide it, if it stayed where it is"


def _clear(rules: Rules, effect: Measured, text: str) -> float:
    """To which share its interval must shrink to clear a bound; 0: the figure itself is on the wrong side."""
    _, limit, sign, bound = parse(text)
    away = (effect.estimate.value - rules.bound(bound)) * (1 if sign[0] == ">" else -1)
    reach = abs(effect.estimate.value - effect.estimate.limit(limit))
    return max(0.0, away / reach) if reach else 0.0


def lacking(hypothesis: Hypothesis, found: Found) -> Iterable[str]:
    """Each figure that the rows do not give, and why."""
    missing = ((name_of(hypothesis, name), item) for name, item in found.items() if isinstance(item, Missing))
    return (f"{name.rstrip(',')} is unmeasured, {item.reason}" for name, item in missing)


def holds(rules: Rules, condition: str, found: Found) -> bool:
    """Whether a measured quantity meets a condition of the rules."""
    name, limit, sign, bound = parse(condition)
    measured = found[name]
    if not isinstance(measured, Measured):
        return False
    value, edge = measured.estimate.limit(limit), rules.bound(bound)
    return {"<": value < edge, "<=": value <= edge, ">": value > edge, ">=": value >= edge}[sign]


def measured_text(found: Measured | Missing, quantity: Quantity) -> str:
    """`1.2 points [0.4, 2.0]`, `0.61 [0.55, 0.66]`, `2.1 times [1.7, 2.6]`, or `unmeasured`."""
    if isinstance(found, Missing):
        return "unmeasured"
    low, high = (_number(found.estimate.limit(limit), quantity) for limit in ("low", "high"))
    return f"{amount(found.estimate.value, quantity, is_round=False)} [{low}, {high}]"


def amount(value: float, quantity: Quantity, is_round: bool = True) -> str:
    """With its unit. `is_round`: of a bound, as `1 point`, `0.5`; of a figure, as `1.0 point`."""
    text = _number(value, quantity)
    if is_round:
        text = f"{float(text):g}"
    word = {"points": " point" if text in ("1", "-1", "1.0", "-1.0") else " points", "times": " times", "share": ""}
    return f"{text}{word[quantity.unit]}"


def _number(value: float, quantity: Quantity) -> str:
    times, digits = (100, 1) if quantity.unit == "points" else (1, 2)
    return f"{round(times * value, digits) + 0.0:.{digits}f}"  # never minus zero
