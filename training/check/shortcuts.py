"""How well the new class is told from the others by facts that say nothing of what a photograph shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.check.findings import Finding
from training.data.photographs import Inspected

FEWEST = 20  # of the new class and of the others: below this an average precision says nothing
FOLDS = 5
SHUFFLES = 100
# A fact is a problem when it closes this part of the way from the base rate to certainty, beyond chance: tiles whose
# size and noise level gave the bus away reached 0.48 at a base rate of 0.25, which is 0.31.
TELLING = 0.2


@dataclass(frozen=True)
class Shortcut:
    """Average precision of one fact, cross-validated; `chance`: what 95 of 100 shuffled rankings stay under."""

    fact: str
    average_precision: float
    base_rate: float
    chance: float

    @property
    def is_telling(self) -> bool:
        """Whether a model could learn this fact in place of the class."""
        gain = (self.average_precision - self.base_rate) / max(1e-9, 1 - self.base_rate)
        return self.average_precision > self.chance and gain >= TELLING


def facts_of(photographs: Sequence[Inspected]) -> dict[str, NDArray[np.float64]]:
    """Fact -> float64 (N, D) over the photographs that could be read."""
    headers = [(p.header, p.size) for p in photographs if p.header]
    sides = np.array([(h.height, h.width) if h.orientation > 4 else (h.width, h.height) for h, _ in headers], float)
    aspect = sides[:, :1] / sides[:, 1:]
    sizes = np.array([[size] for _, size in headers], float)
    facts = {"width and height": sides, "aspect": aspect, "file size": sizes}
    return facts | {"all of these together": np.hstack([sides, aspect, sizes])}


def find_shortcuts(photographs: Sequence[Inspected], is_new: Sequence[bool], groups: Sequence[str]) -> list[Shortcut]:
    """One result per fact; empty when either side has fewer than FEWEST readable groups. Arguments in one order."""
    readable = [i for i, photograph in enumerate(photographs) if photograph.header]
    target = np.array([is_new[i] for i in readable], bool)
    names = np.array([groups[i] for i in readable], str)
    if min(len(set(names[target])), len(set(names[~target]))) < FEWEST:
        return []
    facts = facts_of(photographs)
    return [Shortcut(fact, *_score(values, target, names)) for fact, values in facts.items()]


def shortcut_findings(shortcuts: Sequence[Shortcut], new_label: str) -> list[Finding]:
    """A problem for each fact that tells too much."""
    return [
        Finding(
            "shortcut",
            True,
            1,
            f"{s.fact}: average precision {s.average_precision:.2f} for {new_label!r} without a look at the picture "
            f"(base rate {s.base_rate:.2f})",
            "Draw the others so that they match the new class in it, or a model may learn the camera.",
        )
        for s in shortcuts
        if s.is_telling
    ]


def _score(
    values: NDArray[np.float64], target: NDArray[np.bool_], groups: NDArray[np.str_]
) -> tuple[float, float, float]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import average_precision_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingClassifier(max_iter=50, max_depth=3, min_samples_leaf=10, random_state=0)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    with threadpool_limits(1):  # on a busy machine the threads of so small a model wait for each other, up to a minute
        scores = cross_val_predict(model, values, target, groups=groups, cv=folds, method="predict_proba")[:, 1]
    random = np.random.default_rng(0)
    shuffled = [average_precision_score(target, random.permutation(scores)) for _ in range(SHUFFLES)]
    return float(average_precision_score(target, scores)), float(target.mean()), float(np.quantile(shuffled, 0.95))
