"""Long bodies with a row of windows: vans, campers, trams, trains, caravans, and the bus family.

One grammar for all of them, so that buses share every part with their rivals and differ in proportions.
"""

import numpy as np

from training.drawn.chance import Column
from training.drawn.parts import Shape, beacon, door, front, livery, rail_wheels, rear, seam, wheels
from training.drawn.solid import Number, Point, Solid, rounded

_JOINT = 0.7  # metres of bellows between two sections


def coach(s: Solid, p: Shape) -> None:
    """Body in 1-3 sections, hood, windows, doors, wheels or bogies, roof gear."""
    nose = s.length - p["hood"]
    each = (nose - _JOINT * (p["sections"] - 1)) / p["sections"]
    for k in range(int(p["sections"].max())):
        x0 = k * (each + _JOINT)
        with s.only(k < p["sections"]):
            _section(s, p, (x0, x0 + each), k)
        with s.only(k < p["sections"] - 1):
            _bellows(s, x0 + each, (p["floor"] + 0.05, p["height"] - 0.15))
    with s.only(p["hood"] > 0):
        _hood(s, p, nose)
    with s.only(p["rails"] > 0):
        _bogies(s, p, each + _JOINT)
    with s.only(p["rails"] == 0):
        _axles(s, p, each + _JOINT)
    _roof_gear(s, p, nose)


def _section(s: Solid, p: Shape, x: tuple[Column, Column], k: int) -> None:
    """One rigid piece of body with its windows and doors; the last one leads."""
    s.at(0.5 * (x[0] + x[1]))
    floor, sill, leads = p["floor"], p["sill"], np.equal(p["sections"], k + 1)
    rake, back = np.where(leads, p["rake"], 0.0), p["back"] if k == 0 else np.zeros(s.batch)
    outline: list[Point] = [
        (x[0], floor),
        (x[1], floor),
        (x[1], sill - 0.15),
        (x[1] - rake, p["height"]),
        (x[0] + back, p["height"]),
        (x[0], sill),
    ]
    s.extrude(rounded(outline, p["round"]), "body", lean=p["lean"])
    with s.only(leads):
        _front(s, p, outline)
    if k == 0:
        s.patch((outline[4], outline[5]), (0.25, 0.9), (0.12, 0.12 + 0.76 * p["rearglass"]), "glass", p["lean"])
        rear(s, (outline[5], outline[0]), (0.25, 0.6))
    livery(s, (x[0] + 0.1, x[1] - 0.1), (floor + 0.1, sill - 0.1))
    inner = (
        x[0] + (p["tailroom"] if k == 0 else 0.0) + 0.15,
        x[1] - 0.12 - np.where(leads, p["headroom"] + 0.5 * rake, 0.0),
    )
    top = np.where(p["decks"] > 1, sill + 0.85, sill + p["glass"])
    _windows(s, p, inner, (sill, top), p["windows"])
    with s.only(p["decks"] > 1):
        _windows(s, p, (x[0] + 0.2, x[1] - 0.2 - rake), (top + 0.55, top + 1.4), p["windows"] + 1)
    _doors(s, p, inner, top)
    with s.only(leads & (p["cabglass"] > 0)):
        edge = x[1] - 0.1 - 0.55 * rake
        s.side(
            ((edge - 0.9, sill - 0.05), (edge + 0.3 * rake, sill - 0.05), (edge - 0.1 * rake, top), (edge - 0.9, top)),
            "glass",
        )
    s.panel(x[0] + 0.2, x[1] - 0.2, floor, floor + 0.12, "trim")


def _bellows(s: Solid, x: Column, z: tuple[Column, Column]) -> None:
    s.at(x + 0.5 * _JOINT)
    span = (x - 0.02, x + _JOINT + 0.02)
    s.box(span, z, "trim", (0.12, s.width - 0.12))
    s.row(span, z, 4.0, "dark", 0.5, y=0.11)


def _windows(s: Solid, p: Shape, x: tuple[Number, Number], z: tuple[Number, Number], count: Column) -> None:
    with s.only((count > 0) & (p["band"] > 0)):  # dark glass from end to end
        s.panel(x[0], x[1], z[0] - 0.04, z[1] + 0.04, "dark")
    s.row(x, z, count, "glass", p["gap"])
    bright = np.subtract(z[1], z[0])
    s.row(x, (z[1] - 0.22 * bright, z[1] - 0.17 * bright), count, "trim", p["gap"])


def _doors(s: Solid, p: Shape, x: tuple[Column, Column], top: Column) -> None:
    """Up to three doors: the first at the front, the others evenly behind; or a van's sliding door, only joints."""
    number, low = p["doors"], p["floor"] + 0.1
    for k in range(int(number.max())):
        right = x[1] + 0.05 - k * (x[1] - x[0]) / np.maximum(number - 0.35, 1.0)
        with s.only(k < number):
            door(s, (right - p["door"], right), (low, np.maximum(top, p["floor"] + 1.7)))
    with s.only(p["slide"] > 0):
        for share in (0.42, 0.75):
            seam(s, x[0] + share * (x[1] - x[0]), (p["floor"] + 0.15, p["height"] - 0.25))


def _front(s: Solid, p: Shape, outline: list[Point]) -> None:
    """Windscreen and sign above; lamps, grille and bumper below where no hood stands before them."""
    lower, upper, lean = (outline[1], outline[2]), (outline[2], outline[3]), p["lean"]
    s.patch(upper, (np.where(p["hood"] > 0, 0.17, 0.05), 0.73), (0.06, 0.94), "screen", lean)
    with s.only(p["split"] > 0):
        s.patch(upper, (0.05, 0.73), (0.48, 0.52), "trim", lean)
    with s.only(p["sign"] > 0):
        s.patch(upper, (0.77, 0.93), (0.16, 0.84), "dark", lean)
        s.patch(upper, (0.8, 0.9), (0.3, 0.7), "amber", lean)
    with s.only(p["hood"] == 0):
        front(s, lower, (0.3, 0.52), 0.36)


def _hood(s: Solid, p: Shape, nose: Column) -> None:
    s.at(nose + 0.5 * p["hood"])
    low, top = p["floor"] + 0.02, p["sill"] - 0.12
    outline: list[Point] = [
        (nose - 0.05, low),
        (s.length, low),
        (s.length, top - 0.42),
        (s.length - 0.2 * p["hood"], top - 0.22),
        (nose - 0.05, top),
    ]
    s.extrude(rounded(outline, 0.1), "body", (0.12, s.width - 0.12))
    front(s, (outline[1], outline[2]), (0.5, 0.85), 0.4)


def _bogies(s: Solid, p: Shape, pitch: Column) -> None:
    rail_wheels(s, [2.0 + 0.0 * s.length, s.length - 2.0], 0.36)
    for k in range(1, int(p["sections"].max())):
        with s.only(k < p["sections"]):
            rail_wheels(s, [k * pitch - 0.35], 0.36)


def _axles(s: Solid, p: Shape, pitch: Column) -> None:
    radius = p["wheel"]
    wheels(s, [p["rear"]], radius)
    with s.only(p["axles"] > 1):
        wheels(s, [s.length - p["front"]], radius)
    with s.only(p["axles"] > 2):
        wheels(s, [p["rear"] + 1.25], radius)
    with s.only(p["sections"] > 1):
        wheels(s, [pitch + 1.5], radius)
    with s.only(p["axles"] < 2):  # towed: a drawbar
        s.bar(
            (s.length - 0.1, 0.5 * s.width, p["floor"] + 0.1),
            (s.length + 1.1, 0.5 * s.width, p["floor"] + 0.05),
            0.12,
            "trim",
        )


def _roof_gear(s: Solid, p: Shape, nose: Column) -> None:
    height, y = p["height"], 0.5 * s.width
    s.at(s.length, 1)
    with s.only(p["cooler"] > 0):
        for x in (0.3 * nose, 0.62 * nose):
            box = rounded(
                (
                    (x - 0.9, height - 0.02),
                    (x + 0.9, height - 0.02),
                    (x + 0.75, height + 0.28),
                    (x - 0.75, height + 0.28),
                ),
                0.08,
            )
            s.extrude(box, "cargo", (0.2 * s.width, 0.8 * s.width))
    with s.only(p["pantograph"] > 0):
        x = 0.55 * nose
        s.bar((x - 0.6, y, height), (x + 0.5, y, height + 0.5), 0.09, "trim")
        s.bar((x + 0.5, y, height + 0.5), (x - 0.1, y, height + 1.0), 0.09, "trim")
        s.bar((x - 0.1, y - 0.8, height + 1.0), (x + 0.2, y + 0.8, height + 1.0), 0.1, "dark")
    with s.only(p["poles"] > 0):
        for across in (0.4 * s.width, 0.6 * s.width):
            s.bar((0.55 * nose, across, height), (0.55 * nose - 6.0, across, height + 1.5), 0.09, "dark")
    with s.only(p["rack"] > 0):
        half = 0.36 * nose
        for across in (0.2, s.width - 0.25):
            s.bar((0.5 * nose - half, across, height + 0.12), (0.5 * nose + half, across, height + 0.12), 0.08, "metal")
        s.box(
            (0.5 * nose - 0.8 * half, 0.5 * nose + 0.5 * half),
            (height + 0.02, height + 0.3),
            "wood",
            (0.3, s.width - 0.35),
        )
    with s.only(p["beacon"] > 0):
        beacon(s, 0.8 * nose, height)
    with s.only(p["alcove"] > 0):
        _alcove(s, nose, height)


def _alcove(s: Solid, x: Column, top: Column) -> None:
    """The bunk above a camper's cab."""
    s.at(x)
    outline: list[Point] = [
        (x - 0.5, top - 0.95),
        (x + 0.2, top - 0.95),
        (x + 0.75, top - 0.5),
        (x + 0.45, top),
        (x - 0.5, top),
    ]
    s.extrude(rounded(outline, 0.12), "body")
