"""What the matrix found, from the summaries of its runs, and how many pods that makes. Pure."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from load_tests.document import Summary
from load_tests.summary import ERRORS_EXIT, HELD_EXIT, INVALID_EXIT
from load_tests.tables import grid, measured

GOOD_SHARE = 0.99  # of what is offered must be answered rightly within the objective where a rate counts as carried
NOISY = 0.1  # difference of two equal runs from which on a machine is called noisy
CEILING, COMMON = "ceiling", "common"  # kinds of runs beside the shares of the ceiling


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Range(_Part):
    """Over the rounds."""

    median: float
    low: float
    high: float


class Point(_Part):
    """One offered rate. Latency from plan, ms; null where no round was valid."""

    kind: str = Field(description="common: the same rate for every server; else the share of the server's own ceiling.")
    offered_per_s: float
    answered_per_s: Range
    goodput_per_s: Range
    p50_ms: Range | None
    p90_ms: Range | None
    p99_ms: Range | None
    rounds: int
    valid: int


class Subject(_Part):
    """One server with one model."""

    server: str
    model: str
    start_s: Range
    ceiling_per_s: Range
    carried_per_s: float | None = Field(
        description="Highest offered rate of which p99 held the objective in every round."
    )
    points: list[Point]
    stages_ms: dict[str, float] = Field(description="Median step times at the common rate, as the server tells them.")
    batch_sizes: dict[str, float] = Field(description="Share of batches of at most that many, from /metrics.")
    failed: int


class Matrix(_Part):
    """summary.json of `make load`."""

    exit: int
    valid: bool
    invalid_because: list[str]
    slo_ms: float
    rounds: int
    seconds: float
    server_cores: int
    generator_cores: int
    machine: dict[str, str | int | float | None]
    began: float
    subjects: list[Subject]
    skipped: dict[str, str] = Field(description="Servers that were asked for and could not be started, and why.")
    warnings: list[str] = Field([], description="Equal runs of the same server that differ: a noisy machine.")


def ranged(values: Sequence[float]) -> Range:
    """Median, lowest and highest."""
    return Range(median=float(np.median(values)), low=float(min(values)), high=float(max(values)))


def point(kind: str, runs: Sequence[Summary]) -> Point:
    """Equal runs of several rounds."""
    valid = [run for run in runs if run.valid and run.latency_ms.p50 is not None]

    def spread(name: str) -> Range | None:
        return ranged([getattr(run.latency_ms, name) for run in valid]) if valid else None

    return Point(
        kind=kind,
        offered_per_s=float(np.median([run.offered_per_s or 0 for run in runs])),
        answered_per_s=ranged([run.answered_per_s for run in runs]),
        goodput_per_s=ranged([run.goodput_per_s for run in runs]),
        p50_ms=spread("p50"),
        p90_ms=spread("p90"),
        p99_ms=spread("p99"),
        rounds=len(runs),
        valid=len(valid),
    )


def carried(points: Sequence[Point], slo_ms: float) -> float | None:
    """The highest offered rate that held in every round, none invalid; rates above one that failed do not count."""
    highest = None
    for found in sorted(points, key=lambda p: p.offered_per_s):
        held = found.p99_ms is not None and found.p99_ms.high <= slo_ms and found.valid == found.rounds
        if not held or found.goodput_per_s.low < GOOD_SHARE * 0.95 * found.offered_per_s:
            return highest
        highest = found.offered_per_s
    return highest


def verdict(subjects: Sequence[Subject]) -> tuple[int, list[str]]:
    """Exit code and why: nothing to show, or answers that were wrong."""
    if not any(found.valid for subject in subjects for found in subject.points):
        return INVALID_EXIT, ["no run of any server was valid: see the runs' own summaries. Run on a quieter machine."]
    failed = [f"{subject.server} {subject.model}: {subject.failed} failed" for subject in subjects if subject.failed]
    return (ERRORS_EXIT if failed else HELD_EXIT), failed


def noise(subjects: Sequence[Subject]) -> list[str]:
    """Equal runs of the same server, compared: where their medians are far apart, the machine was not quiet."""
    apart = {
        f"{subject.server} {subject.model}": found.p50_ms.high / found.p50_ms.low - 1
        for subject in subjects
        for found in subject.points
        if found.kind == COMMON and found.p50_ms
    }
    worst = max(apart, key=lambda name: apart[name], default="")
    if not worst or apart[worst] <= NOISY:
        return []
    count = sum(share > NOISY for share in apart.values())
    return [
        f"noisy machine: p50 of equal runs differs by more than {NOISY:.0%} in {count} of {len(apart)} cases, by "
        f"{apart[worst]:.0%} with {worst}. Differences below that are no news; run on a quiet machine."
    ]


class Size(_Part):
    """An answer to "how many pods?"."""

    server: str
    model: str
    pods: int | None
    cores: int
    carried_per_s: float | None
    words: str


def size(matrix: Matrix, rate: float, slo_ms: float, headroom: float) -> list[Size]:
    """Pods for `rate` requests a second with p99 below slo_ms; `headroom`: share of each pod that is kept free."""
    sizes = []
    for subject in matrix.subjects:
        most = carried(subject.points, slo_ms)
        pods = None if most is None else max(1, ceil(rate / (most * (1 - headroom))))
        words = f"no measured rate held p99 below {slo_ms:g} ms"
        if most is not None:
            cores = f"{matrix.server_cores} core{'s' if matrix.server_cores > 1 else ''}"
            words = f"{pods} pods of {cores}: each carried {most:.1f}/s, and {headroom:.0%} of it is kept free"
        values = {"server": subject.server, "model": subject.model, "cores": matrix.server_cores}
        sizes.append(Size(**values, pods=pods, carried_per_s=most, words=words))
    return sizes


def size_words(matrix: Matrix, rates: Sequence[float], slo_ms: float, headroom: float) -> str:
    """A Markdown table of pods by server, model and rate, with what it rests on."""
    found = [size(matrix, rate, slo_ms, headroom) for rate in rates]
    cores = f"{matrix.server_cores} core{'s' if matrix.server_cores > 1 else ''}"
    head = ["server", "model", f"a pod of {cores} carries /s", *(f"pods for {rate:g}/s" for rate in rates)]
    rows = [
        [
            of[0].server,
            of[0].model,
            _or_dash(of[0].carried_per_s),
            *("-" if one.pods is None else one.pods for one in of),
        ]
        for of in zip(*found, strict=True)
    ]
    words = (
        f"p99 below {slo_ms:g} ms, {headroom:.0%} of each pod kept free for bursts and for the loss of a pod. "
        f"{measured(matrix.machine, matrix.began)}"
    )
    return f"{grid(head, rows)}\n{words}\n"


def markdown(matrix: Matrix) -> str:
    """The table for a README, with what it rests on."""
    head = ["server", "model", "ceiling /s", "carried /s", "common rate /s", "p50 ms", "p99 ms", "start s"]
    rows = []
    for subject in matrix.subjects:
        same = next((found for found in subject.points if found.kind == COMMON), None)
        shown = [_or_dash(subject.carried_per_s), _or_dash(same and same.offered_per_s)]
        latency = [_cell(same and same.p50_ms), _cell(same and same.p99_ms)]
        start = [subject.server, subject.model, _cell(subject.ceiling_per_s)]
        rows.append([*start, *shown, *latency, _cell(subject.start_s)])
    rounds = f"{matrix.rounds} round{'s' if matrix.rounds > 1 else ''} of {matrix.seconds:g} s a run"
    cores = f"server on {matrix.server_cores} core{'s' if matrix.server_cores > 1 else ''}, generator on its own"
    words = [f"Medians [lowest, highest] of {rounds}, {cores}; carried: p99 below {matrix.slo_ms:g} ms in every round."]
    words += [measured(matrix.machine, matrix.began), *matrix.warnings]
    words += [f"Left out: {name}: {why}." for name, why in matrix.skipped.items()]
    return grid(head, rows) + "\n" + "\n".join(words) + "\n"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _cell(found: Range | None) -> str:
    return "-" if found is None else f"{found.median:.1f} [{found.low:.1f}, {found.high:.1f}]"
