"""Rules and rows -> a verdict on each hypothesis and each statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from training.study.evidence import Evidence
from training.study.quantities import AS_ASKED, Measured, Missing, Variant, measure, wants
from training.study.reasons import holds, lacking, measured_text, more_draws, name_of, why_undecided
from training.study.rules import Clauses, Hypothesis, Rules, Statement
from training.study.statistics import chance, holm

Verdict = Literal["supported", "refuted", "undecided"]


@dataclass(frozen=True)
class Judged:
    """A hypothesis with what was measured for it. `why`: what the rows lack, or which bounds no interval clears."""

    hypothesis: Hypothesis
    verdict: Verdict
    quantities: Mapping[str, Measured | Missing]
    why: str = ""
    chance: float | None = None  # corrected for the family; only of its members

    @property
    def effect(self) -> Measured | None:
        """The quantity that stands for the hypothesis; None where the rows cannot tell."""
        found = self.quantities[self.hypothesis.effect]
        return found if isinstance(found, Measured) else None


@dataclass(frozen=True)
class Concluded:
    """A statement of the question, in one sentence."""

    statement: Statement
    verdict: Verdict
    sentence: str


def judge(evidence: Evidence, variant: Variant = AS_ASKED, only: frozenset[str] = frozenset()) -> list[Judged]:
    """Every hypothesis, or `only` some; Holm over the family as far as it is measured."""
    rules = evidence.rules
    asked = [hypothesis for hypothesis in rules.hypotheses if not only or hypothesis.id in only]
    quantities = [quantity for hypothesis in asked for quantity in hypothesis.quantities.values()]
    evidence.prepare(want for quantity in quantities for want in wants(quantity, evidence, variant))
    found = {
        hypothesis.id: {name: measure(quantity, evidence, variant) for name, quantity in hypothesis.quantities.items()}
        for hypothesis in asked
    }
    chances = {}
    for hypothesis in asked:
        tested = found[hypothesis.id][hypothesis.holm.quantity] if hypothesis.holm else None
        if hypothesis.holm and isinstance(tested, Measured):
            chances[hypothesis.id] = chance(tested.replicates, rules.bound(hypothesis.holm.against))
    corrected = holm(chances)
    return [_judged(rules, hypothesis, found[hypothesis.id], corrected.get(hypothesis.id)) for hypothesis in asked]


def _judged(
    rules: Rules, hypothesis: Hypothesis, found: Mapping[str, Measured | Missing], corrected: float | None
) -> Judged:
    effect = found[hypothesis.effect]
    if isinstance(effect, Missing):
        return Judged(hypothesis, "undecided", found, effect.reason)
    if _any(rules, hypothesis.supported, found):
        if corrected is None or corrected <= 1 - rules.level:
            return Judged(hypothesis, "supported", found, chance=corrected)
        return Judged(
            hypothesis,
            "undecided",
            found,
            "it would be supported alone, but not after Holm's correction for three hypotheses",
            corrected,
        )
    if _any(rules, hypothesis.refuted, found):
        return Judged(hypothesis, "refuted", found, chance=corrected)
    why = "; ".join(lacking(hypothesis, found)) or why_undecided(rules, hypothesis, found)
    return Judged(hypothesis, "undecided", found, why, corrected)


def _any(rules: Rules, clauses: Clauses, found: Mapping[str, Measured | Missing]) -> bool:
    return any(all(holds(rules, condition, found) for condition in clause) for clause in clauses)


def conclude(rules: Rules, judged: list[Judged], source_says: str) -> list[Concluded]:
    """Statements follow from the hypotheses they need: one refuted refutes, all supported support."""
    by_id = {item.hypothesis.id: item for item in judged}
    figures = {
        ("" if name == item.hypothesis.effect else f".{name}", item.hypothesis.id): text_of(item, name)
        for item in judged
        for name in item.quantities
    }
    named = {f"{{{hypothesis}{suffix}}}": text for (suffix, hypothesis), text in figures.items()}
    return [_concluded(rules, statement, by_id, named, source_says) for statement in rules.statements]


def _concluded(
    rules: Rules, statement: Statement, by_id: Mapping[str, Judged], named: Mapping[str, str], source_says: str
) -> Concluded:
    verdicts = {name: by_id[name].verdict for name in statement.needs}
    verdict: Verdict = "undecided"
    if "refuted" in verdicts.values():
        verdict = "refuted"
    elif set(verdicts.values()) == {"supported"}:
        verdict = "supported"
    needed = ", ".join(f"{name} {word}" for name, word in verdicts.items())
    if verdict == "undecided":
        reasons = ". ".join(_reason(rules, by_id[name]) for name, word in verdicts.items() if word == "undecided")
        return Concluded(statement, verdict, f"Undecided ({needed}). {reasons}. {source_says}")
    sentence = statement.supported if verdict == "supported" else statement.refuted
    for name, text in named.items():
        sentence = sentence.replace(name, text)
    return Concluded(statement, verdict, f"{sentence} ({needed}) {source_says}")


def _reason(rules: Rules, item: Judged) -> str:
    if item.effect is None:
        return f"{item.hypothesis.id}: {item.why}"
    name = name_of(item.hypothesis, item.hypothesis.effect).rstrip(",")
    ahead = more_draws(rules, item.hypothesis, item.quantities)
    return "; ".join(
        filter(
            None,
            [f"{item.hypothesis.id}: {name} is {text_of(item, item.hypothesis.effect)}", ahead[:1].lower() + ahead[1:]],
        )
    )


def text_of(judged: Judged, name: str) -> str:
    """`1.2 points [0.4, 2.0]`, `0.61 [0.55, 0.66]`, `2.1 times [1.7, 2.6]`, or `unmeasured`."""
    return measured_text(judged.quantities[name], judged.hypothesis.quantities[name])
