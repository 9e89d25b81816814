"""Hours ahead, block by block: seconds of like runs where there are some, else of a few steps taken here and now."""

import functools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from training.backbone import STAGES
from training.data.label_sets import LABELS
from training.fit import Examples, fit, predict
from training.network import AdaptedNetwork
from training.recipes import Recipe
from training.study.care import NAIVE_EPOCHS
from training.study.draws import VAL_SHARE
from training.study.execute import Shared
from training.study.material import CACHED, fresh_source
from training.study.plan import Run
from training.study.pools import pool
from training.study.rows import TrialRow

BATCH, STEPS = 64, 2
OVERHEAD = 5.0  # seconds of reading, ranking and writing that any run has


@dataclass(frozen=True)
class Speed:
    """Photographs a second, one thread. `train`: by number of thawed stages; `views`: forward in bfloat16."""

    train: tuple[float, ...]
    forward: float
    views: float


@dataclass(frozen=True)
class Ahead:
    """Of a stage of the plan: how many of its runs are left, and the hours of one thread that they will take."""

    stage: str
    runs: int
    hours: float


def forecast(left: Sequence[Run], shared: Shared, known: Iterable[TrialRow]) -> list[Ahead]:
    """In the order of the plan. A like run: the same target, depth, care, size, buses and options, of any source."""
    seconds: dict[tuple[object, ...], dict[str, float]] = {}
    for row in known:
        seconds.setdefault(_kind(row), {})[row.trial.rsplit("/", 1)[0]] = row.seconds
    mean = {kind: float(np.mean(list(found.values()))) for kind, found in seconds.items()}
    hours: dict[str, list[float]] = {}
    for run in left:
        found = mean[_kind(run)] if _kind(run) in mean else predicted(run, shared)
        hours.setdefault(run.stage, []).append(found / 3600)
    return [Ahead(stage, len(found), sum(found)) for stage, found in hours.items()]


def _kind(run: Run | TrialRow) -> tuple[object, ...]:
    return tuple(getattr(run, name) for name in ("target", "depth", "care", "size", "buses", "options"))


def predicted(run: Run, shared: Shared) -> float:
    """Seconds, from the photographs that the run passes through the network; what files keep costs nothing."""
    material, drawn = shared.of(run), run.buses + shared.settings.others
    speed = measured_speed(run.source, run.size)
    fitted = drawn * (1 - VAL_SHARE)
    scored = len(pool(run.target)) - drawn + (fitted if run.is_headline else 0)
    if run.option("head") == "all-stages":
        return OVERHEAD + fitted * material.views / speed.views + scored / speed.forward
    if run.option("head") or run.option("features"):
        return OVERHEAD
    is_moving = run.option("norm") == "moving"
    frozen, trained = 0 if is_moving else len(STAGES) - run.depth, max(run.depth, int(is_moving))
    is_kept = frozen >= CACHED and not run.option("weights")
    found = OVERHEAD + scored / speed.forward * (1 - CACHED / len(STAGES) if is_kept else 1)
    if not is_kept and run.care == "careful":
        found += fitted * material.views * frozen / len(STAGES) / speed.views
    steps = NAIVE_EPOCHS * fitted / BATCH if run.care == "naive" else shared.settings.recipe(run, material).steps
    if trained:
        found += steps * BATCH / speed.train[trained - 1]
    return found + (_old_photographs(shared, run) / speed.forward if run.depth and not run.seed else 0)


def _old_photographs(shared: Shared, run: Run) -> int:
    task = shared.of(run).old_task() if run.is_headline else None
    return 0 if task is None else len(task.targets)


@functools.lru_cache(maxsize=8)
def measured_speed(source: str, size: int) -> Speed:
    """A few steps at each depth. The source's own where it is there, else that of a network of the shipped shape."""
    torch.set_num_threads(1)
    network = AdaptedNetwork(fresh_source(source, size).backbone, len(LABELS))
    pixels = torch.zeros((BATCH, size, size, 3), dtype=torch.uint8)
    allowed = torch.ones((BATCH, len(LABELS)), dtype=torch.bool)
    allowed[::2, 1:] = False
    recipe, train = Recipe("speed", depth=0, size=size, steps=STEPS, batch=BATCH), []
    for depth in range(1, len(STAGES) + 1):
        network.thaw(depth)
        with torch.inference_mode():
            maps = network.prefix(pixels)
        # Cloned: tensors of inference mode cannot be trained on.
        examples = Examples(maps.clone(), allowed)
        train.append(STEPS * BATCH / _seconds(functools.partial(_train, network, examples, recipe)))
    whole = network.prefix(pixels)
    forward = BATCH / _seconds(lambda: predict(network, whole))
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.inference_mode():
        views = BATCH / _seconds(lambda: network.suffix(whole))
    return Speed(tuple(train), forward, views)


def _train(network: AdaptedNetwork, examples: Examples, recipe: Recipe) -> None:
    fit(network, examples, examples, recipe, 1e-6, lambda step: None)


def _seconds(work: Callable[[], object]) -> float:
    """Processor time, so that other work does not count; the faster of two, the first of which also warms up."""
    found = []
    for _ in range(2):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def in_words(stages: Sequence[Ahead]) -> list[str]:
    """One line a stage and the sum; runs of one thread, so two at once halve it where two cores are free."""
    lines = [f"  {stage.stage}: {stage.runs} runs, {stage.hours:.1f} h" for stage in stages]
    return [*lines, f"About {sum(stage.hours for stage in stages):.1f} hours of one thread in all."]
