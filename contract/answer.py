"""Probabilities -> labels in the order in which every runtime answers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def ranked(labels: Sequence[str], probabilities: NDArray[np.float32]) -> dict[str, float]:
    """probabilities: float32 (K,). Label -> probability, highest first; equal ones in the manifest's order."""
    scores = probabilities.tolist()
    return {labels[i]: scores[i] for i in sorted(range(len(labels)), key=lambda i: -scores[i])}
