"""Hand-made SVG: a frame with axes, and marks. Colours are the page's CSS classes: one picture is light and dark."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]
LEFT, RIGHT, TOP, BOTTOM = 40, 12, 26, 34  # room around a frame, for labels and the title


@dataclass(frozen=True)
class Frame:
    """Data coordinates -> a panel of `width` x `height` units."""

    x_range: Point
    y_range: Point
    width: int = 280
    height: int = 216

    def x(self, value: float) -> float:
        """Horizontal place of a value."""
        low, high = self.x_range
        return LEFT + (value - low) / (high - low) * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Vertical place of a value; larger is higher."""
        low, high = self.y_range
        return self.height - BOTTOM - (value - low) / (high - low) * (self.height - TOP - BOTTOM)


@dataclass(frozen=True)
class Axis:
    """Ticks of one axis and what stands below or above it."""

    ticks: Sequence[float]
    label: str = ""
    text: Callable[[float], str] = "{:g}".format


def panel(frame: Frame, title: str, axes: tuple[Axis, Axis], marks: Iterable[str], says: str) -> str:
    """One figure. `says`: its content in words, for those who do not see it."""
    horizontal, vertical = axes
    right, floor = frame.width - RIGHT, frame.height - BOTTOM
    parts = [f'<text class="title" x="{LEFT}" y="12">{escape(title)}</text>']
    for tick in vertical.ticks:
        y = frame.y(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick end" x="{LEFT - 7}" y="{y + 3.5:.1f}">{escape(vertical.text(tick))}</text>')
    for tick in horizontal.ticks:
        place = f'x="{frame.x(tick):.1f}" y="{floor + 15}"'
        parts.append(f'<text class="tick middle" {place}>{escape(horizontal.text(tick))}</text>')
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{floor}" y2="{floor}"/>')
    parts.append(f'<text class="tick end" x="{right}" y="{frame.height - 4}">{escape(horizontal.label)}</text>')
    inside = "".join([*parts, *marks])
    size = f"0 0 {frame.width} {frame.height}"
    return f'<svg viewBox="{size}" role="img" aria-label="{escape(says, quote=True)}">{inside}</svg>'


def line(points: Sequence[Point], tone: str) -> str:
    """A stroke through points given in panel units."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{tone}" points="{path}"/>'


def area(points: Sequence[Point], tone: str) -> str:
    """A closed shape through points given in panel units."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon class="{tone}" points="{path}"/>'


def mark(shape: int, place: Point, tone: str, radius: float = 4.5) -> str:
    """A circle, square, triangle or diamond: models differ in shape as well as in colour."""
    x, y = place
    corners = {1: (45, 4), 2: (-90, 3), 3: (0, 4)}.get(shape % 4)
    if corners is None:
        return f'<circle class="{tone}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>'
    turn, count = corners
    angles = [math.radians(turn + 360 * i / count) for i in range(count)]
    reach = radius * 1.25
    path = " ".join(f"{x + reach * math.cos(a):.1f},{y + reach * math.sin(a):.1f}" for a in angles)
    return f'<polygon class="{tone}" points="{path}"/>'


def text(place: Point, words: str, tone: str) -> str:
    """A label in panel units."""
    return f'<text class="{tone}" x="{place[0]:.1f}" y="{place[1]:.1f}">{escape(words)}</text>'


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers that cover low .. high, about `count` steps of 1, 2 or 5 times a power of ten."""
    rough = max(high - low, 1e-9) / count
    power = 10 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-6), math.ceil(high / step - 1e-6)
    return [round(i * step, 10) for i in range(first, max(last, first + 1) + 1)]
