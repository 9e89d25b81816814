"""What stands on streets and is no vehicle."""

from training.drawn.loads import hull
from training.drawn.parts import Shape, door
from training.drawn.solid import Point, Solid, rounded


def street(s: Solid, p: Shape) -> None:
    """Nothing but the scene."""


def shelter(s: Solid, p: Shape) -> None:
    """A waiting shelter: roof, glass walls, bench, a post with a sign."""
    s.at(0.5 * s.length)
    top, deep = p["height"], s.width
    s.add([(0.1, deep, 0.2), (s.length, deep, 0.2), (s.length, deep, top), (0.1, deep, top)], "glass", 1.15)
    for k in range(5):
        s.bar((0.1 + k * (s.length - 0.2) / 4, deep, 0.0), (0.1 + k * (s.length - 0.2) / 4, deep, top), 0.07, "trim")
    s.box((0.2 * s.length, 0.75 * s.length), (0.45, 0.55), "wood", (0.6 * deep, 0.9 * deep))
    for share in (0.25, 0.7):
        s.bar((share * s.length, 0.7 * deep, 0.0), (share * s.length, 0.7 * deep, 0.45), 0.08, "trim")
    s.patch(((s.length, 0.15), (s.length, top)), (0.02, 0.94), (0.05, 0.95), "accent")
    s.at(s.length, 1)
    for x in (0.06, s.length - 0.06):
        s.bar((x, 0.05, 0.0), (x, 0.05, top), 0.09, "metal")
    s.box((-0.15, s.length + 0.15), (top, top + 0.18), "body")


def shed(s: Solid, p: Shape) -> None:
    """A hut with a gable roof, a door and windows."""
    s.at(0.5 * s.length)
    wall = p["height"]
    s.box((0.0, s.length), (0.0, wall), "cargo")
    eave, ridge = wall - 0.1, wall + p["roof"]
    middle = 0.5 * s.width
    for end, paint in ((0.0, "cargo"), (s.length, "cargo")):
        order = (0.0, s.width) if isinstance(end, float) else (s.width, 0.0)
        s.add([(end, order[1], eave), (end, middle, ridge), (end, order[0], eave)], paint, 0.9, one_sided=True)
    s.add(
        [(-0.2, -0.25, eave), (s.length + 0.2, -0.25, eave), (s.length + 0.2, middle, ridge), (-0.2, middle, ridge)],
        "brick",
        1.0,
    )
    s.panel(0.12 * s.length, 0.12 * s.length + 0.95, 0.05, 2.0, "wood", y=-0.01)
    s.row((0.45 * s.length, 0.92 * s.length), (0.9, 1.8), p["windows"], "glass", 0.4, y=-0.01)


def tree(s: Solid, p: Shape) -> None:
    """A trunk and a crown of leaves."""
    s.at(0.5 * s.length)
    x, y, tall = 0.5 * s.length, 0.5 * s.width, p["height"]
    s.side(((x - 0.22, 0.0), (x + 0.22, 0.0), (x + 0.12, 0.75 * tall), (x - 0.12, 0.75 * tall)), "trunk", y)
    s.bar((x, y, 0.4 * tall), (x + 0.3 * s.length, y, 0.62 * tall), 0.16, "trunk")
    crown = (
        (-0.3, 0.55, 0.2),
        (0.28, 0.58, 0.22),
        (0.0, 0.5, 0.24),
        (-0.16, 0.76, 0.2),
        (0.16, 0.78, 0.2),
        (0.0, 0.86, 0.16),
    )
    for dx, z, radius in crown:
        s.disc(x + dx * s.length, z * tall, radius * tall * p["crown"], "leaf", y - 0.02, 0.92)
    for dx, z, radius in crown:
        s.at(0.5 * s.length, 1)
        s.disc(
            x + dx * s.length - 0.06 * tall,
            (z + 0.05) * tall,
            0.55 * radius * tall * p["crown"],
            "leaf",
            y - 0.03,
            1.16,
        )


def boat(s: Solid, p: Shape) -> None:
    """A boat on blocks."""
    s.at(0.5 * s.length)
    for share in (0.2, 0.6):
        s.box((share * s.length, share * s.length + 0.4), (0.0, 0.5), "wood", (0.4, s.width - 0.4))
    hull(s, (0.0, s.length), 0.45, 1.3)


def billboard(s: Solid, p: Shape) -> None:
    """A large board on legs with coloured fields."""
    s.at(0.5 * s.length)
    low, top = p["height"], p["height"] + p["board"]
    for share in (0.2, 0.8):
        s.bar((share * s.length, 0.3, 0.0), (share * s.length, 0.3, low), 0.2, "metal")
    s.box((0.0, s.length), (low, top), "trim", (0.0, 0.25))
    s.panel(0.12, s.length - 0.12, low + 0.12, top - 0.12, "plate", y=-0.01)
    s.panel(0.12, 0.45 * s.length, low + 0.12, top - 0.12, "body", y=-0.02)
    s.disc(0.7 * s.length, 0.5 * (low + top), 0.28 * p["board"], "accent", y=-0.02)


def bench(s: Solid, p: Shape) -> None:
    """A park bench."""
    s.at(0.5 * s.length)
    for k in range(3):
        s.box((0.0, s.length), (0.62 + 0.16 * k, 0.72 + 0.16 * k), "wood", (s.width - 0.06, s.width))
    s.box((0.0, s.length), (0.42, 0.48), "wood", (0.1, s.width))
    s.at(s.length, 1)
    for x in (0.12, s.length - 0.12):
        s.bar((x, 0.12, 0.0), (x, 0.12, 0.6), 0.07, "dark")
        s.bar((x, 0.12, 0.6), (x + 0.01, s.width, 0.62), 0.06, "dark")


def container(s: Solid, p: Shape) -> None:
    """A freight container on the ground."""
    s.at(0.5 * s.length)
    outline: list[Point] = [(0.0, 0.1), (s.length, 0.1), (s.length, p["height"]), (0.0, p["height"])]
    s.extrude(outline, "body")
    s.row((0.1, s.length - 0.1), (0.25, p["height"] - 0.15), p["ribs"], "trim", 0.78)
    for t in (0.1, 0.3, 0.49, 0.68, 0.88):
        s.patch((outline[1], outline[2]), (0.06, 0.94), (t, t + 0.03), "trim")


def kiosk(s: Solid, p: Shape) -> None:
    """A stall with a counter and an awning."""
    s.at(0.5 * s.length)
    s.extrude(rounded(((0.0, 0.0), (s.length, 0.0), (s.length, p["height"]), (0.0, p["height"])), 0.12), "body")
    s.panel(0.12 * s.length, 0.7 * s.length, 1.0, p["height"] - 0.55, "dark", y=-0.01)
    door(s, (0.76 * s.length, 0.95 * s.length), (0.05, 2.0))
    s.at(s.length, 1)
    rise = p["height"] - 0.4
    for k in range(6):
        left, wide = s.length * (0.1 + 0.105 * k), s.length * 0.105
        paint = "accent" if k % 2 else "plate"
        s.add(
            [(left, -0.7, rise - 0.4), (left + wide, -0.7, rise - 0.4), (left + wide, 0.0, rise), (left, 0.0, rise)],
            paint,
        )
    s.box((0.12 * s.length, 0.7 * s.length), (0.92, 1.0), "wood", (-0.25, 0.0))
