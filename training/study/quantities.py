"""A quantity of the rules, measured: paired runs under every replicate, the targets with equal weight."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.study.evidence import Arm, Evidence, Wanted, at, columns, known_rates
from training.study.resample import Key
from training.study.rules import Metric, Quantity, Selection, Term
from training.study.statistics import Estimate, band, estimate, few_draws

Floats = NDArray[np.float64]
Part = tuple[float, Wanted]  # times, figure


@dataclass(frozen=True)
class Variant:
    """The same question of other rows: what a verdict should survive. Empty: as the rules ask it."""

    care: str = "careful"
    targets: tuple[str, ...] = ()
    test: str = ""
    metric: Metric | None = None
    source: str = ""
    is_shown: bool = False  # for the page: whatever is there, however little


AS_ASKED = Variant()


@dataclass(frozen=True)
class Measured:
    """`replicates` (1 + B,), the figure first. `each`: one figure a paired run. `share` of them above the neutral."""

    estimate: Estimate
    replicates: Floats
    each: tuple[tuple[Key, float], ...]
    share: float
    runs: int
    photographs_error: float


@dataclass(frozen=True)
class Missing:
    """Why the rows cannot tell."""

    reason: str


@dataclass(frozen=True)
class Pairs:
    """The runs of one target that every figure of a quantity has. `lost`: pairs of which a run failed."""

    keys: tuple[Key, ...]
    lost: int


def measure(quantity: Quantity, evidence: Evidence, variant: Variant = AS_ASKED) -> Measured | Missing:
    """What the rows say of a quantity, or why they do not."""
    selection = evidence.world.selections[quantity.rows]
    by_target: list[tuple[Pairs, list[list[Part]]]] = []
    for target in variant.targets or selection.targets:
        lists = parts_of(quantity, evidence, variant, target)
        if isinstance(lists, Missing):
            return lists
        pairs = _pairs(evidence, [want for parts in lists for _, want in parts], selection, variant)
        if isinstance(pairs, Missing):
            return Missing(f"{target}: {pairs.reason}")
        by_target.append((pairs, lists))
    found = [_combined(evidence, pairs.keys, lists) for pairs, lists in by_target]
    lines = np.mean([lines for lines, _, _ in found], axis=0)
    each = [(key, tuple(values)) for _, values_of, _ in found for key, values in values_of]
    fixed = np.mean([fixed for _, _, fixed in found], axis=0)
    runs = {
        evidence.rows[want.arm][key].trial.rsplit("/", 1)[0]
        for pairs, lists in by_target
        for key in pairs.keys
        for parts in lists
        for _, want in parts
    }
    return _judged(quantity, lines, each, fixed, len(runs), evidence.rules.level)


def parts_of(quantity: Quantity, evidence: Evidence, variant: Variant, target: str) -> list[list[Part]] | Missing:
    """One list of parts for each line: the sum (and what it is divided by), or each arm of a comparison."""
    if quantity.kind == "sum":
        lists = [quantity.terms, quantity.over] if quantity.over else [quantity.terms]
        return [_expanded(terms, evidence, quantity, variant, target) for terms in lists]
    if quantity.kind == "best_rate":
        found = [_at_best_rate(term, evidence, quantity, variant, target) for term in quantity.terms]
        missing = [part for part in found if isinstance(part, Missing)]
        return missing[0] if missing else [[part for part in found if not isinstance(part, Missing)]]
    return [_expanded([term], evidence, quantity, variant, target) for term in quantity.terms]


def wants(quantity: Quantity, evidence: Evidence, variant: Variant = AS_ASKED) -> list[Wanted]:
    """Every figure that measuring it will ask for."""
    found = []
    for target in variant.targets or evidence.world.selections[quantity.rows].targets:
        lists = parts_of(quantity, evidence, variant, target)
        if not isinstance(lists, Missing):
            found += [want for parts in lists for _, want in parts]
    return found


def _expanded(
    terms: Sequence[Term], evidence: Evidence, quantity: Quantity, variant: Variant, target: str
) -> list[Part]:
    return [
        (times, _wanted(term, evidence, quantity, variant, target, buses))
        for term in terms
        for times, buses in _along(term, evidence)
    ]


def _along(term: Term, evidence: Evidence) -> list[tuple[float, int]]:
    """(times, buses): one, or the whole curve with the weights of a least-squares line over log2(buses)."""
    curve, rules = evidence.world.curve, evidence.rules
    if term.buses in ("slope", "projected"):
        sizes = [n for n in curve if term.buses == "slope" or n >= rules.projection.from_buses]
        x = np.log2(sizes)
        slope = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
        ahead = np.log2(rules.projection.to_buses) - x.mean()
        line = slope if term.buses == "slope" else 1 / len(x) + slope * ahead
        return [(term.times * float(weight), n) for weight, n in zip(line, sizes, strict=True)]
    chosen = curve[-1] if term.buses == "most" else rules.buses if term.buses is None else int(term.buses)
    return [(term.times, chosen)]


def _wanted(term: Term, evidence: Evidence, quantity: Quantity, variant: Variant, target: str, buses: int) -> Wanted:
    size = evidence.world.selections[quantity.rows].size
    arm = Arm(target, size, term.depth, variant.care, term.options, buses, variant.test)
    metric = variant.metric if variant.metric and term.metric == "ap" else term.metric
    return Wanted(arm, metric, term.part)


def _at_best_rate(term: Term, evidence: Evidence, quantity: Quantity, variant: Variant, target: str) -> Part | Missing:
    """Validation alone chooses; a rate at which a run failed counts that run as nothing."""
    want = _wanted(term, evidence, quantity, variant, target, evidence.rules.buses)
    rates = known_rates(evidence, want.arm)
    if len(rates) < evidence.rules.rates:
        return Missing(f"{target}: {len(rates)} of {evidence.rules.rates} rates have rows at depth {term.depth}")

    def liked(options: str) -> float:
        arm = rates[options]
        known = [evidence.rows[arm][key].val_ap for key in evidence.keys(arm)]
        return float(sum(known)) / max(1, len(known) + len(evidence.lost(arm)))

    best = max(sorted(rates), key=liked)
    return term.times, replace(want, arm=at(want.arm, options=best))


def _pairs(evidence: Evidence, wanted: list[Wanted], selection: Selection, variant: Variant) -> Pairs | Missing:
    every, lost = [evidence.keys(want.arm) for want in wanted], [evidence.lost(want.arm) for want in wanted]
    planned = set.intersection(*(keys | failed for keys, failed in zip(every, lost, strict=True)))
    planned = {key for key in planned if not variant.source or key[1] == variant.source}
    planned = {key for key in planned if not selection.is_first_seed or key[3] == 0}
    if not planned:
        none = [want for want, keys in zip(wanted, every, strict=True) if not keys]
        return Missing(f"no rows of {_named(none[0])}" if none else "no two runs of one draw and seed")
    seeds: dict[tuple[str, int], int] = {}
    for _, source, draw, _ in planned:
        seeds[source, draw] = seeds.get((source, draw), 0) + 1
    full = Counter(source for (source, _), count in seeds.items() if count >= selection.seeds)
    whole = {source for source, draws in full.items() if draws >= selection.draws}
    if whole:
        planned = {key for key in planned if key[1] in whole}  # a second source counts when all of it is there
    elif not variant.is_shown:
        asked = f"{selection.draws} draws with {selection.seeds} seed{'s' * (selection.seeds > 1)} each are asked"
        return Missing(f"{asked}, {max(full.values(), default=0)} are there")
    there = set.intersection(*every) & planned
    kept = sorted(key for key in there if all(np.isfinite(evidence.vector(want, key)[0]) for want in wanted))
    enough = 1 if variant.is_shown else (1 - evidence.rules.most_failed) * len(planned)
    if not kept or len(kept) < enough:
        return Missing(f"{len(planned) - len(kept)} of {len(planned)} paired runs failed or were not measured")
    return Pairs(tuple(kept), len(planned) - len(kept))


def _named(want: Wanted) -> str:
    arm, part = want.arm, "" if want.part == "test" else f", part {want.part}"
    extra = f", {arm.options}" if arm.options else ""
    return f"depth {arm.depth} at {arm.size} px with {arm.buses} buses, {arm.care}{extra}{part}"


def _combined(
    evidence: Evidence, keys: tuple[Key, ...], lists: list[list[Part]]
) -> tuple[Floats, list[tuple[Key, Floats]], Floats]:
    """(lines, 1 + B) over all replicates; each run's lines; (lines, 1 + R) with the runs as they were."""
    # (lines, keys, 1 + R)
    values = np.array(
        [[sum(times * evidence.vector(want, key) for times, want in parts) for key in keys] for parts in lists]
    )
    weights = evidence.weights(keys)
    turn = columns(evidence.rules)
    fixed = values.mean(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        lines = np.einsum("bk,lkb->lb", weights, values[:, :, turn]) / weights.sum(1)
    stretch = few_draws(len({draw for _, _, draw, _ in keys}), evidence.rules.level)
    lines = fixed[:, turn] + stretch * (lines - fixed[:, turn])
    return lines, [(key, values[:, i, 0]) for i, key in enumerate(keys)], fixed


def _judged(
    quantity: Quantity, lines: Floats, each: list[tuple[Key, tuple[float, ...]]], fixed: Floats, runs: int, level: float
) -> Measured:
    replicates = _figure(quantity, lines)
    found = estimate(replicates, level)
    if quantity.kind == "beaten":
        low, high = band(lines[1:] - lines[0], level)
        other = int(np.argmax(low))
        found = replace(
            found, value=float(lines[1 + other, 0] - lines[0, 0]), low=float(low[other]), high=float(high[other])
        )
    if quantity.kind == "first":
        often = float((replicates[1:] > 0).mean())  # a share of the replicates has no interval of its own
        found = Estimate(often, often, often, often, often, 0.0)
    values = [(key, float(_figure(quantity, np.array(line)[:, None])[0])) for key, line in each]
    share = _share([(key, value > quantity.neutral) for key, value in values])
    error = float(np.nanstd(_figure(quantity, fixed)[1:]))
    return Measured(found, replicates, tuple(values), share, runs, error)


def _figure(quantity: Quantity, lines: Floats) -> Floats:
    """(lines, N) -> (N,)."""
    if quantity.kind in ("lead", "first", "beaten"):
        other = 1 + int(np.argmax(lines[1:, 0]))
        ahead = lines[0] - (lines[other] if quantity.kind == "lead" else lines[1:].max(0))
        return -ahead if quantity.kind == "beaten" else ahead
    with np.errstate(invalid="ignore", divide="ignore"):
        return lines[0] / lines[1] if len(lines) > 1 else lines[0]


def _share(wins: list[tuple[Key, bool]]) -> float:
    """Of the paired runs of each target, then the mean over targets."""
    by_target: dict[str, list[bool]] = {}
    for key, is_ahead in wins:
        by_target.setdefault(key[0], []).append(is_ahead)
    return float(np.mean([np.mean(values) for values in by_target.values()]))
