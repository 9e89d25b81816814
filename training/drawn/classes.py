"""Classes and their parameters, read from the table."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.drawn.chance import Column, Stream
from training.drawn.families import BUS, FAMILIES, Family
from training.drawn.tables import TABLE

_WHOLE = frozenset({"windows", "doors", "axles", "sections", "decks", "ribs", "crates"})


@dataclass(frozen=True)
class _Extent:
    """What a parameter may be: from low to high, or 1 with some odds (then low and high are those odds)."""

    low: float
    high: float
    odds: bool = False


def parse_table(table: str) -> dict[str, dict[str, _Extent]]:
    """Name -> parameter -> extent, parents' parameters filled in. Raises ValueError for a row that cannot be read."""
    rows: dict[str, dict[str, _Extent]] = {}
    for line in table.strip().replace("\n    ", " ").splitlines():
        head, _, body = line.partition(":")
        name, _, parent = (word.strip() for word in head.partition("<"))
        if name in rows or (parent and parent not in rows):
            raise ValueError(f"{line!r}: a name must be new and its parent stand above it. Correct the row.")
        rows[name] = dict(rows[parent]) if parent else {}
        for entry in filter(None, (part.strip() for part in body.split(","))):
            parameter, *words = entry.split()
            odds = words[0] == "odds"
            numbers = [float(word) for word in words[odds:]]
            rows[name][parameter] = _Extent(numbers[0], numbers[-1], odds)
    return rows


_CLASSES = {name: row for name, row in parse_table(TABLE).items() if "-" in name}


def classes() -> tuple[str, ...]:
    """Names of the source classes, in a fixed order; no bus among them."""
    return tuple(name for name in _CLASSES if name.partition("-")[0] != BUS)


def bus_classes() -> tuple[str, ...]:
    """Names of the kinds of bus, in a fixed order."""
    return tuple(name for name in _CLASSES if name.partition("-")[0] == BUS)


def label_of(class_name: str) -> str:
    """bus, car, truck (pick-ups, vans, motor campers too), motorbike or other (rails, farm, bicycles, things)."""
    return family_of(class_name).label


def family_of(class_name: str) -> Family:
    """The family of a class. Raises ValueError for a name that is no class."""
    if class_name not in _CLASSES:
        known = ", ".join(_CLASSES)
        raise ValueError(
            f"{class_name!r} is no drawn class. Known are {known}. Take one of classes() or bus_classes()."
        )
    return FAMILIES[class_name.partition("-")[0]]


def shape_of(seed: int, class_name: str, indices: NDArray[np.int64]) -> dict[str, Column]:
    """The class's parameters, drawn for each image; indices int64 (B,). Columns (B,)."""
    return {name: _drawn(seed, class_name, name, extent, indices) for name, extent in _CLASSES[class_name].items()}


def _drawn(seed: int, class_name: str, parameter: str, extent: _Extent, indices: NDArray[np.int64]) -> Column:
    """Each parameter has its own stream, so that a new one in the table leaves the others as they are."""
    if extent.low == extent.high and not extent.odds:
        return np.full(len(indices), extent.low)
    stream = Stream(seed, f"shape/{class_name}/{parameter}", indices)
    if extent.odds:
        return np.where(stream.happens(extent.low), 1.0, 0.0)
    if parameter in _WHOLE:
        return stream.whole(int(extent.low), int(extent.high))
    return stream.uniform(extent.low, extent.high)
