"""Which rate each depth learns at: equal trials on validation, before the table's first row.

On photographs it sees the split's own fit and val rows alone, so that it chooses nothing by a test photograph.
Every trial is a line of `sweep.csv`; the rates are read from there, never typed.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import torch

from training.progress import Watch
from training.split import read_split
from training.study.care import DivergedError
from training.study.draws import Draw, make_draw
from training.study.material import Material
from training.study.plan import ARMS, RATES, Run, Study
from training.study.pools import SPLITS, pool
from training.study.trial import Settings, train

SWEEP = Path(__file__).parent / "sweep.csv"
DEPTHS = (1, 2, 3, 4, 5)
DRAWN_DRAW = 1_000  # of drawn vehicles: no trial of the table uses it


@dataclass(frozen=True)
class Tried:
    """One rate at one depth. `val_ap`: average precision on validation, nan when it diverged."""

    study: str
    source: str
    target: str
    size: int
    steps: int
    depth: int
    rate: float
    val_ap: float


def sweep_rates(study: Study, materials: Mapping[int, Material], watch: Watch, path: Path = SWEEP) -> None:
    """Add the trials that the file lacks, each when it is done."""
    torch.set_num_threads(1)
    done = {replace(tried, val_ap=0.0) for tried in read_sweep(path)}
    runs = [run for run in _runs(study) if _tried(study, run, 0.0) not in done]
    watch.say(f"{len(runs)} rates to try")
    watch.start("rates", len(runs))
    for count, run in enumerate(runs, start=1):
        material = materials[run.size]
        try:
            val_ap = train(
                run, sweep_draw(study, run.target, material), material, Settings(study.steps, study.others, {})
            ).val_ap
        except DivergedError:
            val_ap = float("nan")
        _append(path, _tried(study, run, val_ap))
        watch.advance(count)
        watch.say(f"{run.target}, {run.size} px, depth {run.depth}, rate {_rate(run):g}: validation AP {val_ap:.3f}")


def chosen_rates(study: Study, path: Path = SWEEP) -> dict[tuple[int, int], float]:
    """(size, depth) -> the rate with the best validation AP, meaned over the targets; a divergence counts as 0."""
    found: dict[tuple[int, int], dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for tried in read_sweep(path):
        if (tried.study, tried.source, tried.steps) == (study.name, study.source, study.steps):
            found[tried.size, tried.depth][tried.rate].append(0.0 if tried.val_ap != tried.val_ap else tried.val_ap)
    return {key: max(rates, key=lambda rate: sum(rates[rate]) / len(rates[rate])) for key, rates in found.items()}


def read_sweep(path: Path = SWEEP) -> list[Tried]:
    """Every trial so far."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            Tried(**{field.name: field.type(record[field.name]) for field in fields(Tried)})  # type: ignore[operator] # str, int, float
            for record in csv.DictReader(file)
        ]


def sweep_draw(study: Study, target: str, material: Material) -> Draw:
    """The photographs that rates are tried on."""
    if not study.photographs:
        return make_draw(target, material.strata(target), DRAWN_DRAW, 500, study.others)
    splits = {row.path: row.split for row in read_split(SPLITS / f"{target}.csv")}
    found = [splits.get(row.path) for row in pool(target)]
    fit, val = (tuple(i for i, split in enumerate(found) if split == name) for name in ("fit", "val"))
    return Draw(fit, val, ())


def _runs(study: Study) -> Iterator[Run]:
    """The headline's depths on each of its collections, then every depth at the size of the details."""
    headline = [(target, study.headline_size, depth) for target in study.headline_targets for depth in ARMS if depth]
    details = [(study.detail_target, study.detail_size, depth) for depth in DEPTHS]
    for target, size, depth in dict.fromkeys((*headline, *details)):
        for rate in RATES:
            yield Run("sweep", target, depth, study.source, size, options=f"rate={rate:g}")


def _tried(study: Study, run: Run, val_ap: float) -> Tried:
    return Tried(study.name, run.source, run.target, run.size, study.steps, run.depth, _rate(run), val_ap)


def _rate(run: Run) -> float:
    return float(run.option("rate"))


def _append(path: Path, tried: Tried) -> None:
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow([field.name for field in fields(Tried)])
        writer.writerow(asdict(tried).values())
