"""Look at photographs once: their bytes' hash, what the header says, and a small upright picture."""

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contract.errors import PhotographError
from contract.pixels import to_input
from training.data.archives import DataError, sha256
from training.data.collections import Reader
from training.data.duplicates import FINGERPRINT_SIDE

_EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Header:
    """Before turning: pixels, Pillow's mode, EXIF orientation (1 = upright)."""

    width: int
    height: int
    mode: str
    orientation: int


@dataclass(frozen=True)
class Inspected:
    """`rgb`: uint8 (64, 64, 3), or None with a `problem` (its `kind` is a PhotographError's, or `missing`)."""

    path: str
    sha256: str = ""
    size: int = 0
    header: Header | None = None
    rgb: NDArray[np.uint8] | None = None
    kind: str = ""
    problem: str = ""


def inspect_all(paths: Sequence[str], reader: Reader) -> Iterator[Inspected]:
    """Each path in order, decoded on all cores. What cannot be used comes with its problem, never raises."""
    with ThreadPoolExecutor() as pool:
        yield from pool.map(lambda path: inspect_photograph(path, reader), paths)


def inspect_photograph(path: str, reader: Reader) -> Inspected:
    """One photograph; see `inspect_all`."""
    try:
        data = reader.read(path)
    except DataError as error:
        return Inspected(path, kind="missing", problem=str(error))
    digest = sha256(data)
    try:
        rgb = to_input(data, FINGERPRINT_SIDE).rgb
    except PhotographError as error:
        return Inspected(path, digest, len(data), kind=error.kind, problem=str(error))
    return Inspected(path, digest, len(data), _header(data), rgb)


def _header(data: bytes) -> Header:
    """Only the header is read here: pixels come from the contract."""
    with Image.open(io.BytesIO(data)) as image:
        orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
        return Header(image.width, image.height, image.mode, orientation if orientation in range(1, 9) else 1)
