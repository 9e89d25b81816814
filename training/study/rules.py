"""The rules that judge the study: one data file, committed before the first row, its hash in every row."""

import functools
import hashlib
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

RULES = Path(__file__).parent / "rules.json"
Metric = Literal["ap", "plain_ap", "auroc", "recall", "rivals", "rival_alarms", "forgotten"]
_CONDITION = re.compile(r"([a-z_]+)\.(value|low|high|lower|upper) (<|<=|>|>=) (-?)(small|large|zero|\d+(?:\.\d+)?)")


def _is_condition(text: str) -> str:
    if not _CONDITION.fullmatch(text):
        raise ValueError(f"{text!r} is no condition. Write QUANTITY.value|low|high|lower|upper, a sign, a bound.")
    return text


Condition = Annotated[str, AfterValidator(_is_condition)]
Clauses = list[list[Condition]]  # any of these, each of which asks for all of its own


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Selection(_Strict):
    """Rows of one input size on some targets, and the fewest draws and seeds that are judged."""

    targets: list[str] = Field(min_length=1)
    size: int
    draws: int = Field(ge=2)
    seeds: int = Field(ge=1)
    is_first_seed: bool = False  # what only the first seed of a draw has: the old task, scores at two steps


class World(_Strict):
    """What is judged together: photographs, or drawn vehicles. `curve`: numbers of buses, rising."""

    sources: list[str]
    source_says: str
    curve: list[int]
    selections: dict[str, Selection]


class Term(_Strict):
    """`times` a figure of one arm. `buses`: a number; or the most, the slope per doubling, the projection of a line."""

    depth: int = Field(ge=0, le=5)
    times: float = 1
    options: str = ""
    part: Literal["test", "train", "end", "chosen"] = "test"
    metric: Metric = "ap"
    buses: int | Literal["most", "slope", "projected"] | None = None


class Quantity(_Strict):
    """A sum of terms over paired runs, or a ratio of two; or one of the kinds that look at several arms at once.

    lead, first, beaten: the first term against all others. best_rate: each term at the rate that validation prefers.
    """

    rows: str
    terms: list[Term]
    over: list[Term] = []
    kind: Literal["sum", "best_rate", "lead", "first", "beaten"] = "sum"
    unit: Literal["points", "share", "times"] = "points"
    neutral: float = 0  # what a run must exceed to count in the share


class Holm(_Strict):
    """Member of the family: this quantity is tested against that bound."""

    quantity: str
    against: Literal["zero", "small", "large"]


class Hypothesis(_Strict):
    """One claim, made measurable."""

    id: str
    statement: int
    sentence: str
    changes_mind: str
    effect: str
    quantities: dict[str, Quantity]
    supported: Clauses
    refuted: Clauses
    holm: Holm | None = None

    @model_validator(mode="after")
    def _names_are_quantities(self) -> "Hypothesis":
        named = {
            condition.split(".")[0] for clauses in (self.supported, self.refuted) for c in clauses for condition in c
        }
        unknown = ({self.effect} | named | ({self.holm.quantity} if self.holm else set())) - self.quantities.keys()
        if unknown:
            raise ValueError(f"{self.id}: {sorted(unknown)} are none of its quantities {sorted(self.quantities)}.")
        return self


class Statement(_Strict):
    """One sentence of the question: supported when all it needs are, refuted when one of them is."""

    id: int
    text: str
    needs: list[str]
    supported: str
    refuted: str


class Projection(_Strict):
    """The line through average precision over log2(buses), fitted from one number of buses, read at another."""

    from_buses: int
    to_buses: int


class Rules(_Strict):
    """Everything that turns rows into verdicts. Margins and average precision are between 0 and 1."""

    written: str  # ISO 8601, UTC: stands in for the commit's time where there is no history
    seed: int
    level: float = Field(gt=0.5, lt=1)
    replicates: int = Field(ge=100)
    photograph_resamples: int = Field(ge=100)  # each is used by replicates / this many draws of runs
    rates: int  # of the sweep, at each depth
    prevalence: float = Field(gt=0, lt=1)  # of buses, that average precision is restated to
    fpr: float = Field(gt=0, lt=1)  # share of false alarms at which recall and confusions are read
    power: float = Field(gt=0, lt=1)
    small: float
    large: float
    most_failed: float = Field(ge=0, lt=1)  # share of pairs that may be missing because a run failed
    arms: dict[str, int]
    buses: int
    projection: Projection
    worlds: dict[str, World]
    statements: list[Statement]
    hypotheses: list[Hypothesis]

    def bound(self, text: str) -> float:
        """`-small` or `0.25` -> its value."""
        sign, name = (-1, text[1:]) if text.startswith("-") else (1, text)
        named = {"zero": 0.0, "small": self.small, "large": self.large}
        return sign * (named[name] if name in named else float(name))

    def hypothesis(self, name: str) -> Hypothesis:
        """By its id."""
        return next(hypothesis for hypothesis in self.hypotheses if hypothesis.id == name)


def parse(condition: str) -> tuple[str, str, str, str]:
    """`difference.low > -small` -> (difference, low, >, -small)."""
    found = _CONDITION.fullmatch(condition)
    if found is None:
        raise ValueError(f"{condition!r} is no condition.")
    name, limit, sign, minus, bound = found.groups()
    return name, limit, sign, minus + bound


@functools.cache
def read_rules() -> Rules:
    """The committed rules. Raises pydantic.ValidationError."""
    return Rules.model_validate_json(RULES.read_bytes())


@functools.cache
def rules_sha256() -> str:
    """Identity of the rules: goes into every row."""
    return hashlib.sha256(RULES.read_bytes()).hexdigest()
