"""Convex faces -> pixels, all images of a batch in one sweep of array operations.

Every face becomes one span of pixels a row; spans are laid down from far to near as face numbers, so the
cost is that of the pixels, not of the number of faces. Colours are looked up once at the end.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Outlines:
    """P faces of B images. Corners of one face follow each other."""

    x: Numbers  # (T, B) pixels, T corners in all
    y: Numbers
    starts: Whole  # (P,) first corner of each face
    order: Numbers  # (P, B), larger is nearer

    def part(self, images: slice) -> "Outlines":
        """The same of some of the images."""
        x, y, order = (np.ascontiguousarray(values[:, images]) for values in (self.x, self.y, self.order))
        return Outlines(x, y, self.starts, order)


def fill(outlines: Outlines, size: int) -> Whole:
    """Which face each pixel's centre shows: int64 (B, size, size), the number b * P + p; 0 where none."""
    faces, batch = outlines.order.shape
    lengths = np.diff(outlines.starts, append=len(outlines.x))
    following = np.arange(1, len(outlines.x) + 1)
    following[outlines.starts + lengths - 1] = outlines.starts
    x0, y0 = outlines.x, outlines.y
    x1, y1 = x0.take(following, axis=0), y0.take(following, axis=0)
    line = np.clip(np.ceil(y0 - 0.5), 0, size).astype(np.int64)  # first row whose centre lies below a corner
    next_line = line.take(following, axis=0)
    top = np.minimum.reduceat(line, outlines.starts, axis=0)
    height = np.maximum.reduceat(line, outlines.starts, axis=0) - top
    offset, painter, rows = _slots(outlines.order, top, height)
    # One crossing a row and edge; a convex face has one downward and one upward edge in each row.
    edge = np.flatnonzero(line != next_line)
    first, stop = line.take(edge), next_line.take(edge)
    down = stop > first
    first, count = np.minimum(first, stop), np.abs(stop - first)
    begin = (offset - top).repeat(lengths, axis=0).take(edge) + first
    slope = (x1.take(edge) - x0.take(edge)) / (y1.take(edge) - y0.take(edge))
    start = x0.take(edge) + (first + 0.5 - y0.take(edge)) * slope
    ends = np.zeros(2 * len(painter))
    step = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    slot = np.repeat(begin + down * len(painter), count)
    slot += step
    ends[slot] = np.repeat(start, count) + step * np.repeat(slope, count)
    return _lay(ends.reshape(2, -1), rows, painter, (batch, faces, size))


def _slots(order: Numbers, top: Whole, height: Whole) -> tuple[Whole, Whole, Whole]:
    """Room for every face's rows, image by image, far to near.

    Returns the first slot of each face (P, B), and the face number and the picture's row of each slot, (S,).
    """
    faces, batch = order.shape
    ranked = np.argsort(order, axis=0, kind="stable").T  # (B, P)
    numbers = (ranked + faces * np.arange(batch)[:, None]).ravel()
    heights = height.T.ravel().take(numbers)
    ends = np.cumsum(heights)
    begins = ends - heights
    offset = np.empty(batch * faces, dtype=np.int64)
    offset[numbers] = begins
    rows = np.repeat(top.T.ravel().take(numbers) - begins, heights)
    rows += np.arange(len(rows))
    return np.ascontiguousarray(offset.reshape(batch, faces).T), np.repeat(numbers, heights), rows


def _lay(ends: Numbers, rows: Whole, painter: Whole, shape: tuple[int, int, int]) -> Whole:
    """Spans in painting order -> face numbers (B, size, size)."""
    batch, faces, size = shape
    columns = np.clip(np.ceil(ends - 0.5), 0, size).astype(np.int64)
    left = np.minimum(columns[0], columns[1])
    width = np.abs(columns[1] - columns[0])
    begin = (painter // faces * size + rows) * size + left
    pixel = np.repeat(begin - (np.cumsum(width) - width), width)
    pixel += np.arange(len(pixel))
    canvas = np.zeros(batch * size * size, dtype=np.int64)
    # Pixels repeat here and the last span must win. NumPy assigns in order along one axis, though it does not
    # promise to; the hashes in the tests would tell.
    canvas[pixel] = np.repeat(painter, width)
    return canvas.reshape(batch, size, size)
