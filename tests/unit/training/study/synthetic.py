"""Rows whose truth is known: scores are a hardness that all runs share, plus what a run's arm adds to a bus."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from training.metrics import auroc, average_precision, recall_at_fpr
from training.study.pools import list_id, listed
from training.study.resample import whole
from training.study.rows import Listed, TrialRow
from training.study.rules import Rules, Selection, World, read_rules

POOL, BUSES, OTHERS, DRAWS = "tiny-imagenet-bus", 220, 1_600, 4
CURVE = (100, 200, 500, 1_000)
RATES = ("rate=0.003", "rate=0.01", "rate=0.03", "rate=0.1", "rate=0.3", "rate=1")
HEADS = ("head=knn", "head=rbf", "head=mlp", "head=all-stages", "weights=random")
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Cell:
    """What decides the scores of a run."""

    depth: int
    options: str = ""
    buses: int = 500
    part: str = "test"
    care: str = "careful"
    draw: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Truth:
    """How far each arm lifts a bus and a rival, in standard deviations of the hardness; noise of a run of its own."""

    bus: Callable[[Cell], float] = lambda cell: 2.0
    rival: Callable[[Cell], float] = lambda cell: 0.0
    val_ap: Callable[[Cell], float] = lambda cell: 0.8
    forgotten: Callable[[Cell], float] = lambda cell: 0.0
    noise: float = 0.03


def small_rules() -> Rules:
    """The committed hypotheses on one small target, with fewer replicates."""
    some = Selection(targets=[POOL], size=96, draws=DRAWS, seeds=1)
    selections = {
        "headline": some,
        "rivals": some,
        "first_seed": some.model_copy(update={"is_first_seed": True}),
        "detail": some.model_copy(update={"size": 64}),
    }
    world = World(sources=["s"], source_says="It is made up.", curve=list(CURVE), selections=selections)
    return read_rules().model_copy(
        update={"worlds": {"photographs": world}, "replicates": 500, "photograph_resamples": 250}
    )


@dataclass
class Made:
    """The same interface as `Rows`."""

    trials: list[TrialRow] = field(default_factory=list)
    lists: dict[str, Listed] = field(default_factory=dict)
    parts: dict[tuple[str, str], Floats] = field(default_factory=dict)

    def scores(self, trial: str, part: str = "test") -> Floats:
        """As `Rows.scores`."""
        return self.parts[trial, part]

    def without(self, keeps: Callable[[TrialRow], bool]) -> "Made":
        """The rows that are kept, with the same scores."""
        return Made([row for row in self.trials if keeps(row)], self.lists, self.parts)

    def changed(self, change: Callable[[TrialRow], TrialRow]) -> "Made":
        """Every row as `change` makes it."""
        return Made([change(row) for row in self.trials], self.lists, self.parts)


def make(truth: Truth, draws: int = DRAWS, seeds: int = 1, is_measured: bool = False) -> Made:
    """Every run that the hypotheses ask for, of one source, at home; the rows' own figures only when measured."""
    made = Made()
    every = whole(POOL)
    buses, others = np.flatnonzero(every.is_bus), np.flatnonzero(~every.is_bus)
    tested = tuple(sorted((*buses[:BUSES].tolist(), *others[::2][:OTHERS].tolist())))
    fitted = tuple(sorted((*buses[-200:].tolist(), *others[1::4][:600].tolist())))
    lists = {"test": listed(POOL, tested), "train": listed(POOL, fitted)}
    made.lists = {list_id(found): found for found in lists.values()}
    hardness = np.random.default_rng(7).normal(size=len(every.is_bus)).astype(np.float32)
    for size, cell in _cells(draws, seeds):
        name = f"{size}-d{cell.depth}-{cell.care}-n{cell.buses}-draw{cell.draw}-seed{cell.seed}-{cell.options}"
        row = _row(f"{name}/{POOL}", size, cell, lists, truth)
        for part in ("test", "train", "end", "chosen") if size == 96 else ("test",):
            places = list((lists["train"] if part == "train" else lists["test"]).places)
            random = np.random.default_rng([len(part), *map(ord, name)])
            lift = every.is_bus[places] * truth.bus(replace(cell, part=part))
            lift = lift + (every.is_rival & ~every.is_bus)[places] * truth.rival(cell)
            scores = hardness[places] + lift + random.normal(scale=truth.noise, size=len(places))
            made.parts[row.trial, part] = scores.astype(np.float32)
        if is_measured:
            row = _measured(row, made.parts[row.trial, "test"], every.is_bus[list(tested)])
        made.trials.append(row)
    return made


def _cells(draws: int, seeds: int) -> Iterator[tuple[int, Cell]]:
    for draw, seed in product(range(draws), range(seeds)):
        for depth, care in product((0, 1, 3), ("careful", "naive")):
            yield 96, Cell(depth, care=care, draw=draw, seed=seed)
    for draw in range(draws):
        for depth in range(6):
            yield 64, Cell(depth, draw=draw)
        for options in HEADS:
            yield 64, Cell(0, options, draw=draw)
        for buses, depth in product(set(CURVE) - {500}, (0, 1, 3)):
            yield 64, Cell(depth, buses=buses, draw=draw)
        for options, depth in product(RATES, (1, 3)):
            yield 64, Cell(depth, options, draw=draw)


def _row(name: str, size: int, cell: Cell, lists: dict[str, Listed], truth: Truth) -> TrialRow:
    nan = float("nan")
    return TrialRow(
        trial=name,
        stage="made",
        target=POOL,
        test=POOL,
        depth=cell.depth,
        care=cell.care,
        source="s",
        draw=cell.draw,
        seed=cell.seed,
        buses=cell.buses,
        options=cell.options,
        size=size,
        rate=nan,
        ap=0.5,
        ap_restated=nan,
        auroc=nan,
        recall_at_1fpr=nan,
        val_ap=truth.val_ap(cell),
        train_ap=nan,
        temperature=1.5,
        old_before=0.5,
        old_after=0.5 - truth.forgotten(cell),
        seconds=1.0,
        photographs=list_id(lists["test"]),
        fitted=list_id(lists["train"]),
        config_sha256="",
        data_sha256="",
        source_sha256="",
        frozen_sha256="",
        rules_sha256="",
        started="2026-11-25T12:00:00+00:00",
        machine="here",
        problem="",
    )


def _measured(row: TrialRow, scores: Floats, is_bus: NDArray[np.bool_]) -> TrialRow:
    plain = scores.astype(float)
    return replace(
        row,
        ap=average_precision(plain, is_bus),
        auroc=auroc(plain, is_bus),
        recall_at_1fpr=recall_at_fpr(plain, is_bus),
    )
