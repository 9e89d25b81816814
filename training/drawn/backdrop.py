"""What stands around the vehicle: sky, houses, trees, road, other traffic, and things in front of it.

Picture coordinates: x from the left, y from the top, both 0-1. Takes the scene and nothing of the class.
"""

import numpy as np
from numpy.typing import NDArray

from training.drawn.chance import Column, Stream
from training.drawn.scene import Mask, Scene
from training.drawn.solid import COSINE, SINE, Faces, Number

_BEHIND, _BEFORE = -1000.0, 1000.0
_OCTAGON = (COSINE[::2], SINE[::2])  # round enough for a crown or a head


class Backdrop:
    """Collects flat faces; each call lies on top of the one before."""

    def __init__(self, scene: Scene, stream: Stream, batch: int) -> None:
        self.scene, self.stream, self.batch = scene, stream, batch
        self.faces: list[Faces] = []
        self._order = _BEHIND

    def add(self, corners: NDArray[np.float64], paint: str, tone: Number = 1.0, there: Mask | None = None) -> None:
        """Corners (k, v, 2, B); where not `there` the faces shrink to nothing."""
        if there is not None:
            corners = np.where(there, corners, 0.0)
        self.faces.append(Faces(corners, paint, tone, self._order, one_sided=False))

    def rectangles(
        self,
        x: tuple[Column, Column],
        y: tuple[Column, Column],
        paint: str,
        tone: Number = 1.0,
        there: Mask | None = None,
    ) -> None:
        """Upright rectangles; each of the columns (k, B) or (B,)."""
        count = max(len(edge) if edge.ndim == 2 else 1 for edge in (*x, *y))
        corners = np.empty((count, 4, 2, self.batch))
        corners[:, 0, 0] = corners[:, 3, 0] = x[0]
        corners[:, 1, 0] = corners[:, 2, 0] = x[1]
        corners[:, 0, 1] = corners[:, 1, 1] = y[0]
        corners[:, 2, 1] = corners[:, 3, 1] = y[1]
        self.add(corners, paint, tone, there)

    def rounds(
        self, x: Column, y: Column, radius: Column, paint: str, tone: Number = 1.0, there: Mask | None = None
    ) -> None:
        """Discs; columns (k, B)."""
        corners = np.empty((len(radius), len(_OCTAGON[0]), 2, self.batch))
        for axis, middle in enumerate((x, y)):
            corners[:, :, axis] = middle[:, None] + _OCTAGON[axis][:, None] * radius[:, None]
        self.add(corners, paint, tone, there)

    def ground(self, u: tuple[Number, Number], v: tuple[Number, Number], paint: str, there: Mask | None = None) -> None:
        """A rectangle on the road: u along the vehicle, v away from the eye, in its sizes from its nearest wheel."""
        camera = self.scene.camera
        points = []
        for a, b in ((u[0], v[0]), (u[1], v[0]), (u[1], v[1]), (u[0], v[1])):
            # what would come nearer than a third of the distance lies under the picture anyway
            limit = (0.67 * camera.distance + b * camera.cosine) / np.maximum(camera.sine, 0.02)
            along = np.minimum(a, limit)
            near = camera.distance / (camera.distance - along * camera.sine + b * camera.cosine)
            across = along * camera.cosine + b * camera.sine
            x = camera.centre + camera.mirror * camera.scale * (0.3 + across * near)
            points.append(
                np.stack([np.broadcast_to(x, (self.batch,)), camera.horizon + camera.scale * camera.eye * near])
            )
        self.add(np.stack(points)[None], paint, 1.0, there)

    def foreground(self) -> None:
        """What follows stands before the vehicle."""
        self._order = _BEFORE


def backdrop_of(seed: int, indices: NDArray[np.int64], style: int, scene: Scene) -> list[Faces]:
    """The faces around the vehicle, behind and before it; scene: what `scene_of` returns for the same arguments."""
    drop = Backdrop(scene, Stream(seed, f"backdrop/{style}", indices), len(indices))
    kind = drop.stream.pick((5, 3, 2))  # town, suburb, country
    _sky(drop, kind == 2)
    _ground(drop)
    _houses(drop, kind == 0, rows=6, tall=(0.22, 0.75))
    _houses(drop, kind == 1, rows=3, tall=(0.09, 0.24))
    _trees(drop)
    _traffic(drop)
    _posts(drop)
    for _ in range(3):
        high = drop.stream.uniform(0.06, 0.13)
        _person(drop, drop.stream.happens(0.4), scene.camera.horizon + 0.3 * high, high)
    drop.foreground()
    _in_front(drop)
    return drop.faces


def _sky(drop: Backdrop, country: Mask) -> None:
    one, horizon = np.ones(drop.batch), drop.scene.camera.horizon
    drop.rectangles((-0.3 * one, 1.3 * one), (-0.3 * one, horizon + 0.02), "sky", drop.stream.uniform(0.92, 1.08))
    for _ in range(2):  # clouds
        there = drop.stream.happens(0.4)
        x, y = drop.stream.uniform(-0.1, 1.1), horizon * drop.stream.uniform(0.1, 0.7)
        spread = drop.stream.uniforms(4, -0.14, 0.14)
        drop.rounds(x + spread, y + 0.15 * spread, drop.stream.uniforms(4, 0.02, 0.07), "sky", 1.13, there)
    x = np.linspace(-0.1, 1.1, 6)[:, None] + drop.stream.uniforms(6, -0.1, 0.1)
    rise, half = drop.stream.uniforms(6, 0.02, 0.16), drop.stream.uniforms(6, 0.16, 0.4)
    base = np.broadcast_to(horizon + 0.02, x.shape)
    corners = np.stack(
        [
            np.stack(c, 1)
            for c in ((x - half, base), (x - 0.4 * half, base - 0.8 * rise), (x, base - rise), (x + half, base))
        ],
        1,
    )
    drop.add(corners, "hill", drop.stream.uniforms(6, 0.85, 1.1), country)


def _ground(drop: Backdrop) -> None:
    one, horizon = np.ones(drop.batch), drop.scene.camera.horizon
    drop.rectangles((-0.3 * one, 1.3 * one), (horizon, 1.3 * one), "ground")
    yard = drop.stream.happens(0.18)  # a wide paved place instead of a road
    far = np.where(yard, 4.0, drop.stream.uniform(0.42, 1.0))
    drop.ground((-9.0, 9.0), (far, far + 0.22), "kerb", ~yard)
    drop.ground((-9.0, 9.0), (-2.0, far), "road")
    lined = drop.stream.happens(0.6)
    drop.ground((-9.0, 9.0), (far - 0.07, far - 0.045), "marking", lined & ~yard)
    middle, start = drop.stream.uniform(-0.5, -0.16), drop.stream.uniform(0.0, 0.7)
    solid = drop.stream.happens(0.25)
    drop.ground((-9.0, 9.0), (middle, middle + 0.03), "marking", lined & solid)
    for k in range(-5, 5):
        drop.ground((start + 0.7 * k, start + 0.7 * k + 0.36), (middle, middle + 0.03), "marking", lined & ~solid)


def _houses(drop: Backdrop, there: Mask, rows: int, tall: tuple[float, float]) -> None:
    stream, count, columns = drop.stream, 7, 4
    horizon = drop.scene.camera.horizon + 0.012
    left = np.linspace(-0.25, 0.98, count)[:, None] + stream.uniforms(count, -0.06, 0.06)
    width, height = stream.uniforms(count, 0.12, 0.28), stream.uniforms(count, *tall)
    built = there & (stream.uniforms(count) < 0.78)
    tone = stream.uniforms(count, 0.7, 1.08)
    density = stream.uniforms(count, 0.35, 0.75)
    for i in range(count):
        paint = ("wall", "brick", "concrete")[i % 3]
        shown = built[i]
        drop.rectangles((left[i], left[i] + width[i]), (horizon - height[i], horizon), paint, tone[i], shown)
        pitch = width[i] / columns
        across, level = (grid.ravel()[:, None] for grid in np.meshgrid(np.arange(columns), np.arange(rows)))
        x = left[i] + (across + 0.5 - 0.5 * density[i]) * pitch
        y = horizon - height[i] + (level + 0.25) * height[i] / (rows + 0.4)
        size = (density[i] * pitch, 0.55 * height[i] / rows)
        drop.rectangles((x, x + size[0]), (y, y + size[1]), "pane", tone[i], shown & (stream.uniforms(1)[0] < 0.85))
        lit = shown & drop.scene.night & (stream.uniforms(len(x)) < 0.35)
        drop.rectangles((x, x + size[0]), (y, y + size[1]), "lit", 1.0, lit[:, None, None, :])


def _trees(drop: Backdrop) -> None:
    stream, horizon = drop.stream, drop.scene.camera.horizon
    for _ in range(4):
        there = stream.happens(0.4)
        x, tall = stream.uniform(-0.05, 1.05), stream.uniform(0.1, 0.42)
        foot = horizon + stream.uniform(0.0, 0.05)
        drop.rectangles((x - 0.035 * tall, x + 0.035 * tall), (foot - tall, foot), "trunk", 1.0, there)
        spread = stream.uniforms(5, -0.3, 0.3) * tall
        y, radius = foot - tall * stream.uniforms(5, 0.55, 1.05), tall * stream.uniforms(5, 0.18, 0.34)
        shade = stream.uniforms(5, 0.72, 0.95)
        drop.rounds(x + spread, y, radius, "leaf", shade, there)
        drop.rounds(x + spread - 0.25 * radius, y - 0.25 * radius, 0.6 * radius, "leaf", shade + 0.18, there)
    hedge = stream.happens(0.22)
    along = np.linspace(-0.05, 1.05, 12)[:, None] + stream.uniforms(12, -0.03, 0.03)
    drop.rounds(
        along, horizon + 0.0 * along, stream.uniforms(12, 0.04, 0.075), "leaf", stream.uniforms(12, 0.7, 1.0), hedge
    )


def _traffic(drop: Backdrop) -> None:
    stream, camera = drop.stream, drop.scene.camera
    for _ in range(2):
        there = stream.happens(0.38)
        long, x = stream.uniform(0.1, 0.24), stream.uniform(0.0, 1.0)
        foot = camera.horizon + np.minimum(0.5 * (camera.contact - camera.horizon), stream.uniform(0.02, 0.09))
        high = long * stream.uniform(0.14, 0.22)
        drop.rectangles((x - long / 2, x + long / 2), (foot - 1.5 * high, foot - 0.3 * high), "passing", 1.0, there)
        roof = ((-0.4, -1.4), (-0.24, -2.4), (0.18, -2.4), (0.34, -1.4))
        for shrink, paint in ((1.0, "passing"), (0.8, "glass")):
            points = [
                np.stack(
                    [x + a * shrink * long, foot + high * (b + (1.4 if shrink == 1.0 else 1.3) * (1 - shrink) * -1.0)]
                )
                for a, b in roof
            ]
            drop.add(np.stack(points)[None], paint, 0.95, there)
        wheels = np.stack([x - 0.3 * long, x + 0.3 * long])
        drop.rounds(wheels, np.stack([foot - 0.32 * high] * 2), np.stack([0.4 * high] * 2), "tyre", 1.0, there)


def _posts(drop: Backdrop) -> None:
    stream, horizon = drop.stream, drop.scene.camera.horizon
    for _ in range(3):
        there, signed = stream.happens(0.32), stream.happens(0.5)
        x, tall, thick = stream.uniform(), stream.uniform(0.22, 0.62), stream.uniform(0.004, 0.011)
        foot = horizon + stream.uniform(0.0, 0.06)
        drop.rectangles((x - thick, x + thick), (foot - tall, foot), "post", 1.0, there)
        arm = stream.uniform(-0.12, 0.12)
        drop.rectangles(
            (np.minimum(x, x + arm), np.maximum(x, x + arm)),
            (foot - tall, foot - tall + 0.014),
            "post",
            1.1,
            there & ~signed,
        )
        disc = (x[None], (foot - tall)[None], stream.uniform(0.018, 0.04)[None])
        drop.rounds(*disc, "accent", 1.0, there & signed)
        drop.rounds(disc[0], disc[1], 0.65 * disc[2], "marking", 1.0, there & signed)


def _person(drop: Backdrop, there: Mask, foot: Column, high: Column) -> None:
    x, stride = drop.stream.uniform(), 0.09 * high
    for side, tone in ((-stride, 0.9), (stride * 0.3, 1.1)):
        drop.rectangles((x + side, x + side + 0.09 * high), (foot - 0.48 * high, foot), "trim", tone, there)
    drop.rectangles(
        (x - 0.12 * high, x + 0.12 * high),
        (foot - 0.84 * high, foot - 0.42 * high),
        "shirt",
        drop.stream.uniform(0.6, 1.1),
        there,
    )
    drop.rounds(x[None], (foot - 0.91 * high)[None], (0.085 * high)[None], "skin", 1.0, there)


def _in_front(drop: Backdrop) -> None:
    stream, one = drop.stream, np.ones(drop.batch)
    kind = stream.pick((12, 2, 1, 1, 1, 1))  # mostly nothing
    x, thick = stream.uniform(0.04, 0.96), stream.uniform(0.008, 0.024)
    drop.rectangles((x - thick, x + thick), (-0.3 * one, 1.3 * one), "post", 0.8, kind == 1)
    top = stream.uniform(0.86, 0.96)
    along = np.linspace(-0.05, 1.05, 10)[:, None] + stream.uniforms(10, -0.04, 0.04)
    drop.rounds(
        along,
        1.02 + 0.0 * along,
        (1.02 - top) * stream.uniforms(10, 0.7, 1.3),
        "leaf",
        stream.uniforms(10, 0.6, 0.9),
        kind == 2,
    )
    corner = np.where(stream.happens(0.5), 0.0, 1.0)
    x, y = corner + stream.uniforms(14, -0.3, 0.3), stream.uniforms(14, -0.06, 0.2)
    drop.rounds(x, y, stream.uniforms(14, 0.03, 0.08), "leaf", stream.uniforms(14, 0.5, 0.85), kind == 3)
    bars = np.linspace(0.0, 1.0, 14)[:, None] + 0.0 * one
    drop.rectangles((bars - 0.006, bars + 0.006), (top * one, 1.3 * one), "post", 0.7, kind == 4)
    drop.rectangles((-0.3 * one, 1.3 * one), (top - 0.012, top + 0.012), "post", 0.75, kind == 4)
    _person(drop, kind == 5, stream.uniform(0.9, 1.05), stream.uniform(0.38, 0.6))
