"""Counter-based random numbers that are the same on every machine and in every NumPy version.

NumPy's generators may change their streams between versions and cost 20 us to seed. Here a number is a
hash (splitmix64, Steele et al. 2014) of who asks and how often it has asked: no state is shared between
images, and a batch is one vector operation. Only + - * / and shifts are used, which IEEE 754 and
integer arithmetic fix to the last bit; sine, exponential and float sums differ between CPUs.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]  # one value an image: float64 (B,)
Words = NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_UNIT = 1.0 / (1 << 53)


def _mix(x: Words) -> Words:
    """The finaliser of splitmix64; x: uint64, an array (scalars would warn when they wrap around)."""
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


class Stream:
    """Numbers for a batch of images; image i's numbers depend on (seed, purpose, indices[i]) alone."""

    def __init__(self, seed: int, purpose: str, indices: NDArray[np.int64]) -> None:
        digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
        key = np.array([int.from_bytes(digest[:8], "little")], np.uint64)
        self._state = _mix(_mix(indices.astype(np.uint64) + key) ^ key)
        self._asked = 0
        self._ahead: Words = np.empty((0, len(indices)), np.uint64)  # drawn, not yet asked for

    def words(self, count: int) -> Words:
        """uint64 (count, B), all bits random."""
        if count > len(self._ahead):  # 64 at a time: one vector operation instead of many small ones
            more = max(64, count) - len(self._ahead)
            counter = np.arange(self._asked + 1, self._asked + 1 + more, dtype=np.uint64)
            self._asked += more
            self._ahead = np.concatenate([self._ahead, _mix(self._state + counter[:, None] * _STEP)])
        result, self._ahead = self._ahead[:count], self._ahead[count:]
        return result

    def uniforms(self, count: int, low: float = 0.0, high: float = 1.0) -> Column:
        """float64 (count, B) in [low, high)."""
        share: Column = (self.words(count) >> np.uint64(11)).astype(np.float64) * _UNIT
        return low + (high - low) * share

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Column:
        """float64 (B,) in [low, high)."""
        column: Column = self.uniforms(1, low, high)[0]
        return column

    def middling(self, low: float, high: float) -> Column:
        """float64 (B,) in [low, high), the middle likelier than the ends (mean of two)."""
        first, second = self.uniforms(2, low, high)
        middle: Column = (first + second) * 0.5
        return middle

    def whole(self, low: int, high: int) -> Column:
        """float64 (B,) of whole numbers in low .. high, both possible."""
        return np.floor(self.uniform(low, high + 1))

    def happens(self, probability: float) -> NDArray[np.bool_]:
        """bool (B,)."""
        return self.uniform() < probability

    def pick(self, weights: tuple[float, ...]) -> NDArray[np.int64]:
        """int64 (B,): which of the weighted alternatives."""
        edges = np.cumsum(np.array(weights))[:-1] / sum(weights)
        return np.searchsorted(edges, self.uniform(), side="right")
