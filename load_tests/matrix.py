"""What the matrix found, from the summaries of its runs, and how many pods that makes. Pure."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from load_tests.document import Summary
from load_tests.summary import ERRORS_EXIT, HELD_EXIT, INVALID_EXIT

GOOD_SHARE = 0.99  # of what is offered must be answered rightly within the objective where a rate counts as carried
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


def markdown(matrix: Matrix) -> str:
    """The table for a README."""
    head = ["server", "model", "ceiling /s", "carried /s", "common rate /s", "p50 ms", "p99 ms", "start s"]
    lines = [head, ["---"] * len(head)]
    for subject in matrix.subjects:
        same = next((found for found in subject.points if found.kind == COMMON), None)
        lines.append(
            [
                subject.server,
                subject.model,
                _cell(subject.ceiling_per_s),
                "-" if subject.carried_per_s is None else f"{subject.carried_per_s:.1f}",
                "-" if same is None else f"{same.offered_per_s:.1f}",
                _cell(same and same.p50_ms),
                _cell(same and same.p99_ms),
                _cell(subject.start_s),
            ]
        )
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(found: Range | None) -> str:
    return "-" if found is None else f"{found.median:.1f} [{found.low:.1f}, {found.high:.1f}]"
