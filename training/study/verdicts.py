"""The answer: every statistic computed again from the committed rows, as one JSON object."""

import math
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.study.evidence import Evidence, Stored
from training.study.judge import Concluded, Judged, conclude, judge
from training.study.leaks import refuse_leaks
from training.study.rows import Rows, committed
from training.study.rules import RULES, Rules, read_rules


@dataclass(frozen=True)
class Answer:
    """What the rows of one world say. `rules_committed`: ISO time; `first_row`: when the first of them began."""

    world: str
    evidence: Evidence
    hypotheses: list[Judged]
    statements: list[Concluded]
    rows: int
    rules_committed: str
    first_row: str | None


def answer(stored: Stored, rules: Rules, world: str = "photographs") -> Answer:
    """Judge the rows. Raises DataError when a test group was learned from."""
    refuse_leaks(stored)
    evidence = Evidence(stored, rules, world)
    judged = judge(evidence)
    concluded = conclude(rules, judged, rules.worlds[world].source_says)
    first = min((row.started for row in stored.trials), default=None)
    return Answer(world, evidence, judged, concluded, len(stored.trials), rules_committed(rules), first)


def committed_answer() -> Answer:
    """The answer of the repository."""
    return answer(Rows(committed()), read_rules())


def as_json(found: Answer) -> dict[str, Any]:
    """Effects are differences of average precision restated to the rules' prevalence, 0.01 a point; null: no rows tell.

    `runs`: networks trained for it. `share`: of the paired runs, those in which the effect is above zero.
    """
    return {
        "statements": [
            {"id": item.statement.id, "verdict": item.verdict, "sentence": item.sentence} for item in found.statements
        ],
        "hypotheses": [_hypothesis(item) for item in found.hypotheses],
        "rows": found.rows,
        "rules_committed": found.rules_committed,
        "first_row": found.first_row,
    }


def _hypothesis(item: Judged) -> dict[str, Any]:
    effect = item.effect
    limits = {name: effect.estimate.limit(name) for name in ("value", "low", "high")} if effect else {}
    return {
        "id": item.hypothesis.id,
        "statement": item.hypothesis.statement,
        "verdict": item.verdict,
        "effect": _number(limits.get("value")),
        "low": _number(limits.get("low")),
        "high": _number(limits.get("high")),
        "runs": effect.runs if effect else 0,
        "share": _number(effect.share) if effect else None,
    }


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 6)


def rules_committed(rules: Rules, path: Path = RULES) -> str:
    """When the rules were last committed; where no full history can tell, the time that they carry themselves."""
    shallow = _git(path, "rev-parse", "--is-shallow-repository")
    committed_at = _git(path, "log", "-1", "--format=%cI", "--", path.name)
    return committed_at if shallow == "false" and committed_at else rules.written


def _git(path: Path, *words: str) -> str:
    """Its answer, empty where git or the history is missing."""
    try:
        done = subprocess.run(["git", *words], cwd=path.parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
