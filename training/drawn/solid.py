"""Solids from flat convex faces: what a vehicle is built of, for a whole batch of images at once.

Vehicle coordinates in metres: x from the rear (0) to the front (length), y from the side that the camera
sees (0) to the far side (width), z up from the road. Every coordinate is a number or a column (B,).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.drawn.chance import Column
from training.drawn.scene import Scene

Number = float | Column  # for every image, or one value an image
Point = tuple[Number, Number]  # (x, z) of a profile
_CIRCLE = (  # cosine and sine of 16 directions, written out: a library's last bit may differ between machines
    (1.0, 0.0), (0.9238795325, 0.3826834324), (0.7071067812, 0.7071067812), (0.3826834324, 0.9238795325),
    (0.0, 1.0), (-0.3826834324, 0.9238795325), (-0.7071067812, 0.7071067812), (-0.9238795325, 0.3826834324),
    (-1.0, 0.0), (-0.9238795325, -0.3826834324), (-0.7071067812, -0.7071067812), (-0.3826834324, -0.9238795325),
    (0.0, -1.0), (0.3826834324, -0.9238795325), (0.7071067812, -0.7071067812), (0.9238795325, -0.3826834324),
)  # fmt: skip
COSINE, SINE = (np.array(values) for values in zip(*_CIRCLE, strict=True))


@dataclass(frozen=True)
class Faces:
    """k convex faces of v corners that share a paint."""

    corners: NDArray[np.float64]  # (k, v, axes, B); axes 3 in vehicle, 2 in picture coordinates
    paint: str
    tone: Number  # brightness; broadcasts to (k, B)
    order: Number  # one or (B,); larger is nearer to the eye
    one_sided: bool  # seen only from outside


class Solid:
    """Collects faces; later ones cover earlier ones of the same place and level."""

    def __init__(self, scene: Scene, length: Number, width: Number) -> None:
        self.batch, self.length, self.width = len(scene.night), length, width
        self.faces: list[Faces] = []
        self.livery = scene.livery
        self._forward = scene.camera.forward
        self._side, self._end, self._top = scene.light
        self._order: Column = np.zeros(self.batch)
        self._there: NDArray[np.bool_] | None = None

    def at(self, x: Number, level: int = 0) -> None:
        """What follows stands around x (nearer ends cover farther ones) and on this level.

        -1: the far side's wheels; 0: bodies; 1: what stands out of them, wheels and roof gear.
        """
        place = (np.asarray(x) / self.length - 0.5) * self._forward
        self._order = np.broadcast_to(level * 4.0 + place, (self.batch,))

    @contextmanager
    def only(self, there: NDArray[np.bool_]) -> Iterator[None]:
        """What is added inside exists only in these images; there: bool (B,)."""
        outer = self._there
        self._there = there if outer is None else outer & there
        yield
        self._there = outer

    def add(
        self, corners: Sequence[tuple[Number, Number, Number]], paint: str, tone: Number = 1.0, one_sided: bool = False
    ) -> None:
        """One convex face of corners (x, y, z)."""
        stacked = np.empty((1, len(corners), 3, self.batch))
        for i, corner in enumerate(corners):
            for axis in range(3):
                stacked[0, i, axis] = corner[axis]
        self.add_many(stacked, paint, tone, one_sided)

    def add_many(self, corners: NDArray[np.float64], paint: str, tone: Number = 1.0, one_sided: bool = False) -> None:
        """k faces at once; corners (k, v, 3, B)."""
        if self._there is not None:
            if not self._there.any():
                return
            corners = corners * self._there
        self.faces.append(Faces(corners, paint, tone, self._order, one_sided))

    def side(self, outline: Sequence[Point], paint: str, y: Number = 0.0, tone: float = 1.0) -> None:
        """A face parallel to the near side."""
        self.add([(x, y, z) for x, z in outline], paint, self._side * tone)

    def panel(self, x0: Number, x1: Number, z0: Number, z1: Number, paint: str, **more: float) -> None:
        """An upright rectangle on the near side; `y` and `tone` as in `side`."""
        self.side(((x0, z0), (x1, z0), (x1, z1), (x0, z1)), paint, more.get("y", 0.0), more.get("tone", 1.0))

    def extrude(
        self, outline: Sequence[Point], paint: str, y: tuple[Number, Number] | None = None, lean: Number = 0.0
    ) -> None:
        """A convex profile (counterclockwise seen from the near side) drawn from y[0] to y[1].

        lean: how much both sides fall inwards for a metre of height above the profile's lowest point.
        """
        near, far = y or (0.0, self.width)
        corners = np.empty((len(outline), 2, self.batch))
        for i, (x, z) in enumerate(outline):
            corners[i, 0], corners[i, 1] = x, z
        x, z = corners[:, 0], corners[:, 1]
        inset = lean * (z - z.min(axis=0))
        ring = np.stack([x, near + inset, z], axis=1)
        back = np.stack([x, far - inset, z], axis=1)
        quads = np.stack([ring, np.roll(ring, -1, axis=0), np.roll(back, -1, axis=0), back], axis=1)
        flatness = np.abs(quads[:, 1, 0] - quads[:, 0, 0])
        steepness = np.abs(quads[:, 1, 2] - quads[:, 0, 2])
        share = flatness / (flatness + steepness + 1e-9)
        self.add_many(quads, paint, self._end + (self._top - self._end) * share, one_sided=True)
        self.add_many(ring[None], paint, self._side)

    def box(
        self, x: tuple[Number, Number], z: tuple[Number, Number], paint: str, y: tuple[Number, Number] | None = None
    ) -> None:
        """A cuboid."""
        self.extrude(((x[0], z[0]), (x[1], z[0]), (x[1], z[1]), (x[0], z[1])), paint, y)

    def patch(
        self,
        edge: tuple[Point, Point],
        up: tuple[Number, Number],
        across: tuple[Number, Number],
        paint: str,
        lean: Number = 0.0,
    ) -> None:
        """A rectangle on the face that `extrude` makes of an edge of its profile.

        up: from where to where along the edge (0-1); across: the same from the near to the far side;
        lean: as given to extrude, times the edge's height is the inset at its upper end.
        """
        (x0, z0), (x1, z1) = edge
        low, high = np.minimum(z0, z1), np.maximum(z0, z1)

        def corner(s: Number, t: Number) -> tuple[Number, Number, Number]:
            x, z = x0 + (x1 - x0) * s, z0 + (z1 - z0) * s
            inset = lean * (z - low)
            return x, inset + (self.width - 2 * inset) * t, z

        share = np.abs(np.subtract(x1, x0)) / (np.abs(np.subtract(x1, x0)) + (high - low) + 1e-9)
        tone = self._end + (self._top - self._end) * share
        (s0, s1), (t0, t1) = up, across
        self.add([corner(s0, t0), corner(s1, t0), corner(s1, t1), corner(s0, t1)], paint, tone, one_sided=True)

    def disc(self, x: Number, z: Number, radius: Number, paint: str, y: Number = 0.0, tone: float = 1.0) -> None:
        """A circle parallel to the near side."""
        self.side([(x + c * radius, z + s * radius) for c, s in _CIRCLE], paint, y, tone)

    def ring(self, x: Number, z: Number, radius: Number, thickness: float, paint: str, y: Number = 0.0) -> None:
        """A circle's line of the given thickness in metres."""
        inner = radius - thickness
        corners = np.empty((16, 4, 3, self.batch))
        nexts = np.roll(COSINE, -1), np.roll(SINE, -1)
        for i, (cosine, sine, r) in enumerate(
            ((COSINE, SINE, radius), (*nexts, radius), (*nexts, inner), (COSINE, SINE, inner)),
        ):
            corners[:, i, 0] = x + cosine[:, None] * r
            corners[:, i, 1] = y
            corners[:, i, 2] = z + sine[:, None] * r
        self.add_many(corners, paint, self._side)

    def bar(
        self, start: tuple[Number, Number, Number], stop: tuple[Number, Number, Number], thickness: Number, paint: str
    ) -> None:
        """A straight pole, as a flat strip that faces the near side."""
        (x0, y0, z0), (x1, y1, z1) = start, stop
        run, rise = np.subtract(x1, x0), np.subtract(z1, z0)
        half = 0.5 * thickness / np.sqrt(run * run + rise * rise + 1e-6)
        dx, dz = -rise * half, run * half
        self.add(
            [(x0 + dx, y0, z0 + dz), (x1 + dx, y1, z1 + dz), (x1 - dx, y1, z1 - dz), (x0 - dx, y0, z0 - dz)], paint
        )

    def row(
        self,
        x: tuple[Number, Number],
        z: tuple[Number, Number],
        count: Number,
        paint: str,
        gap: Number = 0.15,
        y: Number = 0.0,
    ) -> None:
        """`count` equal rectangles side by side on the near side; gap: the share of each pitch left free."""
        counts = np.broadcast_to(np.asarray(count, dtype=np.float64), (self.batch,))
        most = int(counts.max())
        if most == 0:
            return
        number = np.arange(most, dtype=np.float64)[:, None]
        pitch = (np.asarray(x[1]) - x[0]) / np.maximum(counts, 1.0)
        left = x[0] + (number + 0.5 * gap) * pitch
        corners = np.empty((most, 4, 3, self.batch))
        corners[:, 0, 0] = corners[:, 3, 0] = left
        corners[:, 1, 0] = corners[:, 2, 0] = left + (1.0 - np.asarray(gap)) * pitch
        corners[:, :, 1] = y
        corners[:, :2, 2], corners[:, 2:, 2] = z
        corners *= (number < counts)[:, None, None]
        self.add_many(corners, paint, self._side)


def rounded(outline: Sequence[Point], radius: Number) -> list[Point]:
    """The same convex outline with each corner replaced by three points of a curve."""
    result: list[Point] = []
    for i, (x, z) in enumerate(outline):
        ends = []
        for other_x, other_z in (outline[i - 1], outline[(i + 1) % len(outline)]):
            dx, dz = np.subtract(other_x, x), np.subtract(other_z, z)
            share = np.minimum(radius / np.sqrt(dx * dx + dz * dz + 1e-9), 0.45)
            ends.append((x + dx * share, z + dz * share))
        (ax, az), (bx, bz) = ends
        result += [(ax, az), (0.25 * (ax + bx) + 0.5 * x, 0.25 * (az + bz) + 0.5 * z), (bx, bz)]
    return result
