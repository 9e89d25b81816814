"""What a study runs, in the order of what it decides: every trial is one frozen value with a name of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

Care = Literal["careful", "naive"]
ARMS = (0, 1, 3)  # frozen, partial, majority


@dataclass(frozen=True)
class Run:
    """One network to train. Its name says all of it, so that equal runs of two stages are one."""

    stage: str
    target: str
    depth: int
    source: str
    size: int
    care: Care = "careful"
    draw: int = 0
    seed: int = 0
    buses: int = 500
    options: str = ""  # `name=value`, sorted, joined by `;`

    @property
    def name(self) -> str:
        """Unique; the stage is not part of it."""
        parts = (self.target, self.source, f"{self.size}px", f"depth{self.depth}", self.care, f"n{self.buses}")
        return "-".join((*parts, f"draw{self.draw}", f"seed{self.seed}", *filter(None, [self.options])))

    def option(self, name: str) -> str:
        """Value of one option; empty when it is not set."""
        return dict(part.split("=", 1) for part in self.options.split(";") if part).get(name, "")


@dataclass(frozen=True)
class Study:
    """A size of study: which material, how many draws. `threads` and the executor never change a result."""

    name: str
    source: str
    headline_targets: tuple[str, ...]
    headline_size: int
    detail_target: str
    detail_size: int
    views: int
    steps: int
    others: int
    draws: int
    seeds: int
    detail_draws: int
    curve: tuple[int, ...]
    controls: tuple[str, ...]
    photographs: bool

    @property
    def world(self) -> str:
        """Which of the rules' worlds its rows belong to."""
        return "photographs" if self.photographs else "drawn"

    def runs(self) -> list[Run]:
        """Every run once, in order; a run that two stages want belongs to the first."""
        found: dict[str, Run] = {}
        for run in (*_headline(self), *_detail(self)):
            found.setdefault(run.name, run)
        return list(found.values())


# Controls on the pooled features of the frozen source; the head or the features are what differs.
HEADS = ("head=ncm", "head=knn", "head=rbf", "head=mlp", "head=all-stages", "head=zero-shot")
LINE = ("path=0.25", "path=0.5", "path=0.75")  # weights between the untouched source and the adapted network
BASELINES = ("features=colour", "features=pixels", "labels=shuffled", "weights=random")
SMALL = Study(
    name="small",
    source="drawn",
    headline_targets=("drawn-small",),
    headline_size=64,
    detail_target="drawn-small",
    detail_size=64,
    views=4,
    steps=80,
    others=1_500,
    draws=5,
    seeds=1,
    detail_draws=5,
    curve=(50, 100, 200, 500),
    controls=(*HEADS, *BASELINES),
    photographs=False,
)
FULL = Study(
    name="full",
    source="tiny198-e30",
    headline_targets=("street-tiles", "tiny-imagenet-bus", "both"),
    headline_size=96,
    detail_target="both",
    detail_size=64,
    views=12,
    steps=500,
    others=1_500,
    draws=10,
    seeds=2,
    detail_draws=5,
    curve=(50, 100, 200, 500, 1_000, 1_700),
    controls=(*HEADS, *BASELINES, "norm=moving", "decay=source", "weights=scratch", *LINE),
    photographs=True,
)
STUDIES = {study.name: study for study in (SMALL, FULL)}
# Depths at which a control means something; a head or a baseline has none but 0.
_CONTROL_DEPTHS = {
    "norm=moving": ARMS,
    "decay=source": (1, 3),
    "weights=scratch": (5,),
    "labels=shuffled": (0, 1),
    **dict.fromkeys(LINE, (1, 3)),
}
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # of the sweep that precedes the table, and of stage `rates` in it


def _headline(study: Study) -> Iterator[Run]:
    """Draw by draw, so that every part of it that is done is balanced over targets, depths and care."""
    for draw, seed in product(range(study.draws), range(study.seeds)):
        for target, care, depth in product(study.headline_targets, ("careful", "naive"), ARMS):
            yield Run("headline", target, depth, study.source, study.headline_size, _care(care), draw, seed)


def _detail(study: Study) -> Iterator[Run]:
    target, source, size = study.detail_target, study.source, study.detail_size
    for draw in range(study.detail_draws):
        for control in study.controls:
            for depth in _CONTROL_DEPTHS.get(control, (0,)):
                yield Run("control", target, depth, source, size, draw=draw, options=control)
        for depth in range(6):
            yield Run("depth", target, depth, source, size, draw=draw)
        for buses, depth in product(study.curve, ARMS):
            yield Run("curve", target, depth, source, size, draw=draw, buses=buses)
        for rate, depth in product(RATES, (1, 3)):
            yield Run("rates", target, depth, source, size, draw=draw, options=f"rate={rate:g}")


def _care(word: str) -> Care:
    return "naive" if word == "naive" else "careful"
