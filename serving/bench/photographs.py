"""Photographs to measure with, when nobody gives any: noise in octaves, which costs a decoder what a street does."""

import contextlib
import io
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = (640, 480)
BYTES = 75_000
OCTAVES = (4, 8, 16, 32, 64, 128, 320)


def read_or_draw(paths: list[Path], count: int = 16) -> list[bytes]:
    """The files' bytes; without paths `count` JPEGs of 640x480 and about 75 kB, the same every time."""
    return [path.read_bytes() for path in paths] if paths else [draw(seed) for seed in range(count)]


@contextlib.contextmanager
def as_files(photographs: Iterable[bytes]) -> Iterator[Path]:
    """A folder of them for the block, in their order by name: the client is a process of its own and reads files."""
    with tempfile.TemporaryDirectory(prefix="thaw-photographs-") as place:
        for number, data in enumerate(photographs):
            (Path(place) / f"{number:03}.jpg").write_bytes(data)
        yield Path(place)


def draw(seed: int) -> bytes:
    """A JPEG of the quality that comes nearest to BYTES from above."""
    random = np.random.default_rng(seed)
    total = np.full((SIDE[1], SIDE[0], 3), 128.0)
    for octave in OCTAVES:
        coarse = random.integers(0, 256, (max(2, octave * 3 // 4), octave, 3), dtype=np.uint8)
        total += (
            (np.asarray(Image.fromarray(coarse).resize(SIDE, Image.Resampling.BICUBIC)) - 128.0) * octave**-0.42 * 1.5
        )
    picture = Image.fromarray(total.clip(0, 255).astype(np.uint8))
    low, high = 20, 97
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if len(_jpeg(picture, middle)) < BYTES else (low, middle)
    return _jpeg(picture, low)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
