"""Everything the page says, as plain JSON values. Page and Markdown are drawn from nothing else."""

import math
from collections import Counter
from typing import Any

from training.study.evidence import Evidence, Stored
from training.study.judge import Judged, text_of
from training.study.quantities import Missing
from training.study.reasons import name_of, rule_in_words
from training.study.report import series, shown, tables
from training.study.rules import Rules, rules_sha256
from training.study.verdicts import Answer

SCHEMA_VERSION = 1


def collect(found: Answer, command: str) -> dict[str, Any]:
    """The content of the page. `command`: what writes it again."""
    evidence = found.evidence
    facts = {
        "schema_version": SCHEMA_VERSION,
        "world": found.world,
        "command": command,
        "source_says": evidence.world.source_says,
        "statements": [
            {
                "id": item.statement.id,
                "text": item.statement.text,
                "verdict": item.verdict,
                "sentence": _after_verdict(item.sentence, evidence.world.source_says),
            }
            for item in found.statements
        ],
        "hypotheses": [_hypothesis(item, evidence.rules) for item in found.hypotheses],
        "rules": _rules(evidence),
        "rows": _rows(found),
        "depth": series.by_depth(evidence),
        "curves": series.curves(evidence, _drawn(found)),
        "rates": series.rates(evidence),
        "gaps": series.gaps(evidence),
        "pairs": series.pairs(evidence),
        "families": shown.families(evidence),
        "reliability": shown.reliability(evidence),
        "path": series.path(evidence),
        "survives": tables.survives(evidence, found.hypotheses),
        "controls": tables.controls(evidence),
        "elsewhere": tables.elsewhere(evidence),
        "forgotten": tables.forgotten(evidence),
        "power": tables.power(evidence, found.hypotheses),
        "pseudo": tables.pseudo(evidence),
        "contrast": tables.contrast(evidence),
    }
    return _finite(facts)  # type: ignore[no-any-return] # a mapping stays one


def _after_verdict(sentence: str, source_says: str) -> str:
    """The sentence without what the page says beside it: the verdict's own word, and what the source knows."""
    rest = sentence.removesuffix(source_says).strip()
    _, _, told = rest.partition("). " if rest.startswith("Undecided") else ": ")
    return told[:1].upper() + told[1:]


def _hypothesis(item: Judged, rules: Rules) -> dict[str, Any]:
    hypothesis, effect = item.hypothesis, item.effect
    quantities = [
        {
            "name": name_of(hypothesis, name).rstrip(","),
            "text": text_of(item, name),
            "is_missing": isinstance(measured, Missing),
        }
        for name, measured in item.quantities.items()
        if name != hypothesis.effect
    ]
    return {
        "id": hypothesis.id,
        "statement": hypothesis.statement,
        "sentence": hypothesis.sentence,
        "changes_mind": hypothesis.changes_mind,
        "verdict": item.verdict,
        "effect_name": name_of(hypothesis, hypothesis.effect).rstrip(","),
        "text": text_of(item, hypothesis.effect),
        "share": effect.share if effect else None,
        "runs": effect.runs if effect else 0,
        "quantities": quantities,
        "why": item.why,
        "chance": item.chance,
        "rule": [rule_in_words(rules, hypothesis, clauses) for clauses in (hypothesis.supported, hypothesis.refuted)],
    }


def _rules(evidence: Evidence) -> dict[str, Any]:
    names = (
        "level",
        "replicates",
        "photograph_resamples",
        "prevalence",
        "fpr",
        "power",
        "small",
        "large",
        "arms",
        "buses",
    )
    return {name: getattr(evidence.rules, name) for name in names} | {"sha256": rules_sha256()}


def _rows(found: Answer) -> dict[str, Any]:
    """What lies behind the page: counts, times, hashes, machines."""
    rows, world = found.evidence.stored.trials, found.evidence.world
    inside = [row for row in rows if row.source in world.sources]
    return {
        "rows": found.rows,
        "networks": len({row.trial.rsplit("/", 1)[0] for row in rows}),
        "failed": sum(bool(row.problem) for row in rows),
        "hours": sum({row.trial.rsplit("/", 1)[0]: row.seconds for row in rows}.values()) / 3600,
        "first_row": found.first_row,
        "last_row": max((row.started for row in rows), default=None),
        "rules_committed": found.rules_committed,
        "other_rules": sum(row.rules_sha256 != rules_sha256() for row in rows),
        "sources": dict(sorted({row.source: row.source_sha256 for row in rows}.items())),
        "judged_sources": sorted({row.source for row in inside}),
        "machines": dict(Counter(row.machine for row in rows).most_common()),
        "stages": dict(sorted(Counter(row.stage for row in rows).items())),
        "pools": dict(
            sorted({listed.pool: listed.pool_sha256 for listed in found.evidence.stored.lists.values()}.items())
        ),
    }


def _drawn(found: Answer) -> Evidence | None:
    """Rows of drawn vehicles beside those of photographs: they enter one plot, and no verdict."""
    rules, stored = found.evidence.rules, _Some(found.evidence.stored)
    if found.world == "drawn" or "drawn" not in rules.worlds or not stored.trials:
        return None
    return Evidence(stored, rules, "drawn")


class _Some:
    """The drawn rows alone."""

    def __init__(self, stored: Stored) -> None:
        self.trials = [row for row in stored.trials if row.target.startswith("drawn")]
        self.lists = {row.photographs: stored.lists[row.photographs] for row in self.trials if row.photographs}
        self.scores = stored.scores


def _finite(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Nan becomes null, a tuple a list."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
