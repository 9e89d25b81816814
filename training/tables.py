"""Stored scores -> the table of results, each figure with a 95 % bootstrap interval over groups."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from training.evaluate import Scored
from training.metrics import Interval, auroc, average_precision, bootstrap, rate, recall_at_fpr

Floats = NDArray[np.float64]
Statistic = Callable[[Floats | None], float]
NOT_MEASURABLE = "n/a"  # the collection has no photographs of that label alone
SUBSETS = {
    "school bus": "n04146614",
    "trolleybus": "n04487081",
}  # of the new class in Tiny-ImageNet, by the collection's word

# Figure -> the labels a photograph may carry (exactly one of these) and the answer it gets.
CONFUSIONS = {
    "bus -> car": (("bus",), "car"),
    "bus -> truck": (("bus",), "truck"),
    "truck -> bus": (("truck",), "bus"),
    "car or truck -> bus": (("car", "truck", "car|truck"), "bus"),
    "other -> bus": (("other",), "bus"),
}


def summarise(scored: Sequence[Scored]) -> dict[str, Interval]:
    """scored: one run on one test set, colour and grey. Returns figure name -> interval (nan: not measurable here)."""
    colour = [s for s in scored if not s.grey]
    grey = [s for s in scored if s.grey]
    out = _ranking(colour)
    out["AP, grey pictures"] = _ranking(grey)["AP"]
    out |= _confusions(colour)
    for name, wnid in SUBSETS.items():
        subset = [s for s in colour if not s.is_new or s.word == wnid]
        if any(s.is_new for s in subset) and len(subset) < len(colour):
            out[f"AP, {name}"] = _ranking(subset)["AP"]
    return out


def _arrays(scored: Sequence[Scored]) -> tuple[Floats, NDArray[np.bool_], NDArray[np.str_]]:
    scores = np.array([s.score for s in scored])
    positive = np.array([s.is_new for s in scored])
    return scores, positive, np.array([s.group for s in scored])


def _ranking(scored: Sequence[Scored]) -> dict[str, Interval]:
    scores, positive, groups = _arrays(scored)
    figures: dict[str, Statistic] = {
        "AP": lambda w: average_precision(scores, positive, w),
        "AUROC": lambda w: auroc(scores, positive, w),
        "recall at 1 % FPR": lambda w: recall_at_fpr(scores, positive, w),
    }
    return {name: bootstrap(statistic, groups, positive) for name, statistic in figures.items()}


def _confusions(scored: Sequence[Scored]) -> dict[str, Interval]:
    _, positive, groups = _arrays(scored)
    labels = np.array([s.labels for s in scored])
    predicted = np.array([s.predicted for s in scored])
    out = {}
    for name, (true, answer) in CONFUSIONS.items():
        among, hits = np.isin(labels, true), predicted == answer
        measurable = among.sum() >= 20  # below, an interval says nothing
        statistic: Statistic = lambda w, hits=hits, among=among: rate(hits, among, w)  # noqa: E731 - bound per turn
        out[name] = bootstrap(statistic, groups, positive) if measurable else Interval(*[float("nan")] * 3)
    return out


HEADLINE = ("AP", "AUROC", "recall at 1 % FPR", "AP, grey pictures")
DETAIL = ("AP, school bus", "AP, trolleybus", *CONFUSIONS)


def results_markdown(scored: Sequence[Scored]) -> str:
    """Both tables of the README for every run and test in the scores."""
    results = {key: summarise(rows) for key, rows in by_run(scored).items()}
    return markdown(results, HEADLINE) + "\n" + markdown(results, DETAIL)


def markdown(results: dict[tuple[str, str], dict[str, Interval]], figures: Sequence[str]) -> str:
    """results: (run, test) -> figures. One line a pair, one column a figure."""
    lines = ["| trained on / recipe | tested on | " + " | ".join(figures) + " |", "|---|---|" + "---|" * len(figures)]
    for (run, test), found in results.items():
        cells = [cell(found.get(name)) for name in figures]
        lines.append(f"| {run} | {test} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def cell(interval: Interval | None) -> str:
    """`0.912 [0.895, 0.928]`."""
    if interval is None or not np.isfinite(interval.value):
        return NOT_MEASURABLE
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def by_run(scored: Sequence[Scored]) -> dict[tuple[str, str], list[Scored]]:
    """(run, test) -> its rows, in the order of first appearance."""
    out: dict[tuple[str, str], list[Scored]] = {}
    for row in scored:
        out.setdefault((row.run, row.test), []).append(row)
    return out


def known_failures(scored: Sequence[Scored]) -> list[str]:
    """One sentence a test: what the new class is taken for, and what is taken for it, by the highest probability."""
    sentences = []
    for (_, test), rows in by_run([row for row in scored if not row.grey]).items():
        positives = [row for row in rows if row.is_new]
        new = positives[0].labels if positives else ""
        missed = Counter(row.predicted for row in positives if row.predicted != new)
        alarms = Counter(row.labels.replace("|", " or ") for row in rows if not row.is_new and row.predicted == new)
        sentences.append(
            f"{test}: {missed.total()} of {len(positives)} photographs of {new} are called something else"
            f"{_most(missed)}; {alarms.total()} of {len(rows) - len(positives)} others are called {new}{_most(alarms)}."
        )
    return sentences


def _most(counts: Counter[str]) -> str:
    listed = ", ".join(f"{name} {count}" for name, count in counts.most_common(3))
    return f" ({listed})" if listed else ""
