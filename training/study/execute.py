"""One run -> its finished rows: the network or control, scored on every test set that the plan gives it."""

import functools
import hashlib
import json
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

import numpy as np
import torch
from torch import Tensor

from training.fit import log_odds, predict
from training.forgetting import old_top1, source_network
from training.metrics import auroc, average_precision, recall_at_fpr
from training.network import AdaptedNetwork
from training.study.care import DivergedError, State, put
from training.study.controls import control
from training.study.draws import Draw, make_draw
from training.study.material import Material, fresh_source
from training.study.plan import Run
from training.study.pools import list_id, listed, photographs, pool
from training.study.ranked import restated_weights
from training.study.rows import Finished, Listed, Scores, TrialRow
from training.study.rules import read_rules
from training.study.trial import Settings, Trained, outputs, train

NAN = float("nan")
ELSEWHERE = {
    "street-tiles": ("tiny-imagenet-bus", "phone-city"),
    "tiny-imagenet-bus": ("street-tiles", "phone-city"),
    "both": ("phone-city",),
}
Lists = dict[str, Listed]


@dataclass(frozen=True)
class Shared:
    """What every run of a study shares. `rules_sha256` names the rules that will judge the rows."""

    material: Mapping[tuple[int, bool], Material]  # by input size, and whether vehicles are drawn
    settings: Settings
    rules_sha256: str

    def of(self, run: Run) -> Material:
        """What the run learns from."""
        return self.material[run.size, run.is_drawn]


def execute(run: Run, shared: Shared) -> tuple[list[Finished], Lists]:
    """A run that diverges gives rows that say so; anything else that fails is an error of ours and ends the study."""
    torch.set_num_threads(1)
    material, began, started = shared.of(run), time.monotonic(), datetime.now(UTC)
    draw = make_draw(run.target, material.strata(run.target), run.draw, run.buses, shared.settings.others)
    base = _row(run, draw, shared, started.isoformat(timespec="seconds"))
    tests, fitted = tests_of(run, draw), listed(run.target, draw.fit)
    lists = {list_id(found): found for found in (*tests.values(), fitted)}
    try:
        scored = _control_scores(run, draw, material) if is_control(run) else _network_scores(run, draw, shared)
    except DivergedError as error:
        scored = {name: Scored({}, {"problem": str(error)}) for name in tests}
    base = replace(base, seconds=time.monotonic() - began)
    rows = [_finished(replace(base, test=name), tests[name], fitted, found) for name, found in scored.items()]
    return rows, lists


@dataclass(frozen=True)
class Scored:
    """One test set: parts of scores, and what the row says besides."""

    scores: dict[str, Scores]
    facts: dict[str, object]


def is_control(run: Run) -> bool:
    """Whether no network is trained: another head, or cues that need none."""
    return bool(run.option("head") or run.option("features"))


def tests_of(run: Run, draw: Draw) -> Lists:
    """Test set -> its photographs: what the draw left over, and for the headline also other collections."""
    tests = {run.target: listed(run.target, draw.rest)}
    if run.is_headline:
        for name in ELSEWHERE.get(run.target, ()):
            tests[name] = listed(name, _test_split(name))
    return tests


def _test_split(name: str) -> tuple[int, ...]:
    return tuple(i for i, row in enumerate(pool(name)) if row.split == "test")


def _control_scores(run: Run, draw: Draw, material: Material) -> dict[str, Scored]:
    rank, val_ap = control(run, draw, material)
    return {
        name: Scored({"test": rank(found.pool, found.places).astype(np.float32)}, {"val_ap": val_ap})
        for name, found in tests_of(run, draw).items()
    }


def _network_scores(run: Run, draw: Draw, shared: Shared) -> dict[str, Scored]:
    material = shared.of(run)
    trained = train(run, draw, material, shared.settings)
    rate = shared.settings.rate(run)
    facts: dict[str, object] = {"val_ap": trained.val_ap, "rate": rate, "temperature": trained.temperature}
    facts |= {"frozen_sha256": _digest(trained.frozen)}
    facts |= _forgetting(run, trained, material)
    scored = {}
    for name, found in tests_of(run, draw).items():
        maps = outputs(trained.network, run, material, found.places, False, found.pool)
        parts = {"test": _scores(trained.network, trained.weights.final, maps)}
        if name == run.target and run.is_headline and run.depth and not run.seed:
            # The last weights of the naive recipe are those that count: they are not stored twice.
            steps = ("chosen",) if run.care == "naive" else ("end", "chosen")
            parts |= {part: _scores(trained.network, getattr(trained.weights, part), maps) for part in steps}
        if name == run.target and run.is_headline:
            maps = outputs(trained.network, run, material, draw.fit, augmented=False)
            parts["train"] = _scores(trained.network, trained.weights.final, maps)
        scored[name] = Scored(parts, facts)
    return scored


def _scores(network: AdaptedNetwork, state: State, maps: Tensor) -> Scores:
    put(network, state)
    return log_odds(predict(network, maps)).numpy().astype(np.float32)


def _forgetting(run: Run, trained: Trained, material: Material) -> dict[str, object]:
    """Top-1 of the source's own head before and after, where there is an old task; of the headline's first seed."""
    source, task = fresh_source(run.source, material.size), material.old_task()
    if task is None or source.head is None or run.seed or not run.is_headline:
        return {}
    if len(source.head[1]) != task.targets.max() + 1:
        return {}  # a source of other classes, which has no old task here
    before = _top1_before(run.source, material)
    put(trained.network, trained.weights.final)
    return {"old_before": before, "old_after": old_top1(trained.network, source.head, task) if run.depth else before}


@functools.lru_cache(maxsize=4)
def _top1_before(name: str, material: Material) -> float:
    source, task = fresh_source(name, material.size), material.old_task()
    if task is None or source.head is None:
        return NAN
    return old_top1(source_network(source), source.head, task)


def config_sha256(run: Run, shared: Shared) -> str:
    """Identity of every setting that decides a row: the run, its recipe, its rate, how many others it learns from."""
    settings = shared.settings
    recipe = asdict(settings.recipe(run, shared.of(run)))
    wanted = {key: value for key, value in asdict(run).items() if key != "stage"}
    return _digest({"run": wanted, "recipe": recipe, "rate": settings.rate(run), "others": settings.others})


def _row(run: Run, draw: Draw, shared: Shared, started: str) -> TrialRow:
    material = shared.of(run)
    return TrialRow(
        **{k: v for k, v in asdict(run).items() if k != "stage"},
        stage=run.stage,
        trial=run.name,
        test="",
        rate=NAN,
        ap=NAN,
        ap_restated=NAN,
        auroc=NAN,
        recall_at_1fpr=NAN,
        val_ap=NAN,
        train_ap=NAN,
        temperature=NAN,
        old_before=NAN,
        old_after=NAN,
        seconds=NAN,
        photographs="",
        fitted=list_id(listed(run.target, draw.fit)),
        config_sha256=config_sha256(run, shared),
        data_sha256=_digest([list_id(listed(run.target, part)) for part in (draw.fit, draw.val, draw.rest)]),
        source_sha256=fresh_source(run.source, material.size).sha256,
        frozen_sha256="",
        rules_sha256=shared.rules_sha256,
        started=started,
        machine=_machine(),
        problem="",
    )


def _finished(base: TrialRow, found: Listed, fitted: Listed, scored: Scored) -> Finished:
    figures: dict[str, object] = {}
    if "test" in scored.scores:
        scores, bus = scored.scores["test"].astype(float), photographs(found).is_bus
        weights = restated_weights(bus, read_rules().prevalence)
        figures = {
            "ap": average_precision(scores, bus),
            "ap_restated": average_precision(scores, bus, weights),
            "auroc": auroc(scores, bus),
            "recall_at_1fpr": recall_at_fpr(scores, bus),
        }
    if "train" in scored.scores:
        bus = photographs(fitted).is_bus
        figures["train_ap"] = average_precision(scored.scores["train"].astype(float), bus)
    row = replace(base, trial=f"{base.trial}/{base.test}", photographs=list_id(found), **figures, **scored.facts)
    return Finished(row, scored.scores)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


@functools.cache
def _machine() -> str:
    """Processor, system, torch: what exact repetition needs to be equal."""
    try:
        with open("/proc/cpuinfo") as file:
            model = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {platform.system()}, torch {torch.__version__}, 1 thread"
