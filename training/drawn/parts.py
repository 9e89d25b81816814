"""Parts that many vehicles share: wheels, fronts, rears, liveries, doors."""

from collections.abc import Mapping, Sequence

import numpy as np

from training.drawn.chance import Column
from training.drawn.solid import Number, Point, Solid

Shape = Mapping[str, Column]  # a class's parameters, drawn for each image of the batch; metres unless said otherwise


def wheels(s: Solid, axles: Sequence[Number], radius: Number, arch: float = 1.0) -> None:
    """Wheels on both sides. arch: size of the wheel house cut into the body, 1 for a car's, 0 for none."""
    for x in axles:
        s.at(x, -1)
        s.disc(x, radius, radius, "tyre", y=s.width - 0.05)
    for x in axles:
        s.at(x, -1 if arch else 1)  # under a body only the lower half of the tread shows
        for y in (0.24, 0.16, 0.08):  # several discs make a tread
            s.disc(x, radius, radius, "tyre", y)
    for x in axles:
        s.at(s.length, 1)
        housing = 1.18 * radius * arch
        s.side([(x + c * housing, radius + np.maximum(v, -0.3) * housing) for c, v in _upper()], "dark")
        s.disc(x, radius, radius, "tyre")
        s.disc(x, radius, 0.62 * radius, "rim")
        s.disc(x, radius, 0.5 * radius, "metal")
        s.disc(x, radius, 0.17 * radius, "trim")


def _upper() -> list[Point]:
    return [(1.0, -0.3), (1.0, 0.0), (0.92, 0.38), (0.71, 0.71), (0.38, 0.92), (0.0, 1.0), (-0.38, 0.92), (-0.71, 0.71),
            (-0.92, 0.38), (-1.0, 0.0), (-1.0, -0.3)]  # fmt: skip


def rail_wheels(s: Solid, bogies: Sequence[Number], radius: float) -> None:
    """Two small wheels a bogie, a frame across them, and the rails below."""
    s.at(0.0, -1)
    for y in (s.width - 0.4, 0.3):
        s.add(
            [
                (-2.0, y - 0.09, 0.0),
                (s.length + 2.0, y - 0.09, 0.0),
                (s.length + 2.0, y + 0.09, 0.0),
                (-2.0, y + 0.09, 0.0),
            ],
            "rail",
        )
    for x in bogies:
        s.at(x, -1)
        for dx in (-0.9, 0.9):
            s.disc(x + dx, radius, radius, "dark", y=s.width - 0.4)
    for x in bogies:
        s.at(x, 0)
        for dx in (-0.9, 0.9):
            s.disc(x + dx, radius, radius, "metal", y=0.3)
            s.disc(x + dx, radius, 0.7 * radius, "trim", y=0.3)
        s.panel(x - 1.35, x + 1.35, radius * 0.8, radius * 1.5, "dark", y=0.25)


def livery(s: Solid, x: tuple[Number, Number], z: tuple[Number, Number]) -> None:
    """What is painted on a side, by the scene's choice and not the class's: nothing, a stripe, two tones, a panel."""
    high = np.subtract(z[1], z[0])
    for style, (x0, x1, z0, z1) in (
        (1, (0.0, 1.0, 0.55, 0.75)),
        (2, (0.0, 1.0, 0.04, 0.5)),
        (3, (0.3, 0.62, 0.12, 0.9)),
    ):
        shown = np.where(s.livery == style, 1.0, 0.0)
        long = np.subtract(x[1], x[0])
        s.panel(x[0] + x0 * long, x[0] + x1 * long, z[0] + z0 * high, z[0] + (z0 + (z1 - z0) * shown) * high, "accent")


def front(s: Solid, edge: tuple[Point, Point], lamps: tuple[float, float], grille: Number, plate: bool = True) -> None:
    """Lamps at the given heights along a front edge, a grille (0-1 wide) between them, a plate and a bumper."""
    low, high = lamps
    half = 0.5 * np.asarray(grille)
    s.patch(edge, (low - 0.03, high), (0.5 - half, 0.5 + half), "dark")
    for a, b in ((0.05, 0.22), (0.78, 0.95)):
        s.patch(edge, (low - 0.05, high + 0.03), (a - 0.02, b + 0.02), "trim")
        s.patch(edge, (low, high), (a, b), "lamp")
    s.patch(edge, (0.0, 0.16), (0.0, 1.0), "trim")
    if plate:
        s.patch(edge, (0.08, 0.2), (0.4, 0.6), "plate")


def rear(s: Solid, edge: tuple[Point, Point], lamps: tuple[float, float], doors: bool = False) -> None:
    """Tail lamps, plate and bumper on a rear edge, given from its upper to its lower end."""
    low, high = 1.0 - lamps[1], 1.0 - lamps[0]
    for a, b in ((0.03, 0.13), (0.87, 0.97)):
        s.patch(edge, (low, high), (a, b), "tail")
    s.patch(edge, (0.86, 1.0), (0.0, 1.0), "trim")
    s.patch(edge, (0.76, 0.86), (0.38, 0.62), "plate")
    if doors:
        for t in (0.03, 0.49, 0.95):
            s.patch(edge, (0.06, 0.84), (t, t + 0.018), "trim")


def seam(s: Solid, x: Number, z: tuple[Number, Number]) -> None:
    """A door's joint: a thin dark upright line."""
    s.panel(x - 0.012, x + 0.012, z[0], z[1], "trim")


def door(s: Solid, x: tuple[Number, Number], z: tuple[Number, Number]) -> None:
    """A two-leaf door with glass."""
    s.panel(x[0], x[1], z[0], z[1], "dark")
    high = np.subtract(z[1], z[0])
    s.row((x[0] + 0.03, x[1] - 0.03), (z[0] + 0.14 * high, z[1] - 0.06 * high), 2.0, "glass", 0.16)


def beacon(s: Solid, x: Number, z: Number, paint: str = "amber") -> None:
    """A light bar across the roof."""
    s.at(s.length, 1)
    s.box((x - 0.16, x + 0.16), (z, z + 0.16), paint, (0.2 * s.width, 0.8 * s.width))


def ladder(s: Solid, x: tuple[Number, Number], z: tuple[Number, Number], y: Number) -> None:
    """Two beams and rungs from (x0, z0) to (x1, z1)."""
    for lift in (0.0, 0.3):
        s.bar((x[0], y, z[0] + lift), (x[1], y, z[1] + lift), 0.09, "metal")
    run, rise = np.subtract(x[1], x[0]), np.subtract(z[1], z[0])
    for k in range(10):
        share = (k + 0.5) / 10
        foot, level = x[0] + run * share, z[0] + rise * share
        s.bar((foot, y, level), (foot + 0.02, y, level + 0.3), 0.06, "metal")
