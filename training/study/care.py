"""Two ways to adapt: careful (the shipped recipe at a rate per depth) and naive (what a library's defaults give).

Naive: a random head, one rate for all depths, 30 epochs of the plain photographs, the last weights. It differs from
careful in everything that a tutorial leaves out, so that a verdict can be asked to survive the change.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.fit import REPORT_EVERY, Examples, fit, thawed_parameters, validate
from training.head import set_loss
from training.network import AdaptedNetwork
from training.recipes import Recipe

NAIVE_RATE = 1e-3  # the default of torch.optim.Adam, at every depth
NAIVE_EPOCHS, NAIVE_BATCH = 30, 64
NAIVE_LOOKS = 3  # epochs between two looks at validation; they choose nothing but `chosen`
State = dict[str, Tensor]


class DivergedError(RuntimeError):
    """The loss stopped being finite."""


@dataclass(frozen=True)
class Weights:
    """States of one network: the one that counts, after the last step, and at the step that validation liked best."""

    final: State
    end: State
    chosen: State


def train_carefully(network: AdaptedNetwork, train: Examples, val: Examples, recipe: Recipe, rate: float) -> Weights:
    """The shipped recipe from the head that the network has. Raises DivergedError."""
    kept: dict[int, State] = {}

    def keep(step: int) -> None:
        if step % REPORT_EVERY == 0 or step == recipe.steps:
            kept[step] = state_of(network)

    trial = fit(network, train, val, recipe, rate, keep)
    if trial.diverged:
        raise DivergedError(f"rate {rate:g}: the loss stopped being finite.")
    best = max(trial.curve, key=lambda point: point["val_ap"], default={"step": recipe.steps})
    return Weights(state_of(network), kept[recipe.steps], kept[int(best["step"])])


def train_naively(
    network: AdaptedNetwork, train: Examples, val: Examples, seed: int, epochs: int = NAIVE_EPOCHS
) -> Weights:
    """train: one plain view of each photograph. The head starts anew from `seed`. Raises DivergedError."""
    torch.manual_seed(seed)
    network.fc.reset_parameters()
    optimizer = torch.optim.Adam(thawed_parameters(network), lr=NAIVE_RATE)
    random = np.random.default_rng((seed, 2))
    best, chosen = -1.0, state_of(network)
    for epoch in range(epochs):
        loss = _epoch(network, optimizer, train, random)
        if not np.isfinite(loss):
            raise DivergedError(f"rate {NAIVE_RATE:g}: the loss stopped being finite.")
        if (epoch + 1) % NAIVE_LOOKS == 0:
            ap, _ = validate(network, val)
            if ap > best:
                best, chosen = ap, state_of(network)
    last = state_of(network)
    return Weights(last, last, chosen)


def _epoch(
    network: AdaptedNetwork, optimizer: torch.optim.Optimizer, train: Examples, random: np.random.Generator
) -> float:
    loss = torch.zeros(())
    for rows in np.array_split(random.permutation(len(train.maps)), -(-len(train.maps) // NAIVE_BATCH)):
        network.train()
        maps = train.maps[rows].to(torch.bfloat16, memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network.suffix(maps)
        loss = set_loss(logits.float(), train.allowed[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call] # torch's own annotation is missing
        optimizer.step()
    return float(loss.detach())


def state_of(network: AdaptedNetwork) -> State:
    """A copy of what the depth thaws."""
    thawed = {id(parameter) for parameter in thawed_parameters(network)}
    return {name: p.detach().clone() for name, p in network.named_parameters() if id(p) in thawed}


@torch.no_grad()
def put(network: AdaptedNetwork, state: State) -> None:
    """Load the thawed tensors."""
    network.load_state_dict(state, strict=False)


def between(start: State, end: State, share: float) -> State:
    """Weights on the line from `start` (0) to `end` (1) (Wortsman et al. 2022)."""
    return {name: start[name] + share * (end[name] - start[name]) for name in end}
