"""Pixels and frozen outputs of whole pools, made once and mapped from files: what makes a trial cheap."""

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.adopt import SHIPPED_LISTS, read_given, strata
from training.backbone import STAGES
from training.data.collections import Reader, open_collections
from training.data.label_sets import LABELS
from training.drawn_job import DrawnPhotographs
from training.forgetting import OldTask
from training.network import AdaptedNetwork
from training.recipes import Recipe
from training.sources.read import read_source
from training.sources.source import Source
from training.state import state_folder
from training.study.draws import Strata
from training.study.pools import JOINED, parts_of, pool, pool_sha256
from training.views import Pixels, allowed_labels, augmented_views, plain_pixels

CACHED = len(STAGES) - 1  # stages whose output is kept in files: what depth 1 leaves frozen
Maps = NDArray[np.uint16] | NDArray[np.float32]  # bfloat16 has no numpy type: its bits are kept as uint16


@dataclass(frozen=True)
class Material:
    """Where photographs come from, how large they are fed, how many views each has."""

    root: Path | None  # the collections of photographs; None: drawn vehicles alone
    size: int
    views: int
    threads: int = 1

    @property
    def reader(self) -> Reader:
        """Bytes of a photograph by its path in a pool."""
        return DrawnPhotographs() if self.root is None else open_collections(self.root)

    @property
    def recipe(self) -> Recipe:
        """Names the views: size, number, augmentation, seed."""
        return Recipe("study", depth=0, size=self.size, views=self.views)

    def strata(self, name: str) -> Strata:
        """Path -> what a draw keeps in proportion."""
        return _strata(self.root, name)

    def allowed(self, name: str, places: tuple[int, ...]) -> Tensor:
        """bool (N, K): which labels may be true."""
        rows = pool(name)
        return allowed_labels([rows[i] for i in places], LABELS)

    def plain(self, name: str, places: tuple[int, ...]) -> Pixels:
        """uint8 (N, S, S, 3), as served."""
        return _gather(name, places, lambda part: _plain(self, part)[None])[0]

    def augmented(self, name: str, places: tuple[int, ...]) -> Pixels:
        """uint8 (views * N, S, S, 3), view by view."""
        found = _gather(name, places, lambda part: _views(self, part))
        return found.reshape(-1, *found.shape[2:])

    def plain_maps(self, source: str, name: str, places: tuple[int, ...]) -> Tensor:
        """float32 (N, C, h, w): output of the first four stages for photographs as served."""
        return torch.from_numpy(_gather(name, places, lambda part: _maps(self, source, part, "plain"))[0])

    def view_maps(self, source: str, name: str, places: tuple[int, ...]) -> Tensor:
        """bfloat16 (views * N, C, h, w)."""
        found = _gather(name, places, lambda part: _maps(self, source, part, "views"))
        return torch.from_numpy(found.reshape(-1, *found.shape[2:]).view(np.int16)).view(torch.bfloat16)

    def view_features(self, source: str, name: str, places: tuple[int, ...]) -> Tensor:
        """float32 (views * N, F, 1, 1): pooled output of all stages."""
        found = _gather(name, places, lambda part: _features(self, source, part))
        return torch.from_numpy(found.reshape(-1, found.shape[2], 1, 1))

    def old_task(self) -> OldTask | None:
        """Photographs of the source's own classes, where there are some."""
        return _old_task(self.root) if self.root else None


def fresh_source(source: str, size: int) -> Source:
    """A copy that an adaptation may consume."""
    return read_source(source, size)


def _gather(name: str, places: tuple[int, ...], part: Callable[[str], NDArray]) -> NDArray:  # type: ignore[type-arg] # any dtype
    """Rows of a joined pool from the files of its parts, (views, N, ...), in the order of `places`."""
    found, first, wanted = [], 0, np.array(places)
    for inner in JOINED.get(name, (name,)):
        count = len(pool(inner))
        inside = (wanted >= first) & (wanted < first + count)
        if inside.any():
            found.append((inside, part(inner)[:, wanted[inside] - first]))
        first += count
    out = np.empty((found[0][1].shape[0], len(places), *found[0][1].shape[2:]), found[0][1].dtype)
    for inside, values in found:
        out[:, inside] = values
    return out


def _plain(material: Material, name: str) -> Pixels:
    return plain_pixels(pool(name), material.reader, material.size, material.threads)


def _views(material: Material, name: str) -> Pixels:
    found = augmented_views(pool(name), material.reader, material.recipe, material.threads)
    return found.reshape(material.views, -1, *found.shape[1:])


def _maps(material: Material, source: str, name: str, part: str) -> Maps:
    """(views or 1, N, C, h, w), mapped. Written once, renamed when whole."""
    path = _file(material, source, name, part)
    if not path.exists():
        network = AdaptedNetwork(fresh_source(source, material.size).backbone, len(LABELS))
        network.thaw(len(STAGES) - CACHED)
        pixels = _views(material, name) if part == "views" else _plain(material, name)[None]
        _write(path, pixels, _prefix(network, pixels, bf16=part == "views"))
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return] # numpy's stub says Any


@torch.inference_mode()
def _prefix(network: AdaptedNetwork, pixels: Pixels, bf16: bool, batch: int = 128) -> Iterator[Maps]:
    network.eval()
    for view in pixels:
        for start in range(0, len(view), batch):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
                x = network.prefix(torch.from_numpy(np.array(view[start : start + batch])))
            yield (
                x.bfloat16().contiguous().view(torch.int16).numpy().view(np.uint16) if bf16 else x.contiguous().numpy()
            )


@torch.inference_mode()
def _tail(network: AdaptedNetwork, maps: Maps, batch: int = 256) -> Iterator[NDArray[np.float32]]:
    network.eval()
    for view in maps:
        for start in range(0, len(view), batch):
            part = torch.from_numpy(np.array(view[start : start + batch]).view(np.int16)).view(torch.bfloat16)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                yield network.features(part).float().numpy()


def _features(material: Material, source: str, name: str) -> NDArray[np.float32]:
    path = _file(material, source, name, "features")
    if not path.exists():
        network = AdaptedNetwork(fresh_source(source, material.size).backbone, len(LABELS))
        network.thaw(len(STAGES) - CACHED)
        maps = _maps(material, source, name, "views")
        _write(path, maps, _tail(network, maps))
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return] # numpy's stub says Any


def _write(path: Path, like: NDArray, blocks: Iterator[NDArray]) -> None:  # type: ignore[type-arg] # any dtype
    """Blocks of rows, in order, as one (views, N, ...) file."""
    partial, out, place = path.with_suffix(f".{os.getpid()}.npy"), None, 0
    total = like.shape[0] * like.shape[1]
    for block in blocks:
        if out is None:
            out = np.lib.format.open_memmap(partial, "w+", block.dtype, (*like.shape[:2], *block.shape[1:]))
            flat = out.reshape(total, *block.shape[1:])
        flat[place : place + len(block)] = block
        place += len(block)
    del out
    partial.replace(path)


def _file(material: Material, source: str, name: str, part: str) -> Path:
    digest = fresh_source(source, material.size).sha256[:12]
    settings = f"{material.size}-v{material.views}" if part != "plain" else str(material.size)
    return state_folder("study", "maps") / f"{part}-{digest}-{name}-{pool_sha256(name)[:12]}-{settings}.npy"


@functools.lru_cache(maxsize=8)
def _strata(root: Path | None, name: str) -> Strata:
    if root is None:
        return {row.path: row.word for row in pool(name)}
    found: dict[str, str] = {}
    for part in parts_of(name):
        collection = SHIPPED_LISTS[part]
        given = read_given(root / "splits" / f"{part}.csv")
        found |= {
            f"{collection}/{path}": key for path, key in strata(collection, open_collections(root), given).items()
        }
    return found


@functools.lru_cache(maxsize=1)
def _old_task(root: Path) -> OldTask:
    from training.photographs_job import old_task  # it opens the collections

    return old_task(root)
