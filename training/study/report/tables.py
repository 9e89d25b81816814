"""Rows -> the tables of the page: what a verdict survives, controls, other collections, what is forgotten, power."""

from typing import Any

import numpy as np

from training.study.evidence import Evidence
from training.study.judge import Judged, judge, text_of
from training.study.pools import PSEUDO
from training.study.quantities import Variant
from training.study.report.asked import Question, level, of, points
from training.study.report.series import CARES, DEPTHS
from training.study.resample import Key
from training.study.rules import Term
from training.study.statistics import smallest_seen, spread

PRIMARY = ("H1b", "H2a", "H2b", "H3c")
SURVIVES = frozenset(PRIMARY)
# Option, depths, what to expect, and the average precision above which something is wrong; it is told, never hidden.
CONTROLS: tuple[tuple[str, str, tuple[int, ...], str, float | None], ...] = (
    ("frozen, logistic regression", "", (0,), "the reference of the heads below", None),
    ("random frozen network", "weights=random", (0,), "20 to 50 points", 0.6),
    ("from scratch, same steps", "weights=scratch", (5,), "far below frozen", None),
    ("from scratch, ten times the steps", "steps=10x;weights=scratch", (5,), "below frozen", None),
    ("shuffled labels", "labels=shuffled", (0, 1), "the prevalence", 0.1),
    ("nearest class mean", "head=ncm", (0,), "a few points below the reference", None),
    ("k nearest neighbours", "head=knn", (0,), "about the reference", None),
    ("Gaussian kernel", "head=rbf", (0,), "about the reference", None),
    ("two-layer head", "head=mlp", (0,), "about the reference", None),
    ("head on all stages", "head=all-stages", (0,), "above, if the last stage lost something", None),
    ("best old class, zero-shot", "head=zero-shot", (0,), "10 to 40 points", 0.6),
    ("colour histogram", "features=colour", (0,), "small", 0.4),
    ("pixels", "features=pixels", (0,), "small", 0.4),
    ("batch norm moving", "norm=moving", (0, 1, 3), "a trainer that freezes parameters alone", None),
    ("decay towards the source", "decay=source", (1, 3), "at least the plain decay", None),
)


def survives(evidence: Evidence, asked: list[Judged]) -> list[dict[str, Any]]:
    """The primary hypotheses as asked, and of other rows by the same rule."""
    selection = evidence.world.selections["headline"]
    variants = [("naive recipe", Variant(care="naive"))]
    variants += [(f"{target} alone", Variant(targets=(target,))) for target in selection.targets]
    variants += [
        (f"{target} \N{RIGHTWARDS ARROW} {test}", Variant(targets=(target,), test=test))
        for target, test in sorted({(arm.target, arm.test) for arm in evidence.rows if arm.test})
        if target in selection.targets
    ]
    variants += [("at the test's own base rate", Variant(metric="plain_ap")), ("AUROC", Variant(metric="auroc"))]
    sources = sorted({key[1] for arm in list(evidence.rows) for key in evidence.keys(arm)})
    variants += [(f"source {source} alone", Variant(source=source)) for source in sources if len(sources) > 1]
    rows = [_survival("as the rules ask", [item for item in asked if item.hypothesis.id in SURVIVES])]
    rows += [_survival(label, judge(evidence, variant, SURVIVES)) for label, variant in variants]
    return [row for row in rows if row["cells"]]


def _survival(label: str, found: list[Judged]) -> dict[str, Any]:
    cells = {
        item.hypothesis.id: {"verdict": item.verdict, "text": text_of(item, item.hypothesis.effect)}
        for item in found
        if item.effect
    }
    runs = max((item.effect.runs for item in found if item.effect), default=0)
    return {"label": label, "cells": cells, "runs": runs}


def controls(evidence: Evidence) -> list[dict[str, Any]]:
    """Each control that has rows, beside what it should give."""
    asked = [(control, depth) for control in CONTROLS for depth in control[2]]
    questions = [level("detail", depth, control[1]) for control, depth in asked]
    restated = points(evidence, questions)
    plain = points(evidence, [of(question, metric="plain_ap") for question in questions])
    return [
        {
            "label": control[0],
            "options": control[1],
            "depth": depth,
            "expected": control[3],
            "is_alarming": bool(item and control[4] and item["value"] > control[4]),
            "ap": item,
            "plain": own,
        }
        for (control, depth), item, own in zip(asked, restated, plain, strict=True)
    ]


def elsewhere(evidence: Evidence) -> list[dict[str, Any]]:
    """Learned from one collection, tested on another: the three arms, careful and naive."""
    out = []
    arms = list(evidence.rules.arms.items())
    shifts = sorted(
        {(arm.target, arm.test) for arm in evidence.rows if arm.test and not arm.target.startswith("pseudo")}
    )
    for target, test in shifts:
        for care in CARES:
            asked = [of(level("headline", depth), care=care, targets=(target,), test=test) for _, depth in arms]
            found = dict(zip([name for name, _ in arms], points(evidence, asked), strict=True))
            if any(found.values()):
                out.append({"target": target, "test": test, "care": care, "arms": found})
    return out


def forgotten(evidence: Evidence) -> list[dict[str, Any]]:
    """Top-1 of the source's own head on its own classes, lost by adaptation, at each depth."""
    out = []
    for care in CARES:
        for depth in DEPTHS:
            question = Question("first_seed", (Term(depth=depth, metric="forgotten"),))
            (found,) = points(evidence, [of(question, care=care)])
            if found:
                out.append({"care": care, "depth": depth, **found})
    return out


def power(evidence: Evidence, asked: list[Judged]) -> list[dict[str, Any]]:
    """What spread was met, and the smallest difference that these rows would find."""
    rules, out = evidence.rules, []
    for item in asked:
        effect = item.effect
        if item.hypothesis.id not in SURVIVES or effect is None:
            continue
        each = _by_run(effect.each)
        found, draws = spread(each, rules.level), len({draw for draw, _ in each})
        out.append(
            {
                "id": item.hypothesis.id,
                "draws": draws,
                "runs": effect.runs,
                "error": effect.estimate.error,
                "photographs_error": effect.photographs_error,
                "runs_error": found.runs_error,
                "draw_sd": found.draws,
                "seed_sd": found.seeds,
                "t_low": found.t_low,
                "t_high": found.t_high,
                "smallest": smallest_seen(effect.estimate.error, draws, rules.power, rules.level),
            }
        )
    return out


def _by_run(each: tuple[tuple[Key, float], ...]) -> list[tuple[int, float]]:
    """(draw, mean over the targets) of each source, draw and seed: a draw is the same photographs for every target."""
    found: dict[tuple[str, int, int], list[float]] = {}
    for (_, source, draw, seed), value in each:
        found.setdefault((source, draw, seed), []).append(value)
    return [(draw, float(np.mean(values))) for (_, draw, _), values in found.items()]


def pseudo(evidence: Evidence) -> list[dict[str, Any]]:
    """Other classes held out as if they were buses: the three arms."""
    out = []
    arms = list(evidence.rules.arms.items())
    for target, buses in sorted({(arm.target, arm.buses) for arm in evidence.rows if arm.target in PSEUDO}):
        found = points(evidence, [of(level("detail", depth, buses=buses), targets=(target,)) for _, depth in arms])
        if any(found):
            out.append(
                {"target": target, "buses": buses, "arms": dict(zip([name for name, _ in arms], found, strict=True))}
            )
    return out


def contrast(stored: Evidence) -> list[dict[str, Any]]:
    """Rows of a source that has seen buses, apart from everything else."""
    out = []
    for arm in stored.rows:
        values = [row.ap for key, row in stored.rows[arm].items() if key[1] not in stored.world.sources]
        if values and not arm.options and arm.target in stored.world.selections["headline"].targets:
            out.append(
                {
                    "target": arm.target,
                    "test": arm.test or arm.target,
                    "depth": arm.depth,
                    "size": arm.size,
                    "care": arm.care,
                    "ap": float(np.mean(values)),
                    "runs": len(values),
                }
            )
    return out
