"""What an adaptation does to the old task: the source's own head on the adapted backbone, minus before."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.network import AdaptedNetwork
from training.sources.source import Source


@dataclass(frozen=True)
class OldTask:
    """Photographs of the source's own classes that neither pretraining nor a bus test has used."""

    pixels: NDArray[np.uint8]  # uint8 (N, S, S, 3), at the source's own size
    targets: NDArray[np.int64]


def old_top1(network: AdaptedNetwork, head: tuple[Tensor, Tensor], task: OldTask) -> float:
    """Share of old photographs that the old head still gets right on the network's backbone, float32."""
    weight, bias = head
    network.eval()
    hits, batch = 0, 256
    with torch.inference_mode():
        for start in range(0, len(task.targets), batch):
            features = network.features(network.prefix(torch.from_numpy(np.array(task.pixels[start : start + batch]))))
            found = (features @ weight.T + bias).argmax(1).numpy()
            hits += int((found == task.targets[start : start + batch]).sum())
    return hits / len(task.targets)


def source_network(source: Source) -> AdaptedNetwork:
    """The source as it is, with an unused head: for its own top-1 before any adaptation."""
    return AdaptedNetwork(source.backbone, 2)
