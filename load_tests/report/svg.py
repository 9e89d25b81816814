"""Charts as SVG text: linear and logarithmic axes, lines with their names at the end, marks that tell their values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 680, 320
LEFT, RIGHT, TOP, BOTTOM = 62, 130, 16, 44  # room for numbers, names at line ends, and the axis label
LINE = 14  # pixels between two names


@dataclass(frozen=True)
class Axis:
    """Values from low to high; log: both above zero. marks: value and text, where the usual ones do not do."""

    label: str
    low: float
    high: float
    log: bool = False
    marks: tuple[tuple[float, str], ...] = ()

    def share(self, value: float) -> float:
        """0 at low, 1 at high, values outside held at the ends."""
        value = min(max(value, self.low), self.high)
        if self.log:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Round values with their texts."""
        if self.marks:
            return self.marks
        if self.log:
            powers = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
            wide = log10(self.high / self.low) > 2
            values = [factor * 10.0**power for power in powers for factor in ((1,) if wide else (1, 2, 5))]
        else:
            step = _round_step((self.high - self.low) / 5)
            values = [step * number for number in range(ceil(self.low / step), floor(self.high / step) + 1)]
        return tuple((value, f"{value:g}") for value in values if self.low <= value <= self.high * 1.0001)


def spanning(label: str, values: Sequence[float], *, log: bool = False, least: float = 0.0) -> Axis:
    """An axis on which all values lie: from `least`, or from a round number below them where it is logarithmic."""
    high = max([*values, least or (1.0 if log else 1e-9)])
    if not log:
        return Axis(label, least, high * 1.05 or 1.0)
    smallest = min([value for value in values if value > 0] or [1.0])
    power = 10.0 ** floor(log10(smallest))
    low = max(factor * power for factor in (1, 2, 5) if factor * power <= smallest)
    return Axis(label, low, max(high * 1.3, low * 10), log=True)


@dataclass
class Chart:
    """Drawn from the axes inward; text() is the SVG."""

    x: Axis
    y: Axis
    title: str
    width: int = WIDTH
    height: int = HEIGHT
    parts: list[str] = field(default_factory=list)
    names: list[tuple[float, float, str, str]] = field(default_factory=list)  # x, y, text, class

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a point."""
        across = LEFT + self.x.share(x) * (self.width - LEFT - RIGHT)
        return across, self.height - BOTTOM - self.y.share(y) * (self.height - TOP - BOTTOM)

    def line(self, xs: Sequence[float], ys: Sequence[float], name: str, series: int, marks: bool = False) -> None:
        """A line with its name at its end; marks tell their values under the pointer."""
        points = [self.at(x, y) for x, y in zip(xs, ys, strict=True)]
        if not points:
            return
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline class="line s{series}" points="{path}"/>')
        if marks:
            for (x, y), value_x, value_y in zip(points, xs, ys, strict=True):
                words = escape(f"{name}: {value_y:.4g} at {value_x:.4g}")
                self.parts.append(
                    f'<circle class="mark s{series}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{words}</title></circle>'
                )
        self.names.append((points[-1][0], points[-1][1], name, f"s{series}"))

    def spread(self, x: float, low: float, high: float, series: int) -> None:
        """From the lowest to the highest of several rounds."""
        (at_x, bottom), (_, top) = self.at(x, low), self.at(x, high)
        self.parts.append(
            f'<line class="spread s{series}" x1="{at_x:.1f}" x2="{at_x:.1f}" y1="{bottom:.1f}" y2="{top:.1f}"/>'
        )

    def rule(self, y: float, words: str) -> None:
        """A horizontal line, such as a limit."""
        if not self.y.low <= y <= self.y.high:
            return
        _, at_y = self.at(self.x.low, y)
        self.parts.append(f'<line class="rule" x1="{LEFT}" x2="{self.width - RIGHT}" y1="{at_y:.1f}" y2="{at_y:.1f}"/>')
        self.parts.append(f'<text class="note" x="{LEFT + 6}" y="{at_y - 5:.1f}">{escape(words)}</text>')

    def upright(self, x: float, words: str) -> None:
        """A vertical line, such as the knee."""
        at_x, bottom = self.at(x, self.y.low)
        self.parts.append(f'<line class="rule" x1="{at_x:.1f}" x2="{at_x:.1f}" y1="{TOP}" y2="{bottom:.1f}"/>')
        self.parts.append(f'<text class="note" x="{at_x + 6:.1f}" y="{TOP + 10}">{escape(words)}</text>')

    def diagonal(self, words: str) -> None:
        """Where y equals x."""
        end = min(self.x.high, self.y.high)
        (x1, y1), (x2, y2) = self.at(max(self.x.low, self.y.low), max(self.x.low, self.y.low)), self.at(end, end)
        self.parts.append(f'<line class="rule" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')
        self.names.append((x2, y2, words, "note"))

    def box(self, low: tuple[float, float], high: tuple[float, float], share: float, words: str) -> None:
        """A cell of a heat map; share 0-1."""
        (x1, y1), (x2, y2) = self.at(*low), self.at(*high)
        size = f'width="{max(x2 - x1, 0.5):.1f}" height="{max(y1 - y2, 0.5):.1f}"'
        tip = f"<title>{escape(words)}</title>"
        self.parts.append(
            f'<rect class="cell" x="{x1:.1f}" y="{y2:.1f}" {size} fill-opacity="{share:.2f}">{tip}</rect>'
        )

    def text(self) -> str:
        """The whole picture."""
        head = f'<svg viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(self.title)}">'
        return "".join([head, *self._axes(), *self.parts, *self._names(), "</svg>"])

    def _axes(self) -> list[str]:
        right, bottom, drawn = self.width - RIGHT, self.height - BOTTOM, []
        for value, words in self.y.ticks():
            _, y = self.at(self.x.low, value)
            drawn.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            drawn.append(f'<text class="tick" text-anchor="end" x="{LEFT - 6}" y="{y + 4:.1f}">{words}</text>')
        for value, words in self.x.ticks():
            x, _ = self.at(value, self.y.low)
            drawn.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}"/>')
            drawn.append(f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{bottom + 17}">{words}</text>')
        middle = (LEFT + right) / 2
        drawn.append(f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
        drawn.append(
            f'<text class="label" text-anchor="middle" x="{middle}" y="{self.height - 6}">{escape(self.x.label)}</text>'
        )
        centre = (TOP + bottom) / 2
        turned = f'transform="rotate(-90 14 {centre})" x="14" y="{centre}"'
        return [*drawn, f'<text class="label" text-anchor="middle" {turned}>{escape(self.y.label)}</text>']

    def _names(self) -> list[str]:
        """Moved apart where they would cover each other, and kept inside."""
        drawn, lowest = [], -1e9
        for x, y, words, kind in sorted(self.names, key=lambda entry: entry[1]):
            lowest = max(y + 4, lowest + LINE, TOP)
            drawn.append(f'<text class="name {kind}" x="{x + 8:.1f}" y="{lowest:.1f}">{escape(words)}</text>')
        return drawn


def _round_step(step: float) -> float:
    power = 10.0 ** floor(log10(max(step, 1e-12)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step)
