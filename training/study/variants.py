"""Networks that a control needs and no recipe uses: random weights, moving statistics, decay towards the source."""

import numpy as np
import torch
from torch import Tensor, nn

from training.backbone import ResNet, normalise
from training.fit import thawed_parameters
from training.network import AdaptedNetwork
from training.sources.source import Source
from training.views import Pixels


class MovingNorm(AdaptedNetwork):
    """Batch norm in the state that `model.train()` leaves it in: its statistics move in every stage, frozen or not.

    Nothing of it can be cached and nothing proven: it shows what a trainer does that freezes parameters alone.
    """

    def train(self, mode: bool = True) -> "MovingNorm":
        """As torch does it."""
        nn.Module.train(self, mode)
        return self

    def cached_stages(self) -> int:
        """No stage keeps its output."""
        return 0


@torch.no_grad()
def random_source(source: Source, seed: int, pixels: Pixels) -> Source:
    """The same architecture with weights of its initialisation, and statistics measured on `pixels` (N, S, S, 3)."""
    if not isinstance(source.backbone, ResNet):
        raise TypeError("random weights are made for our ResNets alone.")
    torch.manual_seed(seed)
    backbone = ResNet(source.backbone.architecture)
    norms = [module for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # a plain mean over the batches
    backbone.train()
    for part in np.array_split(pixels, max(1, len(pixels) // 128)):
        backbone(normalise(torch.from_numpy(np.array(part)), backbone.mean, backbone.std))
    for norm in norms:
        norm.momentum = 0.1
    return Source(source.facts, "random", backbone.eval(), None)


def shuffled(allowed: Tensor, seed: int) -> Tensor:
    """The same labels in another order: what is left to learn is a leak."""
    order = np.random.default_rng((seed, 3)).permutation(len(allowed))
    return allowed[torch.from_numpy(order)]


def anchor(network: AdaptedNetwork, decay: float) -> None:
    """Weight decay towards the weights as they are now, instead of zero (L2-SP, Li et al. 2018); kernels only."""
    for parameter in thawed_parameters(network):
        if parameter.ndim > 1:
            _anchor(parameter, parameter.detach().clone(), decay)


def _anchor(parameter: nn.Parameter, start: Tensor, decay: float) -> None:
    parameter.register_hook(lambda gradient: gradient + decay * (parameter.detach() - start))
