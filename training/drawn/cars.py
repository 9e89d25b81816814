"""Cars and pick-ups: a low body, a cabin on it, four wheels."""

import numpy as np

from training.drawn.chance import Column
from training.drawn.parts import Shape, beacon, front, rear, seam, wheels
from training.drawn.solid import Number, Point, Solid, rounded

Cabin = tuple[
    Number, Number, Number, Number
]  # x of: foot of the rear glass, roof's rear, roof's front, foot of the windscreen


def car(s: Solid, p: Shape) -> None:
    """A passenger car, from cabriolet to limousine."""
    belt = p["belt"] * p["height"]
    nose = s.length - p["hood"]
    cabin = (p["trunk"], p["trunk"] + p["fast"], nose - p["screen"], nose)
    _body(s, p, belt)
    _cabin(s, p, cabin, belt, p["height"])
    s.at(s.length, 1)
    middle = 0.5 * (cabin[1] + cabin[3])
    for x in (cabin[3] - 0.05, middle):
        seam(s, x, (p["clear"] + 0.14, belt - 0.02))
    with s.only(p["doors"] > 1):
        seam(s, cabin[0] + 0.25 * (cabin[1] - cabin[0]), (p["clear"] + 0.14, belt - 0.02))
    for x in (middle - 0.28, cabin[3] - 0.4 * p["screen"] - 0.9):
        s.panel(x, x + 0.17, belt - 0.15, belt - 0.11, "metal")
    s.panel(0.3, s.length - 0.3, p["clear"], p["clear"] + 0.09, "trim")
    _roof_gear(s, p, cabin)
    wheels(s, (p["rear"], s.length - p["front"]), p["wheel"])


def pickup(s: Solid, p: Shape) -> None:
    """A car's front with an open bed behind the cabin."""
    belt = p["belt"] * p["height"]
    nose = s.length - p["hood"]
    cabin = (p["bed"], p["bed"] + 0.16, nose - p["screen"], nose)
    _body(s, p, belt)
    _bed(s, p, belt - 0.06)
    _cabin(s, p, cabin, belt, p["height"])
    s.at(s.length, 1)
    seam(s, p["bed"] - 0.02, (p["clear"], belt))
    for x in (nose - 0.05, nose - 1.05):
        seam(s, x, (p["clear"] + 0.14, belt))
    s.panel(0.3, s.length - 0.3, p["clear"], p["clear"] + 0.1, "trim")
    with s.only(p["rack"] > 0):
        _ladder_rack(s, nose - p["screen"], belt - 0.06, p["height"] + 0.12)
    wheels(s, (p["rear"], s.length - p["front"]), p["wheel"])


def _bed(s: Solid, p: Shape, rim: Column) -> None:
    """The open bed's dark inside and what lies in it, goods or a canopy with windows."""
    long, load = p["bed"], p["load"]
    near, far, floor = 0.1, s.width - 0.1, rim + 0.055
    s.add([(0.1, near, floor), (long, near, floor), (long, far, floor), (0.1, far, floor)], "dark")
    heap = ((0.12, rim), (long - 0.1, rim), (long - 0.1, rim + load), (0.2, rim + load))
    with s.only(load > 0):
        s.extrude(heap, "cargo", (0.08, s.width - 0.08))
    with s.only(p["canopy"] > 0):
        s.row((0.3, long - 0.3), (rim + 0.3 * load, rim + 0.8 * load), 2.0, "glass", 0.12, y=0.07)


def _ladder_rack(s: Solid, reach: Column, foot: Column, top: Column) -> None:
    for y in (0.15, s.width - 0.2):
        s.bar((0.15 * reach, y, top), (reach, y, top), 0.09, "metal")
        for share in (0.16, 0.55):
            s.bar((share * reach, y, foot), (share * reach, y, top), 0.07, "metal")


def _body(s: Solid, p: Shape, belt: Column) -> None:
    s.at(0.5 * s.length)
    length = s.length
    clear, brow = p["clear"], p["brow"] * belt
    tail = p["tail"] * belt
    outline: list[Point] = [
        (0.12, clear),
        (length - 0.14, clear),
        (length, clear + 0.2),
        (length - 0.03, brow),
        (length - p["hood"] - 0.05, belt),
        (p["trunk"], belt),
        (0.02, tail),
        (0.0, clear + 0.25),
    ]
    s.extrude(rounded(outline, p["round"]), "body")
    front(s, (outline[2], outline[3]), (0.42, 0.78), p["grille"])
    rear(s, (outline[6], outline[7]), (0.45, 0.85))


def _cabin(s: Solid, p: Shape, cabin: Cabin, belt: Column, roof: Column) -> None:
    """Roof, pillars and glass, or what an open car has instead."""
    a, _, _, d = cabin
    s.at(0.5 * (np.asarray(a) + d))
    with s.only(p["open"] > 0):
        _open_cabin(s, cabin, belt, roof)
    with s.only(p["open"] == 0):
        _closed_cabin(s, p, cabin, belt, roof)


def _open_cabin(s: Solid, cabin: Cabin, belt: Column, roof: Column) -> None:
    a, _, _, d = cabin
    for share in (0.35, 0.62):
        x = np.asarray(a) + share * (np.asarray(d) - a)
        s.box((x - 0.1, x + 0.12), (belt, belt + 0.24), "seat", (0.3, s.width - 0.3))
    high = (roof - belt) * 0.85
    top = d - 0.9 * high
    s.add(
        [(d, 0.12, belt), (top, 0.2, belt + high), (top, s.width - 0.2, belt + high), (d, s.width - 0.12, belt)],
        "screen",
    )
    s.bar((d, 0.1, belt), (top, 0.18, belt + high), 0.07, "trim")


def _closed_cabin(s: Solid, p: Shape, cabin: Cabin, belt: Column, roof: Column) -> None:
    a, b, c, d = cabin
    lean = 0.2
    outline: list[Point] = [
        (a, belt - 0.01),
        (d, belt - 0.01),
        (c, roof),
        (0.5 * (np.asarray(b) + c), roof + 0.03),
        (b, roof - 0.01),
    ]
    s.extrude(rounded(outline, 0.12), "body", (0.03, s.width - 0.03), lean)
    s.patch((outline[1], outline[2]), (0.08, 0.9), (0.05, 0.95), "screen", lean)
    s.patch((outline[4], outline[0]), (0.12, 0.85), (0.08, 0.92), "glass", lean)
    top, low = roof - 0.09, belt + 0.03
    rise = (top - belt) / (roof - belt)
    y = 0.03 + lean * 0.5 * (top - belt)
    middle = 0.5 * (np.asarray(b) + d) - 0.08
    s.side(((middle + 0.05, low), (d - 0.16, low), (d - (d - c) * rise - 0.1, top), (middle + 0.05, top)), "glass", y)
    with s.only(p["blind"] == 0):  # blind: no glass behind the front door
        back = np.asarray(a) + (np.asarray(b) - a) * rise + 0.12
        s.side(
            (
                (np.asarray(a) + 0.14, low),
                (middle - 0.05, low),
                (middle - 0.05, top),
                (np.minimum(back, middle - 0.06), top),
            ),
            "glass",
            y,
        )


def _roof_gear(s: Solid, p: Shape, cabin: Cabin) -> None:
    _, b, c, _ = cabin
    middle, half = 0.5 * (np.asarray(b) + c), 0.5 * (c - np.asarray(b))
    s.at(s.length, 1)
    with s.only(p["sign"] > 0):
        s.box(
            (middle - 0.16, middle + 0.16), (p["height"], p["height"] + 0.2), "amber", (0.32 * s.width, 0.68 * s.width)
        )
    with s.only(p["beacon"] > 0):
        beacon(s, middle, p["height"], "tail")
    with s.only(p["rack"] > 0):
        for y in (0.24, s.width - 0.3):
            s.bar((middle - half, y, p["height"] + 0.09), (middle + half, y, p["height"] + 0.09), 0.06, "trim")
    s.at(0.0)
    with s.only(p["spare"] > 0):
        s.box((-0.2, 0.0), (p["clear"] + 0.3, p["clear"] + 0.92), "tyre", (0.32 * s.width, 0.68 * s.width))
