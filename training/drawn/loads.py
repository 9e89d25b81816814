"""What lorries carry: one function a load, all of the same signature."""

import numpy as np

from training.drawn.chance import Column
from training.drawn.parts import Shape, ladder, livery, rear
from training.drawn.solid import COSINE, SINE, Number, Point, Solid, rounded

Span = tuple[Column, Column]  # x of the load's rear and front


def nothing(s: Solid, p: Shape, x: Span, bed: Column) -> None:
    """A tractor unit: only the plate that a trailer rests on."""
    s.box((x[0] + 0.3, x[0] + 1.5), (bed, bed + 0.14), "dark", (0.6, s.width - 0.6))


def box(s: Solid, p: Shape, x: Span, bed: Column) -> None:
    """A closed box; ribs 0: smooth, more: a container or a curtain's poles."""
    outline: list[Point] = [(x[0], bed), (x[1], bed), (x[1], p["top"]), (x[0], p["top"])]
    s.extrude(outline, "cargo")
    livery(s, x, (bed + 0.1, p["top"] - 0.1))
    s.row((x[0] + 0.1, x[1] - 0.1), (bed + 0.12, p["top"] - 0.12), p["ribs"], "trim", 0.82)
    s.panel(x[0], x[1], bed, bed + 0.12, "metal")
    s.panel(x[0], x[1], p["top"] - 0.1, p["top"], "metal")
    rear(s, (outline[3], outline[0]), (0.05, 0.13), doors=True)
    s.at(x[1] + 0.2)
    with s.only(p["cooler"] > 0):
        s.box((x[1], x[1] + 0.4), (p["top"] - 1.0, p["top"] - 0.15), "metal", (0.3, s.width - 0.3))


def tank(s: Solid, p: Shape, x: Span, bed: Column) -> None:
    """A lying cylinder, shaded in strips, with hoops and hatches."""
    middle, radius = 0.5 * (bed + p["top"]), 0.5 * (p["top"] - bed)
    ring = np.empty((1, 16, 3, s.batch))
    for end, order in ((x[0], 1), (x[1], -1)):
        ring[0, :, 0] = end
        ring[0, :, 1] = 0.5 * s.width + 0.48 * s.width * COSINE[::order][:, None]
        ring[0, :, 2] = middle + radius * SINE[::order][:, None]
        s.add_many(ring.copy(), "cargo", 0.78, one_sided=True)
    angles = range(-5, 5)  # strips from below over the near side to the top
    for k in angles:
        (c0, s0), (c1, s1) = ((COSINE[j % 16], SINE[j % 16]) for j in (k, k + 1))
        y0, y1 = 0.5 * s.width * (1 - c0), 0.5 * s.width * (1 - c1)
        z0, z1 = middle + radius * s0, middle + radius * s1
        s.add(
            [(x[0], y0, z0), (x[1], y0, z0), (x[1], y1, z1), (x[0], y1, z1)],
            "cargo",
            0.86 + 0.26 * (0.5 * (s0 + s1)),
            one_sided=False,
        )
    s.panel(x[0], x[1], middle - 0.1, middle + 0.06, "accent", y=-0.02)
    s.row((x[0], x[1]), (middle - 0.85 * radius, middle + 0.85 * radius), 4.0, "metal", 0.94, y=-0.01)
    s.at(s.length, 1)
    for share in (0.3, 0.65):
        foot = x[0] + share * (x[1] - x[0])
        s.box((foot - 0.3, foot + 0.3), (p["top"], p["top"] + 0.16), "metal", (0.4 * s.width, 0.6 * s.width))


def dump(s: Solid, p: Shape, x: Span, bed: Column) -> None:
    """An open tipper body with ribs and a heap in it."""
    top = p["top"]
    heap: list[Point] = [
        (x[0] + 0.3, top - 0.1),
        (x[1] - 0.3, top - 0.1),
        (x[1] - 1.1, top + p["heap"]),
        (x[0] + 1.3, top + 0.8 * p["heap"]),
    ]
    s.extrude(heap, "rust", (0.2, s.width - 0.2))
    outline: list[Point] = [(x[0] + 0.4, bed), (x[1], bed), (x[1] + 0.1, top + 0.3), (x[1] - 0.1, top), (x[0], top)]
    s.extrude(outline, "cargo")
    s.row((x[0] + 0.4, x[1]), (bed + 0.1, top - 0.08), 5.0, "trim", 0.86)
    s.panel(x[0], x[1], top - 0.12, top, "metal")


def flat(s: Solid, p: Shape, x: Span, bed: Column) -> None:
    """A flat deck with crates on it, as many as `crates`."""
    s.box((x[0], x[1]), (bed, bed + 0.16), "wood")
    s.box((x[1] - 0.12, x[1]), (bed, bed + 0.9), "metal")
    for k, (share, tall) in enumerate(((0.06, 0.8), (0.36, 1.2), (0.66, 0.6))):
        left, paint = x[0] + share * (x[1] - x[0]), ("wood", "cargo", "accent")[k]
        with s.only(k < p["crates"]):
            s.box((left, left + 0.27 * (x[1] - x[0])), (bed + 0.16, bed + 0.16 + tall), paint, (0.25, s.width - 0.25))


def logs(s: Solid, p: Shape, x: Span, bed: Column) -> None:
    """Trunks between stakes."""
    s.box((x[0], x[1]), (bed, bed + 0.12), "trim", (0.3, s.width - 0.3))
    radius = 0.24
    for level in range(4):
        z = bed + 0.34 + level * 0.42
        s.box(
            (x[0] + 0.15, x[1] - 0.25),
            (z - radius, z + radius),
            "wood",
            (0.1 + 0.06 * level, s.width - 0.1 - 0.06 * level),
        )
        s.panel(x[0] + 0.15, x[1] - 0.25, z - radius, z - 0.6 * radius, "trunk", y=0.09 + 0.06 * level)
        for number in range(4):
            y = 0.3 + number * (s.width - 0.6) / 3
            s.add(
                [(x[0] + 0.14, y + 0.2 * c, z + 0.2 * v) for c, v in zip(COSINE[::2], SINE[::2], strict=True)],
                "skin",
                0.9,
                one_sided=True,
            )
    for share in (0.08, 0.36, 0.64, 0.92):
        foot = x[0] + share * (x[1] - x[0])
        s.bar((foot, 0.0, bed), (foot, 0.0, bed + 2.0), 0.1, "trim")


def mixer(s: Solid, p: Shape, x: Span, bed: Column) -> None:
    """A concrete drum, thick in the middle, tilted up to the rear."""
    long = x[1] - x[0]
    drum: list[Point] = [
        (0.02, 1.35),
        (0.3, 0.45),
        (0.72, 0.12),
        (0.98, 0.35),
        (1.0, 1.0),
        (0.7, 1.75),
        (0.34, 2.0),
        (0.06, 1.85),
    ]
    outline = [(x[0] + a * long, bed + 0.05 + b) for a, b in drum]
    s.extrude(outline, "cargo", (0.2, s.width - 0.2))
    for a in (0.3, 0.62):
        stripe: list[Point] = [(a, 0.42), (a + 0.12, 0.3), (a + 0.1, 1.78), (a - 0.04, 1.95)]
        s.side([(x[0] + u * long, bed + 0.05 + v) for u, v in stripe], "accent", 0.19)
    s.side(
        ((x[0] - 0.1, bed + 0.9), (x[0] + 0.3, bed + 0.7), (x[0] + 0.25, bed + 1.6), (x[0], bed + 1.7)), "metal", 0.5
    )
    s.bar((x[0] + 0.2, 0.3, bed), (x[0] + 0.3, 0.3, bed + 1.2), 0.14, "trim")


def refuse(s: Solid, p: Shape, x: Span, bed: Column) -> None:
    """A collector: rounded body and a hopper at the rear."""
    split = x[0] + 0.26 * (x[1] - x[0])
    outline: list[Point] = [
        (split, bed),
        (x[1], bed),
        (x[1], p["top"] - 0.1),
        (x[1] - 0.5, p["top"]),
        (split, p["top"]),
    ]
    s.extrude(rounded(outline, 0.18), "cargo")
    livery(s, (split + 0.1, x[1] - 0.1), (bed + 0.2, p["top"] - 0.2))
    s.at(x[0])
    tail: list[Point] = [
        (x[0] + 0.3, bed - 0.3),
        (split, bed - 0.3),
        (split, p["top"] + 0.1),
        (x[0] + 0.6, p["top"]),
        (x[0], bed + 0.9),
    ]
    s.extrude(rounded(tail, 0.12), "accent")
    s.side(((x[0] + 0.35, bed), (split - 0.15, bed), (split - 0.15, bed + 0.8), (x[0] + 0.3, bed + 0.8)), "trim")
    s.patch((tail[4], tail[0]), (0.1, 0.9), (0.1, 0.9), "dark")


def engine(s: Solid, p: Shape, x: Span, bed: Column) -> None:
    """A fire engine's body: lockers with shutters, a ladder on top."""
    outline: list[Point] = [(x[0], bed - 0.2), (x[1], bed - 0.2), (x[1], p["top"]), (x[0], p["top"])]
    s.extrude(outline, "body")
    s.row((x[0] + 0.15, x[1] - 0.1), (bed + 0.1, p["top"] - 0.35), p["ribs"], "metal", 0.14)
    for share in (0.3, 0.5, 0.7):
        level = bed + 0.1 + share * (p["top"] - bed - 0.45)
        s.panel(x[0] + 0.15, x[1] - 0.1, level, level + 0.03, "trim")
    rear(s, (outline[3], outline[0]), (0.1, 0.2))
    s.at(s.length, 1)
    reach = p["ladder"] * (x[1] + p["cab"] * 0.8)
    ladder(s, (x[0] - 0.1, x[0] + reach), (p["top"] + 0.1, p["top"] + 0.1 + p["lift"]), 0.5 * s.width)


def boom(s: Solid, p: Shape, x: Span, bed: Column) -> None:
    """A mobile crane: deck, slewing cabin, lattice or telescopic arm."""
    s.box((x[0], x[1]), (bed - 0.1, bed + 0.35), "body")
    pivot = x[0] + 0.35 * (x[1] - x[0])
    house: list[Point] = [
        (pivot - 1.6, bed + 0.35),
        (pivot + 1.1, bed + 0.35),
        (pivot + 1.0, bed + 1.7),
        (pivot - 1.3, bed + 1.7),
    ]
    s.extrude(rounded(house, 0.15), "body", (0.25, s.width - 0.25))
    s.panel(pivot + 0.1, pivot + 0.9, bed + 0.8, bed + 1.5, "glass", y=0.24)
    s.at(s.length, 1)
    tip = pivot + p["reach"]
    foot, top = bed + 1.5, bed + 1.5 + p["lift"]
    s.bar((pivot - 0.8, 0.5 * s.width, foot), (tip, 0.5 * s.width, top), 0.5, "cargo")
    s.bar(
        (pivot + 0.5, 0.5 * s.width, foot),
        (tip + 1.2, 0.5 * s.width, top + 1.2 * p["lift"] / p["reach"]),
        0.26,
        "accent",
    )
    s.bar((tip + 1.2, 0.5 * s.width, top + 0.2), (tip + 1.2, 0.5 * s.width, top - 1.2), 0.06, "dark")


def boat(s: Solid, p: Shape, x: Span, bed: Column) -> None:
    """A hull on the trailer."""
    hull(s, (x[0], x[1]), bed + 0.05, 1.0)


def hull(s: Solid, x: tuple[Number, Number], low: Number, tall: float) -> None:
    """A motor boat's hull with deck and windscreen."""
    long = np.subtract(x[1], x[0])
    outline: list[Point] = [
        (x[0] + 0.05 * long, low),
        (x[0] + 0.75 * long, low),
        (x[1], low + tall),
        (x[0], low + 0.85 * tall),
    ]
    s.extrude(outline, "body", (0.15, s.width - 0.15))
    stripe = ((0.02, 0.5), (0.86, 0.5), (0.9, 0.66), (0.01, 0.64))
    s.side([(x[0] + a * long, low + b * tall) for a, b in stripe], "accent", 0.14)
    cabin: list[Point] = [(0.3, 0.85), (0.62, 0.9), (0.52, 1.4), (0.36, 1.4)]
    s.extrude([(x[0] + a * long, low + b * tall) for a, b in cabin], "cargo", (0.4, s.width - 0.4))
    s.side(
        [(x[0] + a * long, low + b * tall) for a, b in ((0.38, 1.0), (0.57, 1.0), (0.51, 1.32), (0.39, 1.32))],
        "glass",
        0.39,
    )
