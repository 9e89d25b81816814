"""One run's scores -> its figures on the test photographs and on every resample of them, all at once."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from training import metrics
from training.study.resample import Floats, Panel

Vector = NDArray[np.float64]  # (1 + resamples,): the figure itself, then one for each resample
_TINY = np.float32(1e-12)
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
        above = places - np.arange(len(places))  # others before each bus
        # Others between each bus and the one before it; the last line, those below every bus.
        self._ends = np.concatenate(([0], above, [len(self.other)]))
        self._others = np.ones(len(self.other), np.float32), panel.member[self.other]

    def figures(self, wanted: Collection[str], times: Floats, reading: Reading) -> dict[str, Vector]:
        """wanted: names of metrics. times: (groups, C), how often each resample holds a group.

        Nan where there is no bus, or nothing but buses.
        """
        if not len(self.bus) or not len(self.other):
            return {name: np.full(1 + times.shape[1], np.nan) for name in wanted}
        resampled = self._resampled(wanted, times, reading)
        return {name: np.append(value, resampled[name]) for name, value in self._plain(wanted, reading).items()}

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
        """Sums over buses; the others above each are counted by one sparse product."""
        shape = (len(self.bus) + 1, len(block))
        false = _accumulated(csr_array((*self._others, self._ends), shape=shape) @ block)
        weight = block[self.panel.member[self.bus]]
        true = _accumulated(weight.copy())
        buses, total, above = true[-1], false[-1], false[:-1]
        out = {}
        with np.errstate(invalid="ignore", divide="ignore"):
            if "auroc" in wanted:
                out["auroc"] = 1 - (weight * above).sum(0, dtype=np.float64) / (buses.astype(float) * total)
            weight *= true
            restated = buses * np.float32((1 - prevalence) / prevalence) / total
            for name, times in (("ap", restated), ("plain_ap", np.float32(1))):
                if name in wanted:
                    seen = above * times
                    seen += true
                    np.maximum(seen, _TINY, out=seen)
                    out[name] = (weight / seen).sum(0, dtype=np.float64) / buses
        return out

    def _at_threshold(self, block: Floats, fpr: float) -> dict[str, Vector]:
        """Recall and the share of rivals among the others above the score that `fpr` of them exceed."""
        member, is_rival = self.panel.member, self.panel.is_rival
        total = self._count(self.other, block)
        top = self.other[: max(2, int(_DEEPEST * fpr * len(self.other)) + 1)]
        held = block[member[top]].astype(np.float64)
        exceed = np.cumsum(held, axis=0)
        place = np.minimum((exceed <= fpr * total).sum(0), len(top) - 1)
        # The threshold is the score at `place`; equal scores are not above it.
        first = np.searchsorted(-self.scores[top], -self.scores[top])[place]
        columns, before = np.arange(block.shape[1]), np.zeros((1, block.shape[1]))
        alarms = np.vstack([before, exceed])[first, columns]
        rivals = np.vstack([before, np.cumsum(held * is_rival[top][:, None], axis=0)])[first, columns]
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
        ones, ends = np.ones(len(photographs), np.float32), [0, len(photographs)]
        among = csr_array((ones, self.panel.member[photographs], ends), shape=(1, len(block)))
        return (among @ block)[0].astype(np.float64)  # type: ignore[no-any-return] # numpy's stub says Any


def _accumulated(lines: Floats) -> Floats:
    """Running sum over the lines, in place: several times as fast as numpy's own along the first axis."""
    for before, line in pairwise(lines):
        np.add(before, line, out=line)
    return lines
