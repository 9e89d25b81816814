"""What a study runs, in the order of what it decides: every trial is one frozen value with a name of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, product
from typing import Literal

Care = Literal["careful", "naive"]
ARMS = (0, 1, 3)  # frozen, partial, majority
# Stages whose runs are also tested elsewhere, at other steps and on what they learned, and asked what they forgot.
HEADLINE = frozenset({"headline", "naive", "source", "contrast"})


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

    @property
    def is_headline(self) -> bool:
        """Whether everything is stored of it; of other runs the scores on what the draw left over."""
        return self.stage in HEADLINE

    @property
    def is_drawn(self) -> bool:
        """Whether it learns from drawn vehicles."""
        return self.target.startswith("drawn")

    def option(self, name: str) -> str:
        """Value of one option; empty when it is not set."""
        return dict(part.split("=", 1) for part in self.options.split(";") if part).get(name, "")


@dataclass(frozen=True)
class Block:
    """Trials beside the main question: every draw x number of buses x depth of one target, source and option."""

    stage: str
    target: str
    source: str
    size: int
    depths: tuple[int, ...]
    draws: int
    seeds: int = 1
    buses: tuple[int, ...] = (500,)
    options: str = ""

    def runs(self, care: Care = "careful") -> Iterator[Run]:
        """Seed by seed and draw by draw: whatever is done of it is balanced over the rest."""
        for seed, draw, buses, depth in product(range(self.seeds), range(self.draws), self.buses, self.depths):
            yield Run(self.stage, self.target, depth, self.source, self.size, care, draw, seed, buses, self.options)


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
    photographs: bool
    controls: tuple[str, ...]  # that decide nothing, at the depths where they mean something
    beside: tuple[Block, ...] = ()
    second_source: str = ""  # the same schedule from another seed; it learns at the first one's rates

    @property
    def world(self) -> str:
        """Which of the rules' worlds its rows belong to."""
        return "photographs" if self.photographs else "drawn"

    def runs(self) -> list[Run]:
        """Every run once, in the order of what it decides; a run that two stages want belongs to the first."""
        stages = (_audit(self), _headline(self, self.source), _decisive(self), _naive(self))
        rest = (_controls(self), _headline(self, self.second_source, "source"), *(b.runs() for b in self.beside))
        found: dict[str, Run] = {}
        for run in chain(*stages, *rest):
            found.setdefault(run.name, run)
        return list(found.values())


# Controls on the pooled features of the frozen source; the head or the features are what differs.
HEADS = ("head=knn", "head=rbf", "head=mlp", "head=all-stages")  # verdicts need these
AUDITS = ("weights=random", "labels=shuffled", "features=colour", "features=pixels", "head=zero-shot")
LINE = ("path=0.25", "path=0.5", "path=0.75")  # weights between the untouched source and the adapted network
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)  # of the sweep that precedes the table, and of stage `rates` in it
# Depths at which a control means something; a head or a baseline has none but 0.
_CONTROL_DEPTHS = {
    "norm=moving": ARMS,
    "decay=source": (1, 3),
    "weights=scratch": (5,),
    "labels=shuffled": (0, 1),
}
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
    controls=("head=ncm",),
    photographs=False,
)
_CURVE = (50, 100, 200, 500, 1_000, 1_700)
_FEWER_OR_MORE = tuple(buses for buses in _CURVE if buses != 500)
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
    curve=_CURVE,
    controls=("head=ncm", "norm=moving", "decay=source", "weights=scratch"),
    photographs=True,
    second_source="tiny198-e30-s1",
    beside=(
        Block("epochs", "both", "tiny198-e30", 64, (1, 3), 5, buses=_FEWER_OR_MORE, options="fit=epochs"),
        Block("contrast", "both", "efficientnet-lite0", 96, ARMS, 5),
        Block("pseudo", "pseudo-tiny-car", "tiny198-e30", 64, ARMS, 5, buses=(300,)),
        Block("pseudo", "pseudo-street-cycle", "tiny198-e30", 64, ARMS, 5, buses=(100,)),
        Block("drawn", "drawn-large", "drawn", 64, ARMS, 3, buses=(50, 100, 200, 500, 1_000, 2_000, 5_000)),
        *(Block("path", "both", "tiny198-e30", 64, (1, 3), 5, options=share) for share in LINE),
        Block("scratch", "both", "tiny198-e30", 64, (5,), 5, options="steps=10x;weights=scratch"),
    ),
)
STUDIES = {study.name: study for study in (SMALL, FULL)}


def _audit(study: Study) -> Iterator[Run]:
    """One draw of what would stop the study: labels that leak, cues that need no network, buses in the source."""
    for control in AUDITS:
        yield Run("audit", study.detail_target, 0, study.source, study.detail_size, options=control)


def _headline(study: Study, source: str, stage: str = "headline", care: Care = "careful") -> Iterator[Run]:
    """The three arms. A new draw is worth more than a new seed, so the second seeds come last."""
    if source:
        for seed, draw in product(range(study.seeds), range(study.draws)):
            for target, depth in product(study.headline_targets, ARMS):
                yield Run(stage, target, depth, source, study.headline_size, care, draw, seed)


def _naive(study: Study) -> Iterator[Run]:
    """The headline again as a tutorial would: it decides no verdict, it says whether they survive."""
    return _headline(study, study.source, "naive", "naive")


def _decisive(study: Study) -> Iterator[Run]:
    """What the verdicts need beside the headline: depths, curve, rates, heads, a random network; draw by draw."""
    target, source, size = study.detail_target, study.source, study.detail_size
    for draw in range(study.detail_draws):
        for depth in range(6):
            yield Run("depth", target, depth, source, size, draw=draw)
        for control in (*HEADS, *AUDITS):
            yield Run("control", target, 0, source, size, draw=draw, options=control)
        for rate, depth in product(RATES, (1, 3)):
            yield Run("rates", target, depth, source, size, draw=draw, options=f"rate={rate:g}")
        for buses, depth in product(study.curve, ARMS):
            yield Run("curve", target, depth, source, size, draw=draw, buses=buses)


def _controls(study: Study) -> Iterator[Run]:
    """What else transfer should be compared with; none of it enters a verdict."""
    for draw, control in product(range(study.detail_draws), (*study.controls, "labels=shuffled")):
        for depth in _CONTROL_DEPTHS.get(control, (0,)):
            yield Run(
                "control", study.detail_target, depth, study.source, study.detail_size, draw=draw, options=control
            )
