"""One network of a study: draw, thaw, fit, prove. Everything random comes from the run's own numbers."""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor

from training.adapt import choose_head, frozen_maps, pooled_features, prove_frozen
from training.backbone import STAGES
from training.data.archives import DataError
from training.data.label_sets import LABELS
from training.fit import Examples, log_odds, predict, validate
from training.network import AdaptedNetwork, frozen_names, tensor_hashes
from training.progress import Watch
from training.recipes import Recipe
from training.sources.source import Source
from training.study.care import NAIVE_RATE, Weights, between, put, state_of, train_carefully, train_naively
from training.study.draws import Draw
from training.study.material import CACHED, Material, fresh_source
from training.study.plan import Run
from training.study.variants import MovingNorm, anchor, random_source, shuffled

PLAIN_BUSES = 500
SCRATCH_RATE = 0.1  # a random network has no stage to be careful with


@dataclass(frozen=True)
class Settings:
    """What a study fixes for all its runs."""

    steps: int
    others: int  # photographs that show no bus, whatever the number of buses
    rates: Mapping[tuple[str, int, int], float]  # (source, size, depth) -> peak rate of careful, from the sweep
    same_rates: Mapping[str, str] = field(default_factory=dict)  # source -> the one whose rates it learns at

    def recipe(self, run: Run, material: Material) -> Recipe:
        """The shipped recipe at the run's depth, size and seed.

        Steps do not depend on the number of buses, unless each photograph is to be seen as often as at 500.
        """
        steps = self.steps * (10 if run.option("steps") == "10x" else 1)
        if run.option("fit") == "epochs":
            steps = round(steps * (run.buses + self.others) / (PLAIN_BUSES + self.others))
        return replace(material.recipe, name="study", depth=run.depth, steps=steps, seed=run.seed)

    def rate(self, run: Run) -> float:
        """Peak rate; nan where logistic regression alone learns. Raises DataError when no sweep has found it."""
        if run.care == "naive":
            return NAIVE_RATE
        if run.option("rate"):
            return float(run.option("rate"))
        if run.option("weights") == "scratch":
            return SCRATCH_RATE
        # A head under moving statistics cannot be solved for: it learns in steps, at the rate of the last stage.
        depth = run.depth or int(run.option("norm") == "moving")
        if not depth:
            return float("nan")
        found = self.rates.get((self.same_rates.get(run.source, run.source), run.size, depth))
        if found is None:
            raise DataError(
                f"{run.source}, {run.size} px, depth {depth}: has no rate yet. Run the sweep first: --sweep."
            )
        return found


def ready(runs: Sequence[Run], settings: Settings, source: str, watch: Watch) -> list[Run]:
    """Runs whose source is here and has its rates; the others wait, and it is said what for.

    Raises DataError when that holds for `source`, the study's own.
    """
    known, found, waiting = set[tuple[str, int]](), [], Counter[str]()
    for run in runs:
        try:
            if (run.source, run.size) not in known:
                fresh_source(run.source, run.size)
            settings.rate(run)
        except DataError as error:
            if run.source == source:
                raise
            waiting[str(error)] += 1
        else:
            known.add((run.source, run.size))
            found.append(run)
    for reason, count in waiting.items():
        watch.say(f"{count} runs wait: {reason}")
    return found


@dataclass(frozen=True)
class Trained:
    """A network with what the table wants to know of its training. `frozen`: tensor -> hash, equal before and after."""

    network: AdaptedNetwork
    weights: Weights
    val_ap: float
    temperature: float
    frozen: dict[str, str]


def train(run: Run, draw: Draw, material: Material, settings: Settings) -> Trained:
    """Raises DivergedError, FrozenTensorMovedError."""
    network = untrained(run, draw, material)
    before = tensor_hashes(network)
    fitted, val = examples(network, run, draw, material)
    recipe = settings.recipe(run, material)
    torch.manual_seed(run.seed)
    if run.care == "careful":
        put_first_head(network, run, draw, material, fitted, val)
    if run.option("decay") == "source":
        anchor(network, recipe.weight_decay)
        recipe = replace(recipe, weight_decay=0.0)
    start = state_of(network)
    if run.care == "naive":
        weights = train_naively(network, fitted, val, run.seed)
    elif run.depth or isinstance(network, MovingNorm):
        weights = train_carefully(network, fitted, val, recipe, settings.rate(run))
    else:
        weights = Weights(start, start, start)
    if run.option("path"):
        weights = replace(weights, final=between(start, weights.final, float(run.option("path"))))
    put(network, weights.final)
    after = tensor_hashes(network)
    frozen = frozenset(frozen_names(network))
    prove_frozen(before, after, frozen)
    ap, _ = validate(network, val)
    temperature = temperature_of(log_odds(predict(network, val.maps)).numpy(), val.positive.numpy())
    return Trained(network, weights, ap, temperature, {name: after[name] for name in sorted(frozen)})


def temperature_of(scores: NDArray[np.float64], is_bus: NDArray[np.bool_]) -> float:
    """What log-odds (N,) are divided by so that bus or not is told with the least log loss (Guo et al. 2017)."""
    signed = np.where(is_bus, -scores, scores)
    found = minimize_scalar(
        lambda log: float(np.logaddexp(0, signed / np.exp(log)).mean()),
        bounds=(-np.log(8), np.log(8)),
        method="bounded",
    )
    return float(np.exp(found.x))


def untrained(run: Run, draw: Draw, material: Material) -> AdaptedNetwork:
    """The run's source with an unused head, thawed to its depth."""
    source = source_of(run, draw, material)
    moving = run.option("norm") == "moving" or run.option("weights") == "scratch"
    network = (MovingNorm if moving else AdaptedNetwork)(source.backbone, len(LABELS))
    network.thaw(run.depth)
    return network


def source_of(run: Run, draw: Draw, material: Material) -> Source:
    """The named source, or a random one of its architecture."""
    source = fresh_source(run.source, material.size)
    if run.option("weights"):
        return random_source(source, run.draw, material.plain(run.target, draw.fit))
    return source


def examples(network: AdaptedNetwork, run: Run, draw: Draw, material: Material) -> tuple[Examples, Examples]:
    """(fit, val). Careful learns from augmented views, naive from the plain photographs."""
    plain = run.care == "naive"
    allowed = material.allowed(run.target, draw.fit)
    if run.option("labels") == "shuffled":
        allowed = shuffled(allowed, run.draw)
    maps = outputs(network, run, material, draw.fit, not plain).to(torch.bfloat16)
    val = outputs(network, run, material, draw.val, augmented=False)
    return (
        Examples(maps, allowed if plain else allowed.repeat(material.views, 1)),
        Examples(val, material.allowed(run.target, draw.val)),
    )


def outputs(
    network: AdaptedNetwork, run: Run, material: Material, places: tuple[int, ...], augmented: bool, pool: str = ""
) -> Tensor:
    """What the frozen stages make of photographs: from files where the source's own weights allow it.

    bfloat16 for augmented views, float32 for plain photographs; pooled (N, C, 1, 1) at depth 0.
    """
    name, cached = pool or run.target, network.cached_stages()
    if run.option("weights") or cached < CACHED:
        pixels = material.augmented(name, places) if augmented else material.plain(name, places)
        return frozen_maps(network, pixels, torch.bfloat16 if augmented else torch.float32)
    if cached == CACHED:
        maps = material.view_maps if augmented else material.plain_maps
        return maps(run.source, name, places)
    return (
        material.view_features(run.source, name, places) if augmented else plain_features(run, material, name, places)
    )


def plain_features(run: Run, material: Material, pool: str, places: tuple[int, ...]) -> Tensor:
    """float32 (N, F, 1, 1): pooled output of all stages for photographs as served."""
    network = AdaptedNetwork(fresh_source(run.source, material.size).backbone, len(LABELS))
    network.thaw(len(STAGES) - CACHED)
    return pooled_features(network, material.plain_maps(run.source, pool, places))[:, :, None, None]


def put_first_head(
    network: AdaptedNetwork, run: Run, draw: Draw, material: Material, fitted: Examples, val: Examples
) -> None:
    """Head first: logistic regression on the features of the untouched source, the same for every depth of a draw."""
    if run.option("weights") or run.option("labels") or isinstance(network, MovingNorm):
        features = Examples(pooled_features(network, fitted.maps), fitted.allowed)
        choose_head(network, features, val, material.recipe)
        return
    weight, bias = first_head(run.target, run.source, draw, material)
    with torch.no_grad():
        network.fc.weight.copy_(weight)
        network.fc.bias.copy_(bias)


@functools.lru_cache(maxsize=8)
def first_head(target: str, source: str, draw: Draw, material: Material) -> tuple[Tensor, Tensor]:
    """Weight (K, F) and bias (K,), chosen on validation among the recipe's penalties."""
    run = Run("", target, 0, source, material.size)
    network = untrained(run, draw, material)
    fitted, val = examples(network, run, draw, material)
    features = Examples(fitted.maps.float().flatten(1), fitted.allowed)
    choose_head(network, features, val, material.recipe)
    return network.fc.weight.detach().clone(), network.fc.bias.detach().clone()
