"""One run's scores -> its figures on the test photographs and on every resample of them, all at once."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from training import metrics
from training.study.resample import Floats, Panel

Vector = NDArray[np.float64]  # (1 + resamples,): the figure itself, then one for each resample
_DEEPEST = 6.0  # times the share of false alarms: as far down as a resample can move that threshold


@dataclass(frozen=True)
class Reading:
    """How figures are read: the prevalence that precision is restated to, the share of false alarms."""

    prevalence: float
    fpr: float


def restated_weights(is_bus: NDArray[np.bool_], prevalence: float) -> NDArray[np.float64]:
    """float64 (N,): buses 1, others so that buses make `prevalence` of the whole."""
    return np.where(is_bus, 1.0, is_bus.sum() * (1 - prevalence) / prevalence / max(1, (~is_bus).sum()))


class Ranked:
    """Photographs from the highest score down, the others before the buses among equals; groups of each kind."""

    def __init__(self, scores: Floats, panel: Panel) -> None:
        self.scores, self.panel = scores.astype(np.float64), panel
        order = np.lexsort((panel.is_bus, -self.scores))
        is_bus = panel.is_bus[order]
        places = np.flatnonzero(is_bus)
        self.bus, self.other = order[is_bus], order[~is_bus]
        above = places - np.arange(len(places))  # others above each bus
        self.above = above

    def figures(self, wanted: Collection[str], blocks: list[Floats], reading: Reading) -> dict[str, Vector]:
        """wanted: names of metrics. Nan where there is no bus, or nothing but buses."""
        if not len(self.bus) or not len(self.other):
            return {name: np.full(1 + sum(block.shape[1] for block in blocks), np.nan) for name in wanted}
        out = {name: [np.array([value])] for name, value in self._plain(wanted, reading).items()}
        for block in blocks:
            for name, values in self._resampled(wanted, block, reading).items():
                out[name].append(values)
        return {name: np.concatenate(values) for name, values in out.items()}

    def _plain(self, wanted: Collection[str], reading: Reading) -> dict[str, float]:
        scores, is_bus = self.scores, self.panel.is_bus
        alarms = self._alarms(reading)
        known = {
            "ap": lambda: metrics.average_precision(scores, is_bus, restated_weights(is_bus, reading.prevalence)),
            "plain_ap": lambda: metrics.average_precision(scores, is_bus),
            "auroc": lambda: metrics.auroc(scores, is_bus),
            "recall": lambda: metrics.recall_at_fpr(scores, is_bus, fpr=reading.fpr),
            "rivals": lambda: float(self.panel.is_rival[~is_bus].mean()),
            "rival_alarms": lambda: float(self.panel.is_rival[alarms].mean()) if len(alarms) else float("nan"),
        }
        return {name: known[name]() for name in wanted}

    def _alarms(self, reading: Reading) -> NDArray[np.int64]:
        threshold = metrics.threshold_at_fpr(self.scores, self.panel.is_bus, reading.fpr)
        return np.flatnonzero(~self.panel.is_bus & (self.scores > threshold))

    def _resampled(self, wanted: Collection[str], block: Floats, reading: Reading) -> dict[str, Vector]:
        out: dict[str, Vector] = {}
        if {"ap", "plain_ap", "auroc"} & set(wanted):
            out |= self._areas(wanted, block, reading.prevalence)
        if {"recall", "rivals", "rival_alarms"} & set(wanted):
            out |= {name: found for name, found in self._at_threshold(block, reading.fpr).items() if name in wanted}
        return out

    def _areas(self, wanted: Collection[str], block: Floats, prevalence: float) -> dict[str, Vector]:
        """block: (groups, C). Sums over buses; the others above each are counted by one sparse product."""
        member = self.panel.member
        ends = np.concatenate(([0], self.above))
        between = csr_array(
            (np.ones(ends[-1], np.float32), member[self.other[: ends[-1]]], ends), shape=(len(self.bus), len(block))
        )
        false = np.cumsum(between @ block, axis=0)
        weight = block[member[self.bus]]
        true = np.cumsum(weight, axis=0)
        buses, total = true[-1], self._count(self.other, block)
        out = {}
        with np.errstate(invalid="ignore", divide="ignore"):
            for name, times in (("ap", buses * np.float32((1 - prevalence) / prevalence) / total), ("plain_ap", 1)):
                if name in wanted:
                    seen = np.maximum(true + false * times, np.float32(1e-12))
                    out[name] = (weight * true / seen).sum(0, dtype=np.float64) / buses
            if "auroc" in wanted:
                out["auroc"] = 1 - (weight * false).sum(0, dtype=np.float64) / (buses * total)
        return out

    def _at_threshold(self, block: Floats, fpr: float) -> dict[str, Vector]:
        """Recall and the share of rivals among the others above the score that `fpr` of them exceed."""
        member, is_rival = self.panel.member, self.panel.is_rival
        total = self._count(self.other, block)
        top = self.other[: max(2, int(_DEEPEST * fpr * len(self.other)) + 1)]
        times = block[member[top]].astype(np.float64)
        exceed = np.cumsum(times, axis=0)
        place = np.minimum((exceed <= fpr * total).sum(0), len(top) - 1)
        # The threshold is the score at `place`; equal scores are not above it.
        first = np.searchsorted(-self.scores[top], -self.scores[top])[place]
        columns, before = np.arange(block.shape[1]), np.zeros((1, block.shape[1]))
        alarms = np.vstack([before, exceed])[first, columns]
        rivals = np.vstack([before, np.cumsum(times * is_rival[top][:, None], axis=0)])[first, columns]
        found = np.searchsorted(-self.scores[self.bus], -self.scores[top])[first]
        true = np.vstack([before, np.cumsum(block[member[self.bus]], axis=0, dtype=np.float64)])
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "recall": true[found, columns] / true[-1],
                "rivals": self._count(self.other[is_rival[self.other]], block) / total,
                "rival_alarms": rivals / alarms,
            }

    def _count(self, photographs: NDArray[np.int64], block: Floats) -> Vector:
        """How many of these each resample holds, (C,)."""
        times = np.bincount(self.panel.member[photographs], minlength=len(block)).astype(np.float32)
        return (times @ block).astype(np.float64)  # type: ignore[no-any-return] # numpy's stub says Any
