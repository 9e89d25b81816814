"""Lorries and their trailers: a cab, a frame, wheels, and a load behind."""

from collections.abc import Callable

import numpy as np

from training.drawn.chance import Column
from training.drawn.parts import Shape, beacon, front, seam, wheels
from training.drawn.solid import Point, Solid, rounded

Load = Callable[[Solid, Shape, tuple[Column, Column], Column], None]  # (solid, shape, x from-to, height of the bed)


def truck(load: Load) -> Callable[[Solid, Shape], None]:
    """A builder: cab in front (none with cab 0), the load behind it; `trailer` 1 puts the load on a semi-trailer."""

    def build(s: Solid, p: Shape) -> None:
        back = s.length - p["cab"] - p["hood"]
        bed = p["bed"]
        s.at(0.0)
        s.box((0.05, back), (bed - 0.28, bed), "trim", (0.35, s.width - 0.35))
        span = (np.zeros(s.batch), back - p["gap"])
        s.at(0.5 * span[1])
        load(s, p, span, bed)
        with s.only(p["cab"] > 0):
            _cab(s, p, back)
        _axles(s, p, back)

    return build


def _cab(s: Solid, p: Shape, back: Column) -> None:
    s.at(back + 0.5 * p["cab"])
    low, roof, nose = 0.42, p["roof"], back + p["cab"]
    belt = low + 0.52 * (roof - low)
    outline: list[Point] = [(back, low), (nose, low), (nose, belt), (nose - p["rake"], roof), (back, roof)]
    s.extrude(rounded(outline, 0.14), "body")
    windscreen, blunt = (outline[2], outline[3]), (outline[1], outline[2])
    s.patch(windscreen, (0.06, 0.78), (0.06, 0.94), "screen")
    s.patch(windscreen, (0.8, 0.9), (0.1, 0.9), "trim")
    with s.only(p["hood"] == 0):
        front(s, blunt, (0.3, 0.5), 0.5)
        s.patch(blunt, (0.58, 0.9), (0.2, 0.8), "dark")
    right = nose - 0.16
    left = right - np.minimum(0.85, 0.7 * p["cab"])
    s.side(((left, belt), (right, belt), (right - 0.6 * p["rake"], roof - 0.25), (left, roof - 0.25)), "glass")
    seam(s, left - 0.1, (low + 0.1, roof - 0.2))
    s.panel(left, left + 0.2, belt - 0.2, belt - 0.14, "metal")
    s.panel(back, nose, low, low + 0.16, "trim")
    with s.only(p["hood"] > 0):
        _hood(s, p, nose, low)
    s.at(s.length, 1)
    s.bar((nose + 0.05, 0.0, belt - 0.05), (nose + 0.05, 0.0, belt + 0.5), 0.14, "trim")
    with s.only(p["wing"] > 0):  # a deflector above the cab
        s.extrude(
            ((back, roof - 0.02), (nose - 0.5, roof - 0.02), (back + 0.25, roof + 0.8), (back, roof + 0.8)),
            "body",
            (0.2, s.width - 0.2),
        )
    with s.only(p["beacon"] > 0):
        beacon(s, 0.5 * (back + nose), roof)


def _hood(s: Solid, p: Shape, nose: Column, low: float) -> None:
    top = low + 0.5 * (p["roof"] - low)
    s.at(s.length)
    outline: list[Point] = [
        (nose, low),
        (s.length, low),
        (s.length, top - 0.25),
        (s.length - 0.3, top - 0.08),
        (nose, top),
    ]
    s.extrude(rounded(outline, 0.1), "body", (0.15, s.width - 0.15))
    front(s, (outline[1], outline[2]), (0.35, 0.6), 0.5)


def _axles(s: Solid, p: Shape, back: Column) -> None:
    """Front axle under the cab; the rear ones under the load; a semi-trailer's at its end too."""
    radius, number = p["wheel"], p["axles"]
    with s.only(p["cab"] > 0):
        wheels(s, [np.where(p["hood"] > 0, s.length - 0.75, s.length - 0.5 * p["cab"] - 0.1)], radius)
    for k in range(int(number.max())):
        with s.only(k < number):
            wheels(s, [p["rear"] + 1.2 * k], radius, arch=0.6)
    with s.only(p["trailer"] > 0):
        wheels(s, [back - 0.35], radius, arch=0.6)
        with s.only(number > 2):
            wheels(s, [back - 1.55], radius, arch=0.6)
