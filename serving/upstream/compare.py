"""Two servers' answers to one request -> one word from a closed set, and the largest difference of a probability."""

import json
from dataclasses import dataclass

from contract.golden import TOLERANCE

SAME, NUMBERS, LABEL, STATUS, FORM, FAILED = "same", "numbers", "label", "status", "form", "failed"
OUTCOMES = {
    SAME: "the same status and labels; probabilities within 1e-4",
    NUMBERS: "the same first label, but a probability differs by more than 1e-4",
    LABEL: "another first label",
    STATUS: "another status",
    FORM: "the old server answers in a form that ours does not have",
    FAILED: "ours gave no answer",
}


@dataclass(frozen=True)
class Verdict:
    """`difference`: of probabilities, absolute; None where there are none to compare."""

    outcome: str
    difference: float | None = None


def compare(theirs: tuple[int, bytes], ours: tuple[int, bytes] | None) -> Verdict:
    """theirs, ours: status and body; None when ours did not answer."""
    if ours is None:
        return Verdict(FAILED)
    if theirs[0] != ours[0]:
        return Verdict(STATUS)
    if theirs[0] != 200:
        return Verdict(SAME)  # a refusal's words are for people
    first, second = _scores(theirs[1]), _scores(ours[1])
    if not first or not second or not first.keys() <= second.keys():
        return Verdict(FORM)  # the old one may answer its first five labels, ours answers all
    difference = max(abs(score - second[label]) for label, score in first.items())
    if difference <= TOLERANCE:
        return Verdict(SAME, difference)
    return Verdict(NUMBERS if _top(first) == _top(second) else LABEL, difference)


def _scores(body: bytes) -> dict[str, float]:
    """TorchServe's image classifiers answer {label: score}; a map's rows count by their numbers."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    found: dict[str, float] = {}
    for label, value in document.items() if isinstance(document, dict) else ():
        rows = value if isinstance(value, list) else [value]
        for index, number in enumerate(_flat(rows)):
            found[f"{label}/{index}" if isinstance(value, list) else label] = number
    return found


def _flat(rows: list[object]) -> list[float]:
    numbers: list[float] = []
    for item in rows:
        numbers += _flat(item) if isinstance(item, list) else [item] if isinstance(item, int | float) else []
    return numbers


def _top(scores: dict[str, float]) -> str:
    return max(scores, key=lambda label: scores[label])
