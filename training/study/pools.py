"""The photographs that a study draws from: a list with a fixed order, so that a place in it names a photograph."""

import functools
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.archives import DataError
from training.data.rows import Row
from training.split import label_text, read_split
from training.study.rows import Listed

SPLITS = Path(__file__).parents[1] / "splits"
JOINED = {"both": ("street-tiles", "tiny-imagenet-bus")}
PHOTOGRAPHS = ("street-tiles", "tiny-imagenet-bus", "phone-city")
# Pseudo-target -> the collection it is made from, and the words that stand for the bus there; buses become `other`.
PSEUDO = {
    "pseudo-tiny-car": ("tiny-imagenet-bus", frozenset({"n02814533", "n03100240", "n03670208", "n04285008"})),
    "pseudo-street-cycle": ("street-tiles", frozenset({"bicycle", "motorbike"})),
}
_MAY_SHOW_ANY = "street"  # a scene that may hold a bicycle or a car: no sure photograph of something else
RIVALS = frozenset({"car", "truck"})  # vans and box trucks are trucks


@dataclass(frozen=True)
class Photographs:
    """What the statistics need to know of each photograph of a list, all (N,)."""

    groups: NDArray[np.str_]
    is_bus: NDArray[np.bool_]
    is_rival: NDArray[np.bool_]  # surely a car or a truck
    words: NDArray[np.str_]  # the collection's own class


@functools.lru_cache(maxsize=16)
def pool(name: str) -> tuple[Row, ...]:
    """Every row of a collection's split file, whatever its split there; `both` is street-tiles, then tiny-imagenet-bus.

    Raises DataError for an unknown name.
    """
    if name in JOINED:
        return tuple(row for part in JOINED[name] for row in pool(part))
    if name in PSEUDO:
        return tuple(_stood_for(row, PSEUDO[name][1]) for row in pool(PSEUDO[name][0]) if row.word != _MAY_SHOW_ANY)
    if name.startswith("drawn"):
        from training.study.drawn_pool import drawn_pool  # drawing code is not needed to judge photographs

        return drawn_pool(name)
    if name not in PHOTOGRAPHS:
        raise DataError(
            f"Pool {name!r} is none of {', '.join((*PHOTOGRAPHS, *JOINED, *PSEUDO))}, drawn. Name one of them."
        )
    return tuple(read_split(SPLITS / f"{name}.csv"))


def parts_of(name: str) -> tuple[str, ...]:
    """The collections whose photographs a pool holds."""
    return (PSEUDO[name][0],) if name in PSEUDO else JOINED.get(name, (name,))


def _stood_for(row: Row, words: frozenset[str]) -> Row:
    if row.word in words:
        return replace(row, labels=frozenset({"bus"}))
    return replace(row, labels=frozenset({"other"})) if row.labels == {"bus"} else row


@functools.lru_cache(maxsize=16)
def pool_sha256(name: str) -> str:
    """Identity of a pool: its paths, labels and groups, in order."""
    lines = "".join(f"{row.path},{label_text(row)},{row.group}\n" for row in pool(name))
    return hashlib.sha256(lines.encode()).hexdigest()


def listed(name: str, places: tuple[int, ...]) -> Listed:
    """A list of places in a pool, as stored beside its scores."""
    return Listed(name, pool_sha256(name), places)


def list_id(found: Listed) -> str:
    """Names a list by its content."""
    text = f"{found.pool_sha256} {','.join(map(str, found.places))}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.lru_cache(maxsize=512)
def photographs(found: Listed) -> Photographs:
    """Raises DataError when the pool is no longer the one that the list was made from."""
    if pool_sha256(found.pool) != found.pool_sha256:
        raise DataError(f"{found.pool}: its split file has changed since the scores were stored. Restore the file.")
    rows = [pool(found.pool)[place] for place in found.places]
    return Photographs(
        np.array([row.group for row in rows]),
        np.array([row.labels == {"bus"} for row in rows]),
        np.array([row.labels <= RIVALS for row in rows]),
        np.array([row.word for row in rows]),
    )
