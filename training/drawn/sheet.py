"""Drawn pictures as files: one photograph as JPEG, many as a contact sheet."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.drawn.render import draw_many

_MARGIN = 3  # pixels of white between pictures


def to_jpeg(image: NDArray[np.uint8], quality: int = 90) -> bytes:
    """image: uint8 (H, W, 3). The bytes depend on Pillow's JPEG library; the image's do not."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return file.getvalue()


def contact_sheet(
    class_names: Sequence[str], indices: Sequence[int], *, seed: int = 0, size: int = 96, style: int = 0
) -> bytes:
    """A PNG: one row a class, one column an index."""
    step = size + _MARGIN
    sheet = np.full((len(class_names) * step + _MARGIN, len(indices) * step + _MARGIN, 3), 255, dtype=np.uint8)
    for row, name in enumerate(class_names):
        for column, image in enumerate(draw_many(seed, name, indices, size, style)):
            top, left = _MARGIN + row * step, _MARGIN + column * step
            sheet[top : top + size, left : left + size] = image
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "PNG")
    return file.getvalue()
