"""What the bootstrap draws: groups of photographs, and the runs' sources, draws and seeds.

All rows share one set of resamples: a photograph that two runs were tested on is drawn for both or for neither.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.archives import DataError
from training.study.pools import Photographs, listed, parts_of, photographs, pool, pool_sha256
from training.study.rows import Listed

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Key = tuple[str, str, int, int]  # target, source, draw, seed: what paired runs have in common


@dataclass(frozen=True)
class Panel:
    """The photographs of one list. `member`: place of each one's group among all groups, (N,)."""

    member: Ints
    groups: NDArray[np.str_]
    is_bus: NDArray[np.bool_]
    is_rival: NDArray[np.bool_]
    words: NDArray[np.str_]


class Groups:
    """Every group of the pools in use, and how often each resample holds it.

    Strata: groups with a bus apart from the rest, each collection for itself.
    """

    def __init__(self, pools: Iterable[str], resamples: int, seed: int) -> None:
        parts = sorted({part for name in pools for part in parts_of(name)})
        self.place: dict[str, int] = {}
        strata: list[Ints] = []
        for part in parts:
            found = whole(part)
            names = dict.fromkeys(found.groups[found.is_bus].tolist()), dict.fromkeys(found.groups.tolist())
            for stratum in names:
                new = [name for name in stratum if name not in self.place]
                strata.append(np.arange(len(self.place), len(self.place) + len(new)))
                self.place |= {name: len(self.place) + i for i, name in enumerate(new)}
        random = np.random.default_rng((seed, 0))
        self.times = self._times(strata, resamples, random)

    def _times(self, strata: list[Ints], count: int, random: np.random.Generator) -> Floats:
        """float32 (groups, count): each column one resample."""
        times = np.zeros((len(self.place), count), np.float32)
        for stratum in strata:
            if size := len(stratum):
                drawn = random.integers(size, size=(count, size)) + np.arange(count)[:, None] * size
                times[stratum] = np.bincount(drawn.ravel(), minlength=count * size).reshape(count, size).T
        return times

    def panel(self, found: Listed) -> Panel:
        """Raises DataError when the pool is no longer the one that the list was made from."""
        if pool_sha256(found.pool) != found.pool_sha256:
            raise DataError(f"{found.pool}: its split file has changed since the scores were stored. Restore the file.")
        every, places = whole(found.pool), np.array(found.places)
        groups = every.groups[places]
        member = np.array([self.place[name] for name in groups.tolist()], np.int64)
        return Panel(member, groups, every.is_bus[places], every.is_rival[places], every.words[places])


@functools.lru_cache(maxsize=8)
def whole(name: str) -> Photographs:
    """Every photograph of a pool."""
    return photographs(listed(name, tuple(range(len(pool(name))))))


class Runs:
    """How often each replicate holds a source, a draw, a seed within them; the same for every contrast.

    Of k sources or draws k - 1 are drawn, with replacement: k of k would understate their spread by (k - 1) / k,
    which for two sources is half. A draw number means the same photographs for every target, so it is drawn once.
    """

    def __init__(self, replicates: int, seed: int) -> None:
        self.replicates, self.seed = replicates, seed

    def weights(self, keys: list[Key]) -> Floats:
        """float32 (1 + replicates, keys): the first line is what was run, each once."""
        sources, draws = self._times(1, [key[1] for key in keys]), self._times(2, [str(key[2]) for key in keys])
        out = np.ones((1 + self.replicates, len(keys)), np.float32)
        for i, key in enumerate(keys):
            out[1:, i] = sources[key[1]] * draws[str(key[2])]
        for cell, inside in _cells(keys).items():
            # The same cell draws the same seeds in every contrast, whatever else is in it.
            random = np.random.default_rng([self.seed, 3, *map(ord, "/".join(map(str, cell)))])
            drawn = random.integers(len(inside), size=(self.replicates, len(inside)))
            for i, place in enumerate(inside):
                out[1:, place] *= (drawn == i).sum(1)
        return out

    def _times(self, stream: int, names: list[str]) -> Mapping[str, Floats]:
        known = sorted(set(names))
        random = np.random.default_rng((self.seed, stream))
        if len(known) == 1:
            return {known[0]: np.ones(self.replicates, np.float32)}
        drawn = random.integers(len(known), size=(self.replicates, len(known) - 1))
        return {name: (drawn == i).sum(1).astype(np.float32) for i, name in enumerate(known)}


def _cells(keys: list[Key]) -> dict[tuple[str, str, int], list[int]]:
    out: dict[tuple[str, str, int], list[int]] = {}
    for i, (target, source, draw, _) in enumerate(keys):
        out.setdefault((target, source, draw), []).append(i)
    return out
