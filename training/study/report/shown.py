"""Stored scores -> false alarms by kind of photograph, and how far raw scores can be believed as probabilities."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.label_sets import LABELS
from training.metrics import threshold_at_fpr
from training.study.evidence import Arm, Evidence
from training.study.pools import pool
from training.study.rows import TrialRow

Floats = NDArray[np.float64]
BINS = 10  # of equal width
FAMILIES = ("car", "truck", "car or truck", "car, truck or other", "motorbike", "other")


def families(evidence: Evidence) -> list[dict[str, Any]]:
    """Each target at home, careful: false alarms at the rules' share of the others, per 1,000 of each family.

    `each`: one figure a draw (its seeds and sources averaged), the mean of them is `value`.
    """
    selection, out = evidence.world.selections["headline"], []
    for target in selection.targets:
        arms = {}
        for name, depth in evidence.rules.arms.items():
            found = [_alarms(evidence, row) for row in _rows(evidence, target, depth)]
            if found:
                arms[name] = _by_family(found)
        if arms:
            out.append({"target": target, "size": selection.size, "arms": arms})
    return out


def _rows(evidence: Evidence, target: str, depth: int) -> list[TrialRow]:
    arm = Arm(target, evidence.world.selections["headline"].size, depth)
    return [evidence.rows[arm][key] for key in sorted(evidence.keys(arm))]


def _alarms(evidence: Evidence, row: TrialRow) -> tuple[int, dict[str, tuple[int, int]]]:
    """(draw, family -> false alarms, photographs)."""
    listed = evidence.listed(row)
    scores, panel = evidence.scores(row).astype(float), evidence.panel(row)
    is_alarm = ~panel.is_bus & (scores > threshold_at_fpr(scores, panel.is_bus, evidence.rules.fpr))
    rows = pool(listed.pool)
    kinds = np.array([_family(rows[place].labels) for place in listed.places])
    others = kinds[~panel.is_bus]
    return row.draw, {kind: (int((is_alarm & (kinds == kind)).sum()), int((others == kind).sum())) for kind in FAMILIES}


def _family(labels: frozenset[str]) -> str:
    *first, last = [label for label in LABELS if label in labels] or ["other"]
    return f"{', '.join(first)} or {last}" if first else last


def _by_family(found: list[tuple[int, dict[str, tuple[int, int]]]]) -> dict[str, dict[str, Any]]:
    out = {}
    for kind in FAMILIES:
        among = sum(counts[kind][1] for _, counts in found)
        if not among:
            continue
        by_draw: dict[int, list[float]] = {}
        for draw, counts in found:
            if counts[kind][1]:
                by_draw.setdefault(draw, []).append(1000 * counts[kind][0] / counts[kind][1])
        each = [float(np.mean(values)) for values in by_draw.values()]
        alarms = sum(counts[kind][0] for _, counts in found) / len(found)
        out[kind] = {
            "value": float(np.mean(each)),
            "low": min(each),
            "high": max(each),
            "alarms": alarms,
            "photographs": among / len(found),
            "runs": len(found),
        }
    return out


def reliability(evidence: Evidence) -> list[dict[str, Any]]:
    """The three arms on the details' target: told probability, share observed, error before and after a temperature."""
    target, out = evidence.world.selections["headline"].targets[-1], []
    for name, depth in evidence.rules.arms.items():
        rows = _rows(evidence, target, depth)
        if rows:
            odds = [evidence.scores(row).astype(float) for row in rows]
            told = [_chance(found) for found in odds]
            tempered = [_chance(found / row.temperature) for found, row in zip(odds, rows, strict=True)]
            is_bus = [evidence.panel(row).is_bus for row in rows]
            errors = [_error(chance, bus) for chance, bus in zip(told, is_bus, strict=True)]
            after = [_error(chance, bus) for chance, bus in zip(tempered, is_bus, strict=True)]
            bins = _bins(np.concatenate(told), np.concatenate(is_bus), len(rows))
            out.append({"arm": name, "target": target, "ece": float(np.mean(errors)), "bins": bins, "runs": len(rows)})
            out[-1]["ece_after"] = float(np.mean(after))
    return out


def _chance(log_odds: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(log_odds, -60, 60)))


def _bins(told: Floats, is_bus: NDArray[np.bool_], runs: int) -> list[dict[str, float]]:
    member = np.minimum((told * BINS).astype(int), BINS - 1)
    return [
        {
            "predicted": float(told[member == number].mean()),
            "observed": float(is_bus[member == number].mean()),
            "photographs": float((member == number).sum() / runs),
        }
        for number in np.unique(member).tolist()
    ]


def _error(told: Floats, is_bus: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error in bins of equal count."""
    member = np.argsort(np.argsort(told, kind="stable")) * bins // len(told)
    apart = [abs(told[member == n].mean() - is_bus[member == n].mean()) * (member == n).sum() for n in range(bins)]
    return float(sum(apart) / len(told))
