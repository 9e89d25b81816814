"""Tractors, excavators, locomotives and freight wagons."""

import numpy as np

from training.drawn.chance import Column
from training.drawn.parts import Shape, front, rail_wheels, seam, wheels
from training.drawn.solid import Number, Point, Solid, rounded


def tractor(s: Solid, p: Shape) -> None:
    """Big wheels behind, small ones in front, a bonnet, a cab or a roll bar, perhaps a loader."""
    big, small = p["wheel"], p["small"]
    axle, lead = big + 0.05, s.length - p["front"]
    s.at(0.5 * s.length)
    waist, top = 1.15 * big, 1.15 * big + p["bonnet"]
    outline: list[Point] = [
        (axle, 0.6 * big),
        (lead + 0.45, 0.6 * big),
        (lead + 0.45, top - 0.1),
        (axle + 0.7, top),
        (axle, top),
    ]
    s.extrude(rounded(outline, 0.12), "body", (0.28 * s.width, 0.72 * s.width))
    s.row((axle + 1.1, lead + 0.3), (waist, top - 0.15), 3.0, "dark", 0.3, y=0.27 * s.width)
    front(s, (outline[1], outline[2]), (0.6, 0.85), 0.5, plate=False)
    _cab(s, p, axle, waist)
    s.at(s.length, 1)
    s.bar((lead - 0.2, 0.4 * s.width, top), (lead - 0.2, 0.4 * s.width, top + 0.9), 0.12, "dark")
    wheels(s, [lead], small, arch=0)
    wheels(s, [axle], big, arch=0)
    s.side(
        (
            (axle - 0.9 * big, 1.3 * big),
            (axle - 0.5 * big, 2.05 * big),
            (axle + 0.5 * big, 2.12 * big),
            (axle + 0.9 * big, 1.75 * big),
        ),
        "body",
        -0.02,
    )
    with s.only(p["loader"] > 0):
        tip = s.length
        s.bar((axle + 0.6, 0.1, top), (tip - 0.5, 0.1, 0.7 * top), 0.18, "accent")
        s.extrude(((tip - 0.6, 0.15), (tip + 0.35, 0.1), (tip - 0.2, 0.95), (tip - 0.6, 0.95)), "metal", (0.0, s.width))


def _cab(s: Solid, p: Shape, axle: Number, waist: Number) -> None:
    """Glass and roof, or a seat and perhaps a roof."""
    roof, inner = p["height"], (0.2 * s.width, 0.8 * s.width)
    back, nose = np.subtract(axle, 0.45), np.add(axle, 0.85)
    with s.only(p["glazed"] > 0):
        s.extrude(((back, waist), (nose + 0.2, waist), (nose, roof), (back + 0.1, roof)), "glass", inner)
    with s.only(p["glazed"] == 0):
        s.box((axle - 0.35, axle - 0.2), (waist, waist + 0.7), "seat", (0.35 * s.width, 0.65 * s.width))
        s.box((axle - 0.35, axle + 0.25), (waist, waist + 0.2), "seat", (0.35 * s.width, 0.65 * s.width))
    with s.only(p["roofed"] > 0):
        for foot, head in ((back, back + 0.1), (nose + 0.2, nose)):
            s.bar((foot, inner[0], waist), (head, inner[0], roof), 0.1, "trim")
        s.box((back - 0.1, nose + 0.15), (roof, roof + 0.14), "body", (0.15 * s.width, 0.85 * s.width))


def excavator(s: Solid, p: Shape) -> None:
    """Tracks, a turning house with a cab, and an arm (`arm` 1) or a blade (`arm` 0)."""
    tall, long = p["track"], p["base"]
    s.at(0.0, -1)
    outline = rounded(((0.3, 0.0), (0.3 + long, 0.0), (0.3 + long, tall), (0.3, tall)), 0.45 * tall)
    for y in ((0.75 * s.width, s.width), (0.0, 0.28 * s.width)):
        s.extrude(outline, "trim", y)
    for k in range(5):
        s.disc(0.3 + long * (k + 0.5) / 5, 0.5 * tall, 0.3 * tall, "metal", y=-0.01)
    s.at(0.5 * s.length)
    house: list[Point] = [
        (0.1, tall + 0.05),
        (long, tall + 0.05),
        (long, tall + 0.9),
        (0.9, tall + 1.1),
        (0.1, tall + 0.95),
    ]
    s.extrude(rounded(house, 0.14), "body", (0.05, s.width - 0.05))
    s.row((0.3, 1.3), (tall + 0.35, tall + 0.8), 3.0, "dark", 0.3, y=0.04)
    _operator(s, (0.48 * long, 0.95 * long), (tall + 0.1, p["height"]))
    s.at(s.length, 1)
    with s.only(p["arm"] > 0):
        _arm(s, (0.7 * long, tall + 0.6), (0.78 * s.length, p["height"] + p["lift"]), (0.97 * s.length, 1.2))
    with s.only(p["arm"] == 0):
        foot = 0.3 + long
        s.extrude(
            ((foot + 0.1, 0.05), (foot + 0.45, 0.0), (foot + 0.3, 1.1), (foot + 0.1, 1.1)),
            "accent",
            (-0.1, s.width + 0.1),
        )


def _operator(s: Solid, x: tuple[Column, Column], z: tuple[Column, Column]) -> None:
    """A narrow cab on the near half."""
    cab: list[Point] = [(x[0], z[0]), (x[1], z[0]), (x[1] - 0.15, z[1]), (x[0] + 0.07, z[1])]
    s.extrude(rounded(cab, 0.1), "body", (0.05, 0.5 * s.width))
    low, top = z[0] + 0.65, z[1] - 0.12
    s.side([(x[0] + 0.14, low), (x[1] - 0.16, low), (x[1] - 0.24, top), (x[0] + 0.2, top)], "glass", 0.04)
    s.patch((cab[1], cab[2]), (0.3, 0.95), (0.06, 0.46), "screen")


def _arm(s: Solid, foot: Point, knee: Point, tip: Point) -> None:
    y = 0.62 * s.width
    for start, stop, thick in ((foot, knee, 0.42), (knee, tip, 0.3)):
        s.bar((start[0], y, start[1]), (stop[0], y, stop[1]), thick, "body")
    scoop = ((-0.55, -0.75), (0.2, -0.6), (0.12, 0.25), (-0.2, 0.15))
    s.extrude([(tip[0] + a, tip[1] + b) for a, b in scoop], "metal", (0.42 * s.width, 0.82 * s.width))


def locomotive(s: Solid, p: Shape) -> None:
    """Steam (`boiler` 1): boiler, chimney, cab; diesel (0): a long hood with a cab."""
    s.at(0.5 * s.length)
    deck, top, steam = 1.15, p["height"], p["boiler"]
    s.box((0.0, s.length), (deck - 0.25, deck), "trim")
    cab_end = p["cab"]
    hood_top = top - p["step"]
    outline: list[Point] = [(cab_end, deck), (s.length - 0.3, deck), (s.length - 0.3, hood_top), (cab_end, hood_top)]
    inset = 0.3 + 0.1 * steam
    s.at(0.7 * s.length)
    s.extrude(rounded(outline, 0.1 + 0.5 * steam), "body", (inset, s.width - inset))
    s.row((cab_end + 0.4, s.length - 0.8), (deck + 0.3, hood_top - 0.2), p["ribs"], "trim", 0.72, y=inset - 0.01)
    front(s, (outline[1], outline[2]), (0.62, 0.78), 0.3, plate=False)
    s.at(0.5 * cab_end)
    s.box((0.1, cab_end), (deck, top), "body")
    s.box((-0.05, cab_end + 0.2), (top, top + 0.12), "trim")
    s.panel(0.25 * cab_end, 0.75 * cab_end, deck + 1.2, top - 0.35, "glass")
    seam(s, 0.15 * cab_end, (deck, top - 0.3))
    s.at(s.length, 1)
    rail_wheels(s, [0.22 * s.length, 0.78 * s.length], 0.46)
    with s.only(steam > 0):
        _steam(s, cab_end, hood_top)


def _steam(s: Solid, cab_end: Column, top: Column) -> None:
    """Chimney, domes, driving wheels and their rod."""
    s.at(s.length, 1)
    for share, tall, wide in ((0.9, 0.9, 0.22), (0.7, 0.45, 0.3), (0.55, 0.4, 0.22)):
        x = cab_end + share * (s.length - cab_end - 0.3)
        s.box((x - wide, x + wide), (top - 0.05, top - 0.05 + tall), "dark", (0.4 * s.width, 0.6 * s.width))
    for share in (0.35, 0.5, 0.65):
        for radius, paint in ((0.75, "dark"), (0.62, "accent"), (0.15, "metal")):
            s.disc(share * s.length, 0.75, radius, paint, y=0.2)
    s.bar((0.35 * s.length, 0.15, 0.6), (0.65 * s.length, 0.15, 0.6), 0.14, "metal")


def wagon(s: Solid, p: Shape) -> None:
    """A freight car: `roofed` 1 closed with ribs, 0 an open hopper."""
    s.at(0.5 * s.length)
    s.box((0.0, s.length), (0.85, 1.1), "trim", (0.2, s.width - 0.2))
    slope = 0.9 * (1 - p["roofed"])
    outline: list[Point] = [
        (0.2 + slope, 1.1),
        (s.length - 0.2 - slope, 1.1),
        (s.length - 0.2, p["height"]),
        (0.2, p["height"]),
    ]
    s.extrude(outline, "cargo")
    s.row((0.4 + slope, s.length - 0.4 - slope), (1.2, p["height"] - 0.15), p["ribs"], "trim", 0.85)
    with s.only(p["roofed"] > 0):
        s.panel(0.5 * s.length - 0.9, 0.5 * s.length + 0.9, 1.2, p["height"] - 0.3, "accent", y=-0.01)
    s.panel(0.2, s.length - 0.2, p["height"] - 0.14, p["height"], "metal", y=-0.02)
    rail_wheels(s, [1.7, s.length - 1.7], 0.42)
