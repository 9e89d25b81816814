"""The report's plots: AP by thaw depth, curves of every trial, reliability. Each returns SVG text."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.backbone import STAGES
from training.report.svg import TOP, Axis, Frame, Point, line, mark, panel, text, ticks
from training.report.words import Facts, ap_of, interval

CURVES = {"train_loss": "Training loss", "val_loss": "Validation loss", "val_ap": "Validation AP"}
AP_AIR = 0.02  # room below the lowest and above the highest interval


def tone(facts: Facts, model: str) -> int:
    """Place of a model in the palette."""
    return list(facts["models"]).index(model)


def depth_plots(facts: Facts) -> list[str]:
    """One panel a test, all on the same scale."""
    found = [ap for test in facts["tests"] for model in facts["models"] if (ap := ap_of(facts, model, test))]
    if not found:
        return []
    low = max(0.0, min(ap["low"] for ap in found) - AP_AIR)
    scale = ticks(low, min(1.0, max(ap["high"] for ap in found) + AP_AIR))
    return [_depth_plot(facts, test, scale) for test in facts["tests"]]


def _depth_plot(facts: Facts, test: str, scale: list[float]) -> str:
    frame = Frame((-0.6, len(STAGES) + 0.6), (scale[0], scale[-1]))
    models = [(name, model["depth"]) for name, model in facts["models"].items() if ap_of(facts, name, test)]
    points = [
        (frame.x(depth), frame.y(ap_of(facts, name, test)["value"])) for name, depth in sorted(models, key=_depth)
    ]
    marks = [line(points, "thread")]
    for name, depth in models:
        ap, number = ap_of(facts, name, test), tone(facts, name)
        x, (low, value, high) = frame.x(depth), (frame.y(ap[end]) for end in ("low", "value", "high"))
        marks += [line([(x, low), (x, high)], f"whisker m{number}"), mark(number, (x, value), f"dot m{number}")]
        top = high - 19 if high - 30 > TOP else low + 14
        marks += [
            text((x, top), name, f"name halo middle m{number}"),
            text((x, top + 12), f"{ap['value']:.3f}", "tick halo middle"),
        ]
    says = "; ".join(f"{name}, depth {depth}: {interval(ap_of(facts, name, test))}" for name, depth in models)
    axes = Axis(range(len(STAGES) + 1), "thawed stages"), Axis(scale)
    return panel(frame, f"AP on {test}", axes, marks, f"AP on {test} by thaw depth. {says}")


def _depth(model: tuple[str, int]) -> int:
    return model[1]


def curve_plots(facts: Facts) -> dict[str, list[str]]:
    """Model -> three panels, for those that were trained in steps. A panel has one scale for all models."""
    trained = {
        name: model["trials"] for name, model in facts["models"].items() if any(t["curve"] for t in model["trials"])
    }
    every = [
        point for trials in trained.values() for trial in trials if not trial["diverged"] for point in trial["curve"]
    ]
    if not every:
        return {}
    scales = {key: ticks(*_ends([p[key] for p in every]), 4) for key in CURVES}
    last = max(point["step"] for point in every)
    return {name: [_curves(facts, name, key, scales[key], last) for key in CURVES] for name in trained}


def _ends(values: Sequence[float | None]) -> Point:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else (0.0, 1.0)


def _curves(facts: Facts, name: str, key: str, scale: list[float], last: int) -> str:
    model, number = facts["models"][name], tone(facts, name)
    frame, marks, says = Frame((0, last), (scale[0], scale[-1])), [], []
    if key == "val_ap" and (head := best_trial(model["head_trials"])) and head["val_ap"] >= scale[0]:
        y = frame.y(head["val_ap"])
        marks += [line([(frame.x(0), y), (frame.x(last), y)], "base")]
        marks += [text((frame.x(last), y - 5), "head alone", "tick halo end")]
    for style, trial in sorted(enumerate(model["trials"]), key=lambda pair: pair[1] is best_trial(model["trials"])):
        drawn = [(frame.x(p["step"]), frame.y(p[key])) for p in trial["curve"] if within(p[key], scale)]
        chosen = " chosen" if trial is best_trial(model["trials"]) else ""
        marks.append(line(drawn, f"curve m{number} s{style}{chosen}"))
        if trial["curve"]:
            says.append(f"rate {trial['setting']:g} ends at {trial['curve'][-1][key]}")
    axes = Axis(ticks(0, last, 4), "steps"), Axis(scale)
    return panel(frame, CURVES[key], axes, marks, f"{name}: {CURVES[key]} over steps. {'; '.join(says)}")


def within(value: float | None, scale: list[float]) -> bool:
    """A diverged trial leaves the panel; it is not drawn over its neighbours."""
    return value is not None and scale[0] <= value <= scale[-1]


def best_trial(trials: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The one that stayed: highest validation AP, the first of equals."""
    return max((t for t in trials if t["val_ap"] is not None), key=lambda t: t["val_ap"], default=None)


def reliability_plots(facts: Facts, test: str) -> list[str]:
    """One panel a model: told probability against observed share."""
    return [_reliability(facts, name, test) for name, model in facts["models"].items() if test in model["calibration"]]


def _reliability(facts: Facts, name: str, test: str) -> str:
    found, number = facts["models"][name]["calibration"][test], tone(facts, name)
    frame, most = Frame((0, 1), (0, 1)), max(b["photographs"] for b in found["bins"])
    marks = [line([(frame.x(0), frame.y(0)), (frame.x(1), frame.y(1))], "base")]
    for b in found["bins"]:
        x = frame.x(b["predicted"])
        radius = 3 + 4 * (b["photographs"] / most) ** 0.5
        marks.append(line([(x, frame.y(b["low"])), (x, frame.y(b["high"]))], f"whisker m{number}"))
        marks.append(mark(number, (x, frame.y(b["observed"])), f"dot m{number}", radius))
    says = "; ".join(f"told {b['predicted']:.2f}, observed {b['observed']:.2f}" for b in found["bins"])
    scale = [0, 0.25, 0.5, 0.75, 1]
    title = f"{name}: ECE {found['ece']:.3f}, Brier {found['brier']:.3f}"
    return panel(frame, title, (Axis(scale, "told probability"), Axis(scale)), marks, f"{name} on {test}: {says}")
