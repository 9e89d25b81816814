"""Face numbers -> colours: paint, light, a gradient from top to bottom, grain; then the average over fine pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.drawn.chance import Stream
from training.drawn.raster import Outlines
from training.drawn.scene import Scene
from training.drawn.solid import Faces

FINE = 2  # pixels are drawn this many times finer and averaged: smooth edges
# How much brighter a face is at its top than in its middle; the sky grows lighter towards the horizon.
_FADES = {
    "glass": 0.3,
    "screen": 0.28,
    "body": 0.12,
    "cargo": 0.09,
    "sky": -0.16,
    "road": 0.12,
    "ground": 0.12,
    "pane": 0.15,
    "hill": -0.1,
}
_STEEPEST = 0.1  # a face lower than this share of the picture takes only its part of a fade: no streaks on narrow ones
# How much grain shows; paint and metal are smooth, leaves and gravel are not.
_ROUGH = {"road": 1.0, "ground": 1.4, "leaf": 1.8, "hill": 0.8, "brick": 1.1, "wall": 0.8, "concrete": 0.8, "sky": 0.25,
          "wood": 1.2, "rust": 1.6, "trunk": 1.4, "glass": 0.9, "screen": 0.9, "pane": 0.8, "kerb": 0.8}  # fmt: skip
_SMOOTH = 0.3
_CELLS = (6, 17, 40)  # of the grain across a picture, coarse to fine
Table = NDArray[np.int32]


@dataclass(frozen=True)
class Surfaces:
    """What P faces of B images look like. Brightness times 65536, changing from row to row."""

    colour: Table  # (3, B, P), 0-255 times 64
    level: Table  # (B, P) brightness in row 0
    slope: Table  # (B, P) its change a row
    rough: Table  # (B, P) strength of the grain, times 256

    def part(self, images: slice) -> "Surfaces":
        """The same of some of the images."""
        return Surfaces(self.colour[:, images], self.level[images], self.slope[images], self.rough[images])


def surfaces_of(faces: list[Faces], outlines: Outlines, scene: Scene, side: int) -> Surfaces:
    """side: of the fine picture, pixels, in which the outlines are given."""
    counts = [len(f.corners) for f in faces]
    fades = np.repeat([_FADES.get(f.paint, 0.0) for f in faces], counts)
    rough = np.repeat([_ROUGH.get(f.paint, _SMOOTH) for f in faces], counts)
    top = np.minimum.reduceat(outlines.y, outlines.starts, axis=0).T
    bottom = np.maximum.reduceat(outlines.y, outlines.starts, axis=0).T
    slope = -fades * 65536 * 2 / np.maximum(bottom - top, _STEEPEST * side)
    level = 65536 - slope * 0.5 * (top + bottom)
    return Surfaces(
        _colours(faces, scene), _whole(level), _whole(slope), _whole(rough * scene.lens.texture[:, None] * 256)
    )


def coloured(shown: NDArray[np.int64], surfaces: Surfaces, stream: Stream) -> NDArray[np.int32]:
    """shown: what `fill` returns at FINE times the size. Returns int32 (B, S, S, 3), 0-255 times 64."""
    batch, side, _ = shown.shape
    size = side // FINE
    row = np.arange(side, dtype=np.int32)[:, None]
    tone = surfaces.slope.take(shown)
    tone *= row
    tone += surfaces.level.take(shown)
    tone >>= 8
    grain = _grain(stream, batch, size).repeat(FINE, axis=1).repeat(FINE, axis=2)
    grain *= surfaces.rough.take(shown)
    grain >>= 8
    tone += grain
    picture = np.empty((batch, size, size, 3), dtype=np.int32)
    for channel in range(3):
        fine = surfaces.colour[channel].take(shown)
        fine *= tone
        rows = fine[:, ::2] + fine[:, 1::2]
        picture[..., channel] = (rows[..., ::2] + rows[..., 1::2]) >> 10
    return picture


def _colours(faces: list[Faces], scene: Scene) -> Table:
    colours = np.empty((sum(len(f.corners) for f in faces), 3, len(scene.night)))
    start = 0
    for face in faces:
        tone = np.asarray(face.tone)
        part = slice(start, start + len(face.corners))
        colours[part] = scene.paints[face.paint] * (tone[:, None] if tone.ndim == 2 else tone)
        start = part.stop
    return _whole(np.minimum(colours, 255.0).transpose(1, 2, 0) * 64)


def _whole(values: NDArray[np.float64]) -> Table:
    return np.ascontiguousarray(np.rint(values).astype(np.int32))


def _grain(stream: Stream, batch: int, size: int) -> NDArray[np.int32]:
    """Smooth random unevenness: int32 (B, S, S), about -60 to 60."""
    total = np.zeros((batch, size, size), dtype=np.int32)
    for cells in _CELLS:
        count = (cells + 1) * (cells + 1)
        words = stream.words((count + 7) // 8).T.copy().view(np.int8)[:, :count]
        lattice = words.reshape(batch, cells + 1, cells + 1).astype(np.int32)
        place = np.arange(size) * cells
        index, share = place // size, (place % size * 64 // size).astype(np.int32)
        rows: Table = lattice[:, index] * (64 - share)[:, None] + lattice[:, index + 1] * share[:, None]
        both: Table = rows[:, :, index] * (64 - share) + rows[:, :, index + 1] * share
        total += both >> 12
    return total // 3
