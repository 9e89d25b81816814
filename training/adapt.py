"""One recipe from a source to a network: head first, equal trials at every depth, frozen proof, calibration."""

import copy
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor

from training.fit import Examples, Trial, fit, predict, validate
from training.head import fit_head, set_loss
from training.metrics import threshold_at_fpr
from training.network import AdaptedNetwork, frozen_names, tensor_hashes
from training.progress import Watch
from training.recipes import Recipe
from training.sources.source import Source
from training.views import Pixels, Prepared

AT_FPR = 0.01  # false-positive rate on validation that the decision threshold is chosen for


@dataclass(frozen=True)
class Adaptation:
    """The chosen network and everything that its manifest and report say."""

    recipe: Recipe
    network: AdaptedNetwork
    head_trials: tuple[Trial, ...]
    trials: tuple[Trial, ...]  # of the thawed stages; empty at depth 0
    before: dict[str, str]
    after: dict[str, str]
    frozen: frozenset[str]
    temperature: float
    threshold: float
    val_ap: float
    val_loss: float
    seconds: dict[str, float]


class FrozenTensorMovedError(RuntimeError):
    """A tensor that the depth keeps frozen is not byte-identical after training."""


def adapt(source: Source, data: Prepared, recipe: Recipe, watch: Watch) -> Adaptation:
    """source: consumed, its backbone becomes the network's. Raises FrozenTensorMovedError when the proof fails."""
    torch.manual_seed(recipe.seed)
    network = AdaptedNetwork(source.backbone, len(data.labels))
    network.thaw(recipe.depth)
    before, seconds = tensor_hashes(network), {}
    clock = time.monotonic()
    train = Examples(frozen_maps(network, data.fit_pixels, torch.bfloat16), data.fit_allowed)
    val = Examples(frozen_maps(network, data.val_pixels, torch.float32), data.val_allowed)
    seconds["cache"], clock = time.monotonic() - clock, time.monotonic()
    head_trials = choose_head(network, Examples(pooled_features(network, train.maps), train.allowed), val, recipe)
    seconds["head"], clock = time.monotonic() - clock, time.monotonic()
    watch.say(f"{recipe.name}: head alone, validation AP {max(t.val_ap for t in head_trials):.3f}")
    trials = choose_rate(network, train, val, recipe, watch) if recipe.depth else ()
    seconds["fit"] = time.monotonic() - clock
    frozen = frozenset(frozen_names(network))
    prove_frozen(before, tensor_hashes(network), frozen)
    logits = predict(network, val.maps)
    temperature = fit_temperature(logits, val.allowed)
    network.temperature.fill_(temperature)
    chances = torch.softmax(logits / temperature, 1)[:, 0].double().numpy()
    threshold = decision_threshold(chances, val.positive.numpy())
    ap, loss = validate(network, val)
    return Adaptation(
        recipe,
        network,
        head_trials,
        trials,
        before,
        tensor_hashes(network),
        frozen,
        temperature,
        threshold,
        ap,
        loss,
        seconds,
    )


@torch.inference_mode()
def frozen_maps(network: AdaptedNetwork, pixels: Pixels, dtype: torch.dtype, batch: int = 128) -> Tensor:
    """Output of the frozen stages for uint8 (M, S, S, 3). Pooled when nothing but the head is left: (M, C, 1, 1).

    bfloat16 (for training) halves memory and time; validation and tests use float32.
    """
    network.eval()
    maps: list[Tensor] = []
    for start in range(0, len(pixels), batch):
        part = torch.from_numpy(np.array(pixels[start : start + batch]))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            x = network.prefix(part)
        pooled = x.float().mean((2, 3), keepdim=True) if network.depth == 0 else x.to(dtype)
        maps.append(pooled)
    return torch.cat(maps)


@torch.inference_mode()
def pooled_features(network: AdaptedNetwork, maps: Tensor, batch: int = 128) -> Tensor:
    """Output of the frozen stages -> float32 features (M, F) in front of the head."""
    network.eval()
    parts = []
    for part in maps.split(batch):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=maps.dtype == torch.bfloat16):
            parts.append(network.features(part).float())
    return torch.cat(parts)


def choose_head(network: AdaptedNetwork, train: Examples, val: Examples, recipe: Recipe) -> tuple[Trial, ...]:
    """Logistic regression on the source's features, one per penalty; the best on validation becomes the head.

    train: `maps` are pooled features (M, F). val: `maps` are the output of the network's frozen stages.
    """
    best, trials = (-1.0, network.fc.weight.detach(), network.fc.bias.detach()), []
    for penalty in recipe.penalties:
        weight, bias = fit_head(train.maps, train.allowed, penalty)
        _set_head(network, weight, bias)
        ap, loss = validate(network, val)
        trials.append(Trial(penalty, ap, loss, ()))
        if ap > best[0]:
            best = (ap, weight, bias)
    _set_head(network, best[1], best[2])
    return tuple(trials)


def choose_rate(
    network: AdaptedNetwork, train: Examples, val: Examples, recipe: Recipe, watch: Watch
) -> tuple[Trial, ...]:
    """One trial per rate from the same start; the best on validation stays in the network."""
    start = copy.deepcopy(network.state_dict())
    best, trials = (-1.0, start), []
    for rate in recipe.rates:
        network.load_state_dict(start)
        watch.start(f"{recipe.name}, rate {rate:g}", recipe.steps)
        trial = fit(network, train, val, recipe, rate, watch.advance)
        trials.append(trial)
        watch.say(
            f"{recipe.name}: rate {rate:g} " + ("diverged" if trial.diverged else f"validation AP {trial.val_ap:.3f}")
        )
        if not trial.diverged and trial.val_ap > best[0]:
            best = (trial.val_ap, copy.deepcopy(network.state_dict()))
    network.load_state_dict(best[1])
    return tuple(trials)


def prove_frozen(before: dict[str, str], after: dict[str, str], frozen: frozenset[str]) -> None:
    """Raises FrozenTensorMovedError when a frozen parameter or buffer changed a single bit."""
    moved = sorted(name for name in frozen if before[name] != after[name])
    if moved:
        raise FrozenTensorMovedError(
            f"{len(moved)} frozen tensors changed, {moved[0]} first. "
            "Statistics moved or the optimizer held them; nothing was kept."
        )


def decision_threshold(chances: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Half way between the highest score to refuse and the next above it: no runtime's last digit decides."""
    refused = threshold_at_fpr(chances, positive, AT_FPR)
    above = chances[chances > refused]
    return float((refused + (above.min() if len(above) else 1.0)) / 2)


def fit_temperature(logits: Tensor, allowed: Tensor) -> float:
    """One temperature that makes validation probabilities honest (Guo et al. 2017), within 1/8 .. 8."""
    result = minimize_scalar(
        lambda t: float(set_loss(logits / float(np.exp(t)), allowed)), bounds=(-np.log(8), np.log(8)), method="bounded"
    )
    return float(np.float32(np.exp(result.x)))


@torch.no_grad()
def _set_head(network: AdaptedNetwork, weight: Tensor, bias: Tensor) -> None:
    network.fc.weight.copy_(weight)
    network.fc.bias.copy_(bias)
