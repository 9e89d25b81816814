"""Motorbikes, scooters and bicycles: two wheels in line, a frame, and what hangs on it."""

from training.drawn.parts import Shape
from training.drawn.solid import Number, Point, Solid, rounded


def cycle(s: Solid, p: Shape) -> None:
    """From bicycle (`motor` 0) to touring motorbike, with a rider where `rider` is 1."""
    y, r = 0.5 * s.width, p["wheel"]
    back, lead = (r, r), (s.length - r, r)
    seat, bars = (p["seat_x"] * s.length, p["seat"]), (s.length - r - p["trail"], p["bars"])
    crank = (0.5 * (back[0] + lead[0]) - 0.05, r * 0.95)
    head = (bars[0] + 0.08, bars[1] - 0.2)
    s.at(0.5 * s.length)
    for x in (back[0], lead[0]):
        _wheel(s, p, x, r)
    for start, stop in ((back, crank), (crank, head), (seat, head), (crank, seat), (back, seat), (lead, bars)):
        s.bar((start[0], y, start[1]), (stop[0], y, stop[1]), p["tube"], "body")
    with s.only(p["motor"] > 0):
        _motor(s, p, crank, seat, head)
    s.bar((seat[0] - 0.18, y, seat[1] + 0.03), (seat[0] + 0.16, y, seat[1] + 0.03), 0.08, "seat")
    s.bar((bars[0] - p["reach"], y, bars[1] + 0.02), (bars[0] + 0.08, y, bars[1]), 0.06, "trim")
    grip = bars[0] + 0.12
    s.add(
        [
            (grip, y - 0.3, bars[1]),
            (grip, y + 0.3, bars[1]),
            (grip - 0.04, y + 0.3, bars[1] + 0.05),
            (grip - 0.04, y - 0.3, bars[1] + 0.05),
        ],
        "trim",
    )
    with s.only(p["crate"] > 0):
        s.box((lead[0] - 0.5, lead[0] + 0.3), (r + 0.15, r + 0.65), "wood", (0.0, s.width))
    with s.only(p["rider"] > 0):
        _rider(s, p["lean"], seat, bars, crank)


def _wheel(s: Solid, p: Shape, x: Number, r: Number) -> None:
    y = 0.5 * s.width
    s.ring(x, r, r, 0.045, "tyre", y)
    s.ring(x, r, r - 0.045, 0.04, "metal", y)
    for dx, dz in ((1, 0), (0, 1), (-1, 0), (0, -1)):
        s.bar((x, y, r), (x + dx * (r - 0.05), y, r + dz * (r - 0.05)), 0.018, "metal")
    with s.only(p["motor"] > 0):
        s.disc(x, r, r - 0.1, "tyre", y)
        s.disc(x, r, 0.6 * r, "metal", y)
    s.disc(x, r, 0.05, "trim", y)


def _motor(s: Solid, p: Shape, crank: Point, seat: Point, head: Point) -> None:
    y, half = 0.5 * s.width, 0.16
    span = (y - half, y + half)
    block = ((-0.3, 0.24), (0.34, 0.24), (0.38, 0.58), (-0.26, 0.62))
    s.extrude([(crank[0] + a, b) for a, b in block], "trim", span)
    s.disc(crank[0], 0.42, 0.15, "metal", y - half - 0.01)
    with s.only(p["step"] == 0):
        tank: list[Point] = [
            (seat[0] + 0.12, seat[1] - 0.12),
            (head[0] + 0.02, head[1] - 0.22),
            (head[0] + 0.05, head[1] + 0.04),
            (seat[0] + 0.35, seat[1] + 0.2),
            (seat[0] + 0.12, seat[1] + 0.04),
        ]
        s.extrude(tank, "body", span)
    tail = ((-0.5, 0.08), (-0.2, -0.2), (0.2, -0.12), (0.2, 0.03))
    s.extrude([(seat[0] + a, seat[1] + b) for a, b in tail], "body", span)
    s.bar((crank[0] + 0.2, y - half - 0.02, 0.24), (crank[0] - 0.75, y - half - 0.02, 0.34), 0.12, "metal")
    with s.only(p["fairing"] > 0):
        shell: list[Point] = [
            (head[0] - 0.25, 0.55),
            (head[0] + 0.2, 0.62),
            (head[0] + 0.34, head[1]),
            (head[0] + 0.02, head[1] + 0.42),
            (head[0] - 0.3, head[1]),
        ]
        s.extrude(rounded(shell, 0.1), "body", (y - 0.24, y + 0.24))
        s.side(
            ((head[0] - 0.05, head[1] + 0.1), (head[0] + 0.2, head[1] + 0.1), (head[0] - 0.02, head[1] + 0.5)),
            "screen",
            y - 0.25,
        )
    s.disc(head[0] + 0.18, head[1] - 0.02, 0.09, "lamp", y - 0.02)
    with s.only(p["step"] > 0):
        _apron(s, seat, head)
    with s.only(p["trunk"] > 0):
        s.box((seat[0] - 0.62, seat[0] - 0.22), (seat[1] + 0.05, seat[1] + 0.41), "cargo", (y - 0.22, y + 0.22))


def _apron(s: Solid, seat: Point, head: Point) -> None:
    """A scooter's footboard, leg shield and rear cowl."""
    span = (0.5 * s.width - 0.2, 0.5 * s.width + 0.2)
    s.extrude(((seat[0], 0.24), (head[0] - 0.05, 0.24), (head[0] - 0.1, 0.34), (seat[0], 0.34)), "body", span)
    s.extrude(
        (
            (head[0] - 0.1, 0.26),
            (head[0] + 0.04, 0.26),
            (head[0] + 0.12, head[1] - 0.02),
            (head[0] - 0.02, head[1] - 0.02),
        ),
        "body",
        span,
    )
    cowl: list[Point] = [
        (seat[0] - 0.4, 0.46),
        (seat[0] + 0.12, 0.3),
        (seat[0] + 0.12, seat[1] - 0.04),
        (seat[0] - 0.46, seat[1] - 0.08),
    ]
    s.extrude(rounded(cowl, 0.12), "body", span)


def _rider(s: Solid, lean: Number, seat: Point, bars: Point, crank: Point) -> None:
    y = 0.5 * s.width - 0.12
    hip = (seat[0] - 0.02, seat[1] + 0.08)
    neck = (hip[0] + 0.2 + lean, hip[1] + 0.56 - 0.3 * lean)
    knee, foot = (0.5 * (hip[0] + crank[0]) + 0.25, hip[1] - 0.16), (crank[0] + 0.05, crank[1] * 0.75)
    for start, stop, thick, paint in (
        (hip, knee, 0.17, "trim"),
        (knee, foot, 0.13, "trim"),
        (hip, neck, 0.3, "shirt"),
        (neck, (bars[0], bars[1] + 0.05), 0.11, "shirt"),
    ):
        s.bar((start[0], y, start[1]), (stop[0], y, stop[1]), thick, paint)
    s.disc(neck[0] + 0.06, neck[1] + 0.17, 0.15, "accent", y)
    s.disc(neck[0] + 0.11, neck[1] + 0.14, 0.08, "skin", y - 0.01)
