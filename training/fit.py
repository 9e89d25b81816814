"""The loop: one network, one rate, one seed, on the cached output of its frozen stages."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from training.head import set_loss
from training.metrics import average_precision
from training.network import AdaptedNetwork
from training.pretrain import rate_between
from training.recipes import Recipe

REPORT_EVERY = 50  # steps between two points of a curve


@dataclass(frozen=True)
class Examples:
    """`maps`: output of the frozen stages (M, C, h, w) or of all of them; `allowed`: bool (M, K) sets of labels."""

    maps: Tensor
    allowed: Tensor

    @property
    def positive(self) -> Tensor:
        """Whether the new class (label 0) is the only one allowed."""
        return self.allowed[:, 0] & (self.allowed.sum(1) == 1)


@dataclass(frozen=True)
class Trial:
    """What one rate (or one penalty, at depth 0) gave on validation, and the curve on the way."""

    setting: float
    val_ap: float
    val_loss: float
    curve: tuple[dict[str, float], ...]
    diverged: bool = False


class TailAverage:
    """Running mean of the weights over the last steps: less noise between seeds than the last step alone."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        self._parameters = parameters
        self._means = [p.detach().clone() for p in parameters]
        self._count = 0

    def add(self) -> None:
        """Take the weights of this step in."""
        self._count += 1
        for mean, parameter in zip(self._means, self._parameters, strict=True):
            mean += (parameter.detach() - mean) / self._count

    @torch.no_grad()
    def apply(self) -> None:
        """Put the mean into the network."""
        for mean, parameter in zip(self._means, self._parameters, strict=True):
            parameter.copy_(mean)


def fit(
    network: AdaptedNetwork, train: Examples, val: Examples, recipe: Recipe, rate: float, on_step: Callable[[int], None]
) -> Trial:
    """Train the thawed stages in place; the weights that stay are the average over the last steps.

    A trial whose loss stops being finite ends there and says so; it is never chosen.
    """
    optimizer, tail = make_optimizer(network, recipe, rate), TailAverage(thawed_parameters(network))
    random = np.random.default_rng((recipe.seed, 1))
    curve: list[dict[str, float]] = []
    losses: list[float] = []
    for step in range(recipe.steps):
        rows = torch.from_numpy(random.integers(0, len(train.maps), recipe.batch))
        for group in optimizer.param_groups:
            group["lr"] = rate_between(rate, step, recipe.steps, recipe.warmup_share)
        losses.append(_step(network, optimizer, Examples(train.maps[rows], train.allowed[rows]), recipe))
        on_step(step + 1)
        if not np.isfinite(losses[-1]):
            return Trial(rate, float("nan"), float("nan"), tuple(curve), diverged=True)
        if step >= recipe.steps * (1 - recipe.averaged_share):
            tail.add()
        if (step + 1) % REPORT_EVERY == 0:
            ap, loss = validate(network, val)
            train_loss = float(np.mean(losses[-REPORT_EVERY:]))
            curve.append({"step": step + 1, "train_loss": train_loss, "val_loss": loss, "val_ap": ap})
    tail.apply()
    return Trial(rate, *validate(network, val), tuple(curve))


def thawed_parameters(network: AdaptedNetwork) -> list[nn.Parameter]:
    """Exactly what the depth thaws, head included."""
    return [p for p in network.parameters() if p.requires_grad]


def make_optimizer(network: AdaptedNetwork, recipe: Recipe, rate: float) -> torch.optim.SGD:
    """Holds the thawed parameters and nothing else; weight decay on matrices and kernels alone."""
    thawed = thawed_parameters(network)
    groups = [
        {"params": [p for p in thawed if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in thawed if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=rate, momentum=recipe.momentum, nesterov=True)


@torch.inference_mode()
def predict(network: AdaptedNetwork, maps: Tensor, batch: int = 128) -> Tensor:
    """float32 logits (M, K) from the output of the frozen stages."""
    network.eval()
    return torch.cat([network.suffix(part.float()) for part in maps.split(batch)])


def validate(network: AdaptedNetwork, val: Examples) -> tuple[float, float]:
    """(average precision of the new class, loss) on unaugmented validation photographs."""
    logits = predict(network, val.maps)
    scores = log_odds(logits).numpy()
    return average_precision(scores, val.positive.numpy()), float(set_loss(logits, val.allowed))


def log_odds(logits: Tensor) -> Tensor:
    """Score of the new class (label 0): its logit minus the log-sum of the others, float64 (N,)."""
    logits = logits.double()
    return logits[:, 0] - torch.logsumexp(logits[:, 1:], 1)


def _step(network: AdaptedNetwork, optimizer: torch.optim.Optimizer, batch: Examples, recipe: Recipe) -> float:
    network.train()
    maps = batch.maps.to(torch.bfloat16 if recipe.bf16 else torch.float32, memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=recipe.bf16):
        logits = network.suffix(maps)
    loss = set_loss(logits.float(), batch.allowed)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call] # not annotated there
    nn.utils.clip_grad_norm_(thawed_parameters(network), recipe.clip)
    optimizer.step()
    return float(loss.detach())
