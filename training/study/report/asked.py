"""What the page asks of the rows beyond the hypotheses: one figure of one arm, as much of it as there is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from training.study.evidence import Evidence
from training.study.quantities import Measured, Missing, Variant, measure, wants
from training.study.rules import Quantity, Term

Point = dict[str, Any]  # value, low, high, runs
SHOWN = Variant(is_shown=True)


@dataclass(frozen=True)
class Question:
    """Terms over the rows of a selection; a target alone or all of them."""

    rows: str
    terms: tuple[Term, ...]
    variant: Variant = SHOWN

    @property
    def quantity(self) -> Quantity:
        """As the rules would write it."""
        return Quantity(rows=self.rows, terms=list(self.terms))


def level(rows: str, depth: int, options: str = "", *, buses: int | None = None, part: str = "test") -> Question:
    """Average precision of one arm."""
    return Question(rows, (Term.model_validate({"depth": depth, "options": options, "buses": buses, "part": part}),))


def of(question: Question, **changes: Any) -> Question:  # noqa: ANN401 - the fields of a Variant
    """The same question of other rows: care, targets, test, metric, source."""
    return replace(question, variant=replace(question.variant, **changes))


def ask(evidence: Evidence, questions: Sequence[Question]) -> list[Measured | Missing]:
    """Every answer, in order; the rows are ranked together first."""
    evidence.prepare(want for question in questions for want in wants(question.quantity, evidence, question.variant))
    return [measure(question.quantity, evidence, question.variant) for question in questions]


def points(evidence: Evidence, questions: Sequence[Question]) -> list[Point | None]:
    """Every answer as plain values; None where no row tells."""
    return [point(found) for found in ask(evidence, questions)]


def point(found: Measured | Missing) -> Point | None:
    """A measured figure as plain values."""
    if isinstance(found, Missing):
        return None
    estimate = found.estimate
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "runs": found.runs}


def known(items: Iterable[Point | None]) -> list[Point]:
    """Those that some row tells."""
    return [item for item in items if item is not None]
