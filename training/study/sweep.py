"""Which rate each depth learns at: equal trials on validation, before the table's first row.

On photographs it sees the split's own fit and val rows alone, so that it chooses nothing by a test photograph.
Every trial is a line of `sweep.csv`; the rates are read from there, never typed.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path

import joblib
import torch

from training.progress import Watch
from training.split import read_split
from training.study.care import DivergedError
from training.study.draws import Draw, make_draw
from training.study.material import Material
from training.study.plan import ARMS, RATES, Run, Study
from training.study.pools import SPLITS, pool
from training.study.trial import Settings, ready, train

SWEEP = Path(__file__).parent / "sweep.csv"
DEPTHS = (1, 2, 3, 4, 5)
DRAWN_BUSES = 500
Materials = Mapping[tuple[int, bool], Material]  # by input size, and whether vehicles are drawn
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


def sweep_rates(study: Study, materials: Materials, processes: int, watch: Watch, path: Path = SWEEP) -> None:
    """Add the trials that the file lacks, each when it is done; say where a best rate lies at the end of the range."""
    done = {replace(tried, val_ap=0.0) for tried in read_sweep(path)}
    wanted = ready(list(_runs(study)), Settings(study.steps, study.others, {}), study.source, watch)
    runs = [run for run in wanted if _tried(study, run, 0.0) not in done]
    watch.say(f"{len(runs)} rates to try")
    watch.start("rates", len(runs))
    pool = joblib.Parallel(n_jobs=processes, return_as="generator_unordered", pre_dispatch=processes)
    tried = pool(joblib.delayed(_try)(run, study, materials[run.size, run.is_drawn]) for run in runs)
    for count, found in enumerate(tried, start=1):
        _append(path, found)
        watch.advance(count)
        where = f"{found.source}, {found.target}, {found.size} px, depth {found.depth}"
        watch.say(f"{where}, rate {found.rate:g}: validation AP {found.val_ap:.3f}")
    for (source, size, depth), rate in chosen_rates(study, path).items():
        is_edge = rate in (min(RATES), max(RATES))
        edge = ", the end of the range: add rates beyond it to RATES and sweep again" * is_edge
        watch.say(f"{source}, {size} px, depth {depth}: {rate:g}{edge}")


def _try(run: Run, study: Study, material: Material) -> Tried:
    torch.set_num_threads(1)
    try:
        settings = Settings(study.steps, study.others, {})
        val_ap = train(run, sweep_draw(run, study, material), material, settings).val_ap
    except DivergedError:
        val_ap = float("nan")
    return _tried(study, run, val_ap)


def chosen_rates(study: Study, path: Path = SWEEP) -> dict[tuple[str, int, int], float]:
    """(source, size, depth) -> the rate of the best mean validation AP over the targets; a divergence counts as 0."""
    found: dict[tuple[str, int, int], dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for tried in read_sweep(path):
        if (tried.study, tried.steps) == (study.name, study.steps):
            found[tried.source, tried.size, tried.depth][tried.rate].append(
                0.0 if tried.val_ap != tried.val_ap else tried.val_ap
            )
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


def sweep_draw(run: Run, study: Study, material: Material) -> Draw:
    """The photographs that rates are tried on."""
    if run.is_drawn:
        return make_draw(run.target, material.strata(run.target), DRAWN_DRAW, DRAWN_BUSES, study.others)
    splits = {row.path: row.split for row in read_split(SPLITS / f"{run.target}.csv")}
    found = [splits.get(row.path) for row in pool(run.target)]
    fit, val = (tuple(i for i, split in enumerate(found) if split == name) for name in ("fit", "val"))
    return Draw(fit, val, ())


def _runs(study: Study) -> Iterator[Run]:
    """The headline's depths on each of its collections, every depth at the size of the details, then other sources."""
    arms = [depth for depth in ARMS if depth]
    source, size = study.source, study.headline_size
    wanted = [(source, target, size, depth) for target in study.headline_targets for depth in arms]
    wanted += [(source, study.detail_target, study.detail_size, depth) for depth in DEPTHS]
    # The cheap ones first: whoever stops a sweep keeps what the verdicts need.
    others = sorted((b for b in study.beside if b.source != source), key=lambda block: block.size)
    wanted += [(block.source, block.target, block.size, depth) for block in others for depth in arms]
    for (name, target, side, depth), rate in product(dict.fromkeys(wanted), RATES):
        yield Run("sweep", target, depth, name, side, options=f"rate={rate:g}")


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
