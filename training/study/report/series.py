"""Rows -> the series of the page's plots, as plain values: depth, curve, rates, gaps, pairs, the line of weights."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from training.backbone import STAGES
from training.study.evidence import Arm, Evidence, known_rates
from training.study.quantities import Measured
from training.study.report.asked import Point, Question, ask, known, level, of, point, points
from training.study.rules import Selection, Term
from training.study.statistics import band

DEPTHS = range(len(STAGES) + 1)
CARES = ("careful", "naive")
PATH = (0.25, 0.5, 0.75)  # of the way from the start of adaptation to its end


def by_depth(evidence: Evidence) -> dict[str, Any]:
    """All depths on one target with a simultaneous band; controls as lines; the three arms of both recipes."""
    found = ask(evidence, [level("detail", depth) for depth in DEPTHS])
    there = [(depth, item) for depth, item in zip(DEPTHS, found, strict=True) if isinstance(item, Measured)]
    line: list[Point] = []
    if there:
        low, high = band(np.array([item.replicates for _, item in there]), evidence.rules.level)
        for (depth, item), bottom, top in zip(there, low.tolist(), high.tolist(), strict=True):
            line.append({"depth": depth, "value": item.estimate.value, "low": bottom, "high": top, "runs": item.runs})
    random, scratch = points(
        evidence, [level("detail", 0, "weights=random"), level("detail", len(STAGES), "weights=scratch")]
    )
    return {
        "target": evidence.world.selections["detail"].targets[0],
        "size": evidence.world.selections["detail"].size,
        "line": line,
        "random": random,
        "scratch": scratch,
        "arms": arms_by_depth(evidence),
    }


def arms_by_depth(evidence: Evidence) -> list[dict[str, Any]]:
    """Each target at home: the three arms, careful and naive."""
    selection = evidence.world.selections["headline"]
    depths = list(evidence.rules.arms.values())
    out = []
    for target in selection.targets:
        asked = [of(level("headline", depth), care=care, targets=(target,)) for care in CARES for depth in depths]
        found = points(evidence, asked)
        series = {care: found[i * len(depths) : (i + 1) * len(depths)] for i, care in enumerate(CARES)}
        lines = {
            care: [{"depth": depth, **item} for depth, item in zip(depths, items, strict=True) if item]
            for care, items in series.items()
        }
        out.append({"target": target, "size": selection.size, "lines": lines})
    return out


def curve(evidence: Evidence, target: str, options: str, sizes: Iterable[int]) -> dict[str, Any]:
    """Average precision over the number of buses: mean and interval, and each draw."""
    arms = []
    for name, depth in evidence.rules.arms.items():
        # The frozen recipe has no steps, and at 500 buses both ways to count them are one.
        counted = {buses: options if depth and buses != evidence.rules.buses else "" for buses in sizes}
        asked = [of(level("detail", depth, text, buses=buses), targets=(target,)) for buses, text in counted.items()]
        line = [
            {"buses": buses, **(point(item) or {}), "draws": [[key[2], value] for key, value in item.each]}
            for buses, item in zip(sizes, ask(evidence, asked), strict=True)
            if isinstance(item, Measured)
        ]
        arms.append({"arm": name, "depth": depth, "line": line})
    return {"target": target, "options": options, "arms": arms, "size": evidence.world.selections["detail"].size}


def rates(evidence: Evidence) -> list[dict[str, Any]]:
    """Average precision and validation by peak rate, one line a depth; failed runs are counted."""
    selection = evidence.world.selections["detail"]
    out = []
    for depth in DEPTHS:
        arms = known_rates(evidence, Arm(selection.targets[0], selection.size, depth))
        options = sorted(arms, key=lambda text: float(text.partition("=")[2]))
        found = points(evidence, [level("detail", depth, text) for text in options])
        line = [
            {"rate": float(text.partition("=")[2]), "failed": len(evidence.lost(arms[text])), **(item or {})}
            for text, item in zip(options, found, strict=True)
        ]
        if line:
            out.append({"depth": depth, "line": line})
    return out


def gaps(evidence: Evidence) -> list[dict[str, Any]]:
    """Each arm: what it reaches on the photographs it learned from, on test, at the chosen and at the last step."""
    out = []
    for name, depth in evidence.rules.arms.items():
        parts = ("train", "test", "chosen", "end")
        rows = ("headline", "headline", "first_seed", "first_seed")
        found = points(evidence, [level(row, depth, part=part) for row, part in zip(rows, parts, strict=True)])
        out.append({"arm": name, "depth": depth, "parts": dict(zip(parts, found, strict=True))})
    return out


CONTRASTS = (("partial", "frozen"), ("partial", "majority"))


def pairs(evidence: Evidence) -> list[dict[str, Any]]:
    """Paired differences of single runs, target by target, for both recipes."""
    arms, out = evidence.rules.arms, []
    for ahead, behind in CONTRASTS:
        terms = (Term(depth=arms[ahead]), Term(depth=arms[behind], times=-1))
        rows = []
        for care in CARES:
            for target in evidence.world.selections["headline"].targets:
                (item,) = ask(evidence, [of(Question("headline", terms), care=care, targets=(target,))])
                if isinstance(item, Measured):
                    each = [value for _, value in item.each]
                    rows.append(
                        {"care": care, "target": target, "share": item.share, "each": each, **(point(item) or {})}
                    )
        out.append({"ahead": ahead, "behind": behind, "rows": rows})
    return out


def path(evidence: Evidence) -> list[dict[str, Any]]:
    """From the weights that adaptation starts with (the head alone learned) to those it ends with."""
    out = []
    for name, depth in evidence.rules.arms.items():
        asked = [
            level("detail", 0),
            *(level("detail", depth, f"path={share:g}") for share in PATH),
            level("detail", depth),
        ]
        found = points(evidence, asked)
        line = [{"share": share, **item} for share, item in zip((0, *PATH, 1), found, strict=True) if item]
        if depth and known(found[1:-1]):
            out.append({"arm": name, "depth": depth, "line": line})
    return out


def curves(evidence: Evidence, drawn: Evidence | None) -> list[dict[str, Any]]:
    """On photographs with steps fixed, then with epochs fixed; on drawn vehicles apart."""
    selection: Selection = evidence.world.selections["detail"]
    out = [curve(evidence, selection.targets[0], options, evidence.world.curve) for options in ("", "fit=epochs")]
    if drawn is not None:
        sizes: dict[str, set[int]] = {}
        for arm in drawn.rows:
            if not arm.options and not arm.test:
                sizes.setdefault(arm.target, set()).add(arm.buses)
        out += [curve(drawn, target, "", sorted(some)) for target, some in sorted(sizes.items()) if len(some) > 2]
    return [found for found in out if any(len(arm["line"]) > 1 for arm in found["arms"])]
