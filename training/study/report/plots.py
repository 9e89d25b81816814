"""The page's plots over depth, buses, rates and steps. Each returns SVG text, drawn from the facts alone."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from training.report.svg import LEFT, RIGHT, Axis, Frame, Point, area, line, mark, panel, text, ticks

Facts = Mapping[str, Any]
TONES = {"frozen": 0, "partial": 1, "majority": 2}
AIR = 0.015  # room below the lowest and above the highest interval
WIDE = 400


def scale_of(items: Iterable[Mapping[str, Any] | None], count: int = 5) -> list[float]:
    """Ticks that hold every interval."""
    found = [item for item in items if item and item.get("low") is not None]
    if not found:
        return [0, 0.5, 1]
    low = max(0.0, min(item["low"] for item in found) - AIR)
    return ticks(low, min(1.0, max(item["high"] for item in found) + AIR), count)


def says(item: Mapping[str, Any] | None) -> str:
    """`0.912 [0.895, 0.928]`."""
    if not item or item.get("value") is None:
        return "no rows"
    return f"{item['value']:.3f} [{item['low']:.3f}, {item['high']:.3f}]"


def inside(frame: Frame, value: float) -> float:
    """The vertical place of a value, at the frame's edge where it lies beyond: few draws have long intervals."""
    low, high = frame.y_range
    return frame.y(min(high, max(low, value)))


def whisker(frame: Frame, x: float, item: Mapping[str, Any], tone: str) -> str:
    """The interval of a point at panel place x."""
    return line([(x, inside(frame, item["low"])), (x, inside(frame, item["high"]))], tone)


def tone_of_depth(facts: Facts, depth: int) -> int:
    """Place in the palette: that of the arm with this depth, else the neutral one."""
    names = {number: name for name, number in facts["rules"]["arms"].items()}
    return TONES.get(names.get(depth, ""), 4)


def depth_plots(facts: Facts) -> list[str]:
    """All depths on one target; then the three arms on each."""
    found = facts["depth"]
    out = [_all_depths(facts, found)] if found["line"] else []
    every = [item for target in found["arms"] for some in target["lines"].values() for item in some]
    scale = scale_of(every)
    return out + [_arms(facts, target, scale) for target in found["arms"] if any(target["lines"].values())]


def _all_depths(facts: Facts, found: Mapping[str, Any]) -> str:
    line_, controls = found["line"], {name: found[name] for name in ("random", "scratch") if found[name]}
    scale = scale_of([*line_, *controls.values()])
    frame = Frame((-0.4, 5.4), (scale[0], scale[-1]), WIDE, 250)
    top = [(frame.x(item["depth"]), inside(frame, item["high"])) for item in line_]
    bottom = [(frame.x(item["depth"]), inside(frame, item["low"])) for item in line_]
    marks = [area([*top, *reversed(bottom)], "band")]
    for name, item in controls.items():
        y, label = frame.y(item["value"]), "random frozen" if name == "random" else "from scratch"
        marks.append(line([(LEFT, y), (frame.width - RIGHT, y)], "grey" if name == "random" else "base"))
        marks.append(text((frame.width - RIGHT, y - 5), f"{label} {item['value']:.3f}", "tick halo end"))
    marks.append(line([(frame.x(item["depth"]), frame.y(item["value"])) for item in line_], "ink"))
    for item in line_:
        number = tone_of_depth(facts, item["depth"])
        place = frame.x(item["depth"]), frame.y(item["value"])
        marks += [
            mark(number, place, f"dot m{number}"),
            text((place[0], place[1] - 10), f"{item['value']:.3f}", "tick halo middle"),
        ]
    title = f"AP on {found['target']}, careful, {found['size']} px"
    words = "; ".join(f"depth {item['depth']}: {says(item)}" for item in line_)
    axes = Axis(range(6), "thawed stages"), Axis(scale)
    return panel(frame, title, axes, marks, f"{title}. {words}. Random frozen {says(found['random'])}.")


def _arms(facts: Facts, target: Mapping[str, Any], scale: list[float]) -> str:
    frame, marks, words = Frame((-0.4, 3.5), (scale[0], scale[-1])), [], []
    for care, shift in (("naive", 0.09), ("careful", -0.09)):
        items = target["lines"][care]
        places = [(frame.x(item["depth"] + shift), frame.y(item["value"])) for item in items]
        marks.append(line(places, "thread" if care == "careful" else "thread naive"))
        for (x, y), item in zip(places, items, strict=True):
            number = tone_of_depth(facts, item["depth"])
            style = f"m{number}" if care == "careful" else f"m{number} hollow"
            marks += [whisker(frame, x, item, f"whisker {style}"), mark(number, (x, y), f"dot {style}")]
        words += [f"{care}, depth {item['depth']}: {says(item)}" for item in items]
    title = f"{target['target']}, {target['size']} px"
    return panel(frame, title, (Axis((0, 1, 3), "thawed stages"), Axis(scale)), marks, f"{title}. {'; '.join(words)}")


def curve_plots(facts: Facts) -> list[str]:
    """One panel a series: each draw a thin line, the mean and its interval bold."""
    out = []
    for found in facts["curves"]:
        every = [item for arm in found["arms"] for item in arm["line"]]
        scale = scale_of(every)
        sizes = sorted({item["buses"] for item in every})
        frame = Frame((math.log2(sizes[0]) - 0.3, math.log2(sizes[-1]) + 0.3), (scale[0], scale[-1]), WIDE, 250)
        marks, words = [], []
        for arm in found["arms"]:
            number = TONES[arm["arm"]]
            marks += _draws(frame, arm["line"], f"thin m{number}")
            places = [(frame.x(math.log2(item["buses"])), frame.y(item["value"])) for item in arm["line"]]
            marks.append(line(places, f"curve chosen m{number}"))
            for (x, y), item in zip(places, arm["line"], strict=True):
                marks += [whisker(frame, x, item, f"whisker m{number}"), mark(number, (x, y), f"dot m{number}")]
            words += [f"{arm['arm']}, {item['buses']} buses: {says(item)}" for item in arm["line"]]
        how = "epochs fixed" if found["options"] else "steps fixed"
        title = f"{found['target']}, {found['size']} px, {how}"
        horizontal = Axis([math.log2(size) for size in sizes], "buses", lambda value: f"{round(2**value):,}")
        out.append(panel(frame, title, (horizontal, Axis(scale)), marks, f"{title}. {'; '.join(words)}"))
    return out


def _draws(frame: Frame, items: Sequence[Mapping[str, Any]], tone: str) -> list[str]:
    lines: dict[int, dict[int, list[float]]] = {}
    for item in items:
        for draw, value in item["draws"]:
            lines.setdefault(draw, {}).setdefault(item["buses"], []).append(value)
    return [
        line(
            [
                (frame.x(math.log2(buses)), inside(frame, sum(values) / len(values)))
                for buses, values in sorted(found.items())
            ],
            tone,
        )
        for found in lines.values()
    ]


def rate_plots(facts: Facts) -> list[str]:
    """One panel: a line a depth over the peak rate."""
    found = facts["rates"]
    if not found:
        return []
    every = [item for depth in found for item in depth["line"]]
    scale, all_rates = scale_of(every), sorted({item["rate"] for item in every})
    frame = Frame((math.log10(all_rates[0]) - 0.2, math.log10(all_rates[-1]) + 0.2), (scale[0], scale[-1]), WIDE, 250)
    marks, words = [], []
    for depth in found:
        number = tone_of_depth(facts, depth["depth"])
        there = [item for item in depth["line"] if item.get("value") is not None]
        places = [(frame.x(math.log10(item["rate"])), frame.y(item["value"])) for item in there]
        marks.append(line(places, f"curve chosen m{number}"))
        for (x, y), item in zip(places, there, strict=True):
            marks += [whisker(frame, x, item, f"whisker m{number}"), mark(number, (x, y), f"dot m{number}")]
        for item in depth["line"]:
            lost = f", {item['failed']} failed" if item["failed"] else ""
            words.append(f"depth {depth['depth']} at {item['rate']:g}: {says(item)}{lost}")
            if item["failed"]:
                place = frame.x(math.log10(item["rate"])), frame.height - 40.0
                marks.append(text(place, f"\N{MULTIPLICATION SIGN}{item['failed']}", f"name halo middle m{number}"))
    axes = Axis([math.log10(rate) for rate in all_rates], "peak rate", lambda value: f"{10**value:.3g}"), Axis(scale)
    return [panel(frame, "AP by peak rate", axes, marks, f"AP by peak rate. {'; '.join(words)}")]


PARTS = {"train": "learned from", "test": "test", "chosen": "chosen step", "end": "last step"}


def gap_plots(facts: Facts) -> list[str]:
    """One panel an arm: what it learned from, test, and the two steps."""
    every = [item for arm in facts["gaps"] for item in arm["parts"].values()]
    scale = scale_of(every)
    out = []
    for arm in facts["gaps"]:
        number, frame, marks = TONES[arm["arm"]], Frame((-0.5, 3.5), (scale[0], scale[-1])), []
        if not arm["parts"]["test"]:
            continue
        for place, name in enumerate(PARTS):
            if item := arm["parts"][name]:
                x, y = frame.x(place), frame.y(item["value"])
                marks += [whisker(frame, x, item, f"whisker m{number}"), mark(number, (x, y), f"dot m{number}")]
                marks.append(text((x, y - 10 if y > 50 else y + 20), f"{item['value']:.3f}", "tick halo middle"))
        words = "; ".join(f"{PARTS[name]}: {says(item)}" for name, item in arm["parts"].items())
        axes = Axis(range(4), "", lambda value: list(PARTS.values())[round(value)]), Axis(scale)
        out.append(panel(frame, arm["arm"], axes, marks, f"{arm['arm']}: {words}"))
    return out


def path_plots(facts: Facts) -> list[str]:
    """One panel an arm: from the weights at the start to those at the end."""
    scale = scale_of([item for arm in facts["path"] for item in arm["line"]])
    out = []
    for arm in facts["path"]:
        number, frame = TONES[arm["arm"]], Frame((-0.05, 1.05), (scale[0], scale[-1]))
        places: list[Point] = [(frame.x(item["share"]), frame.y(item["value"])) for item in arm["line"]]
        marks = [line(places, f"curve chosen m{number}")]
        for (x, y), item in zip(places, arm["line"], strict=True):
            marks += [whisker(frame, x, item, f"whisker m{number}"), mark(number, (x, y), f"dot m{number}")]
        words = "; ".join(f"{item['share']:g} of the way: {says(item)}" for item in arm["line"])
        axes = Axis((0, 0.25, 0.5, 0.75, 1), "of the way"), Axis(scale)
        out.append(panel(frame, arm["arm"], axes, marks, f"{arm['arm']}: {words}"))
    return out
