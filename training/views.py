"""Rows -> pixels: each photograph as it will be served, and its augmented views, made once and mapped."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contract.pixels import decode_photograph, to_input
from training.augment import augment
from training.data.archives import DataError
from training.data.collections import Reader
from training.data.label_sets import LABELS
from training.data.rows import Row
from training.recipes import Recipe
from training.state import state_folder

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Prepared:
    """What an adaptation learns from. Views lie view by view: `fit_pixels[v * N + i]` is view v of photograph i."""

    labels: tuple[str, ...]  # the new class first
    fit_rows: tuple[Row, ...]
    val_rows: tuple[Row, ...]
    fit_pixels: Pixels  # uint8 (views * N, S, S, 3)
    fit_allowed: Tensor  # bool (views * N, K)
    val_pixels: Pixels  # uint8 (M, S, S, 3)
    val_allowed: Tensor  # bool (M, K)


def label_order(rows: Sequence[Row], new_label: str) -> tuple[str, ...]:
    """The shipped models' labels when they cover the rows, else the rows' own; the new one first."""
    found = {label for row in rows for label in row.labels}
    if new_label not in found:
        raise DataError(
            f"No photograph of {new_label!r}; the labels are {', '.join(sorted(found))}. Name the new class with --new."
        )
    if LABELS[0] == new_label and found <= set(LABELS):
        return LABELS
    return (new_label, *sorted(found - {new_label}))


def prepare(rows: Sequence[Row], reader: Reader, recipe: Recipe, labels: tuple[str, ...], threads: int) -> Prepared:
    """Decode and augment the `fit` rows, decode the `val` rows. A second call maps the files of the first."""
    fit_rows, val_rows = (tuple(row for row in rows if row.split == split) for split in ("fit", "val"))
    for name, part in (("fit", fit_rows), ("val", val_rows)):
        if not part:
            raise DataError(f"The split has no {name} rows. Make it with `python -m training split`.")
    if not any(row.labels == {labels[0]} for row in val_rows):
        raise DataError(
            f"The val rows hold no {labels[0]}: nothing could be chosen. Split again with more photographs."
        )
    views = augmented_views(fit_rows, reader, recipe, threads)
    val = plain_pixels(val_rows, reader, recipe.size, threads)
    allowed = allowed_labels(fit_rows, labels).repeat(recipe.views, 1)
    return Prepared(labels, fit_rows, val_rows, views, allowed, val, allowed_labels(val_rows, labels))


def augmented_views(rows: Sequence[Row], reader: Reader, recipe: Recipe, threads: int) -> Pixels:
    """uint8 (views * N, S, S, 3), view by view. A second call maps the file of the first."""
    return _mapped(
        state_folder("views"),
        ("views", _identity(rows), recipe),
        lambda: _all_views(rows, reader, recipe, threads),
    )


def plain_pixels(rows: Sequence[Row], reader: Reader, size: int, threads: int) -> Pixels:
    """uint8 (N, S, S, 3), exactly what the servers feed the graph."""

    def make() -> Pixels:
        with ThreadPoolExecutor(threads) as pool:
            return np.stack(list(pool.map(lambda row: to_input(reader.read(row.path), size).rgb, rows)))

    return _mapped(state_folder("views"), ("plain", _identity(rows), size), make)


def allowed_labels(rows: Sequence[Row], labels: tuple[str, ...]) -> Tensor:
    """bool (N, K): which labels may be true, in the given order."""
    unknown = {label for row in rows for label in row.labels} - set(labels)
    if unknown:
        raise DataError(
            f"Labels {', '.join(sorted(unknown))} are none of {', '.join(labels)}. Map them with a label map."
        )
    return torch.tensor([[label in row.labels for label in labels] for row in rows])


def _all_views(rows: Sequence[Row], reader: Reader, recipe: Recipe, threads: int) -> Pixels:
    out = np.empty((recipe.views, len(rows), recipe.size, recipe.size, 3), np.uint8)

    def make(index: int) -> None:
        rgb = decode_photograph(reader.read(rows[index].path), size_hint=recipe.size).rgb
        for view in range(recipe.views):
            out[view, index] = augment(rgb, recipe.size, recipe.augmentation, (recipe.seed, index, view))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(make, range(len(rows))))
    return out.reshape(-1, recipe.size, recipe.size, 3)


def _identity(rows: Sequence[Row]) -> str:
    return hashlib.sha256(json.dumps([(row.path, row.sha256) for row in rows]).encode()).hexdigest()


def _mapped(cache: Path, key: tuple[object, ...], make: Callable[[], Pixels]) -> Pixels:
    """Recipes that differ only in depth, rates or steps share their views."""
    parts = [
        [part.size, part.views, part.seed, asdict(part.augmentation)] if isinstance(part, Recipe) else part
        for part in key
    ]
    path = cache / f"{key[0]}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.npy")  # two processes may make the same one
        np.save(partial, make())
        partial.replace(path)
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return] # stubs say Any
