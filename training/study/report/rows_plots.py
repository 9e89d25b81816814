"""Plots that read line by line: paired differences, false alarms by family, reliability."""

from collections.abc import Mapping
from typing import Any

from training.report.svg import LEFT, TOP, Axis, Frame, area, line, mark, panel, text, ticks
from training.study.report.plots import TONES, WIDE, Facts, says

ROW = 38  # height of a line with its words above it


def pair_plots(facts: Facts) -> list[str]:
    """One panel a contrast: every paired run a dot, the interval of the mean, the zone of a small difference."""
    return [_pairs(facts, found) for found in facts["pairs"] if found["rows"]]


def _pairs(facts: Facts, found: Mapping[str, Any]) -> str:
    rows, small = found["rows"], 100 * facts["rules"]["small"]
    ends = [100 * value for row in rows for value in (*row["each"], row["low"], row["high"])]
    scale = ticks(min(*ends, -small), max(*ends, small), 6)
    height = TOP + ROW * len(rows) + 44
    frame = Frame((scale[0], scale[-1]), (0, 1), WIDE, height)
    top, floor, zero = TOP, height - 34, frame.x(0)
    zone = [(frame.x(-small), top), (frame.x(small), top), (frame.x(small), floor), (frame.x(-small), floor)]
    marks, words = [area(zone, "zone"), line([(zero, top), (zero, floor)], "axis")], []
    for place, row in enumerate(rows):
        y, number = TOP + ROW * place + 26.0, TONES[found["ahead"]]
        style = f"m{number}" if row["care"] == "careful" else f"m{number} hollow"
        lead = f"{row['target']}, {row['care']}: ahead in {100 * row['share']:.0f} % of {len(row['each'])}"
        marks.append(text((LEFT, y - 11), lead, "tick halo"))
        marks += [mark(0, (frame.x(100 * value), y), f"speck m{number}", 2.6) for value in row["each"]]
        marks.append(line([(frame.x(100 * row["low"]), y), (frame.x(100 * row["high"]), y)], f"whisker m{number}"))
        marks.append(mark(number, (frame.x(100 * row["value"]), y), f"dot {style}", 5))
        words.append(f"{row['target']}, {row['care']}: {says(row)} over {row['runs']} networks")
    title = f"{found['ahead']} minus {found['behind']}, points of AP"
    return panel(frame, title, (Axis(scale, ""), Axis(())), marks, f"{title}. {'; '.join(words)}")


def family_plots(facts: Facts) -> list[str]:
    """One panel a target: bars of the three arms for each family."""
    return [_families(found) for found in facts["families"]]


def _families(found: Mapping[str, Any]) -> str:
    arms = found["arms"]
    kinds = list(next(iter(arms.values())))
    most = max(item["high"] for arm in arms.values() for item in arm.values())
    scale = ticks(0, max(most, 1), 5)
    block = 22 + 13 * len(arms)
    height = TOP + block * len(kinds) + 44
    frame = Frame((scale[0], scale[-1]), (0, 1), WIDE, height)
    marks, words = [], []
    for place, kind in enumerate(kinds):
        y = TOP + block * place + 14.0
        count = next(iter(arms.values()))[kind]["photographs"]
        marks.append(text((LEFT, y), f"{kind} ({count:,.0f} photographs a test)", "tick halo"))
        for turn, (name, arm) in enumerate(arms.items()):
            item, middle = arm[kind], y + 11 + 13 * turn
            ends = frame.x(0), frame.x(item["value"])
            bar = [(ends[0], middle - 4), (ends[1], middle - 4), (ends[1], middle + 4), (ends[0], middle + 4)]
            marks += [area(bar, f"bar m{TONES[name]}")]
            marks.append(line([(frame.x(item["low"]), middle), (frame.x(item["high"]), middle)], "reach"))
            label = f"{item['alarms']:.1f}"
            marks.append(text((frame.x(item["high"]) + 6, middle + 3.5), label, "tick halo"))
            words.append(f"{kind}, {name}: {item['value']:.1f} per 1,000, {item['alarms']:.1f} a test")
    title = f"{found['target']}, {found['size']} px"
    axes = Axis(scale, "false alarms per 1,000 of the family"), Axis(())
    return panel(frame, title, axes, marks, f"False alarms on {title}. {'; '.join(words)}")


def reliability_plots(facts: Facts) -> list[str]:
    """One panel an arm: told probability against observed share."""
    out = []
    for found in facts["reliability"]:
        number, frame = TONES[found["arm"]], Frame((0, 1), (0, 1))
        most = max(item["photographs"] for item in found["bins"])
        marks = [line([(frame.x(0), frame.y(0)), (frame.x(1), frame.y(1))], "base")]
        for item in found["bins"]:
            radius = 3 + 4 * (item["photographs"] / most) ** 0.5
            marks.append(
                mark(number, (frame.x(item["predicted"]), frame.y(item["observed"])), f"dot m{number}", radius)
            )
        words = "; ".join(f"told {item['predicted']:.2f}, observed {item['observed']:.2f}" for item in found["bins"])
        scale = [0, 0.25, 0.5, 0.75, 1]
        title = f"{found['arm']}: {found['ece']:.3f}, then {found['ece_after']:.3f}"
        out.append(panel(frame, title, (Axis(scale, "told probability"), Axis(scale)), marks, f"{title}. {words}"))
    return out
