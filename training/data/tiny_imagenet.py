"""Tiny-ImageNet in its own layout, without buses: the source task.

Left out by name: both bus classes, train and val. Left out by hash: every photograph that an adaptation
list uses as train or val, so that adaptation learns from photographs the source has never seen.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.pixels import to_input
from training.data.archives import Container, DataError, sha256

BUS_CLASSES = ("n04146614", "n04487081")  # school bus, trolleybus
PREFIX = "tiny-imagenet/"  # of the collection, in the shipped splits
HOLDOUT_SHARE = 10  # one photograph in ten, by hash, is for choosing net and settings


@dataclass(frozen=True)
class SourceRows:
    """One part of the source task: names inside the container, class index of each, class ids in order."""

    names: tuple[str, ...]
    targets: NDArray[np.int64]
    classes: tuple[str, ...]

    def digest(self) -> str:
        """SHA-256 over names, targets and classes: the data list's identity."""
        payload = json.dumps([self.names, self.targets.tolist(), self.classes])
        return hashlib.sha256(payload.encode()).hexdigest()


def class_ids(container: Container) -> tuple[str, ...]:
    """The 198 classes without a bus, sorted by id."""
    names = container.read("wnids.txt").decode().split()
    return tuple(sorted(set(names) - set(BUS_CLASSES)))


def adaptation_hashes(container: Container, lists: list[Path]) -> set[str]:
    """SHA-256 of each photograph that the lists (`path,split,...`) use."""
    used: set[str] = set()
    for path in lists:
        names = [row["path"].removeprefix(PREFIX) for row in csv.DictReader(io.StringIO(path.read_text()))]
        found = {sha256(container.read(name)) for name in names if name in container}
        if not found:
            raise DataError(f"{path}: none of its photographs is in the source. Give the list that belongs to it.")
        used |= found
    return used


def train_rows(container: Container, excluded: set[str]) -> tuple[SourceRows, SourceRows]:
    """(fit, holdout) of the training photographs without buses and without the excluded hashes."""
    classes = class_ids(container)
    index = {wnid: i for i, wnid in enumerate(classes)}
    parts: tuple[list[tuple[str, int]], list[tuple[str, int]]] = ([], [])
    for name in container.names():
        pieces = name.split("/")
        if pieces[0] != "train" or not name.endswith(".JPEG") or pieces[1] not in index:
            continue
        digest = sha256(container.read(name))
        if digest not in excluded:
            parts[int(digest[:8], 16) % HOLDOUT_SHARE == 0].append((name, index[pieces[1]]))
    fit, holdout = (_rows(part, classes) for part in parts)
    return fit, holdout


def val_rows(container: Container, excluded: set[str]) -> SourceRows:
    """The validation photographs without buses and without the excluded hashes: opened once a net."""
    classes = class_ids(container)
    index = {wnid: i for i, wnid in enumerate(classes)}
    rows: list[tuple[str, int]] = []
    for line in container.read("val/val_annotations.txt").decode().splitlines():
        file, wnid = line.split("\t")[:2]
        name = f"val/images/{file}"
        if wnid in index and sha256(container.read(name)) not in excluded:
            rows.append((name, index[wnid]))
    return _rows(rows, classes)


def load_pixels(
    container: Container, rows: SourceRows, size: int, cache: Path, on_progress: Callable[[int], None] | None = None
) -> NDArray[np.uint8]:
    """uint8 (N, size, size, 3), decoded by the contract once and kept as a memory-mapped file under `cache`."""
    path = cache / f"pixels-{rows.digest()[:16]}-{size}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        pixels = np.empty((len(rows.names), size, size, 3), np.uint8)
        for i, name in enumerate(rows.names):
            pixels[i] = to_input(container.read(name), size).rgb
            if on_progress:
                on_progress(i + 1)
        partial = path.with_suffix(".partial.npy")
        np.save(partial, pixels)
        partial.replace(path)
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return] # stubs say Any


def _rows(rows: list[tuple[str, int]], classes: tuple[str, ...]) -> SourceRows:
    if not rows:
        raise DataError(
            "No Tiny-ImageNet photograph found. Give the folder or the zips that hold wnids.txt, train/ and val/."
        )
    return SourceRows(tuple(name for name, _ in rows), np.array([target for _, target in rows]), classes)
