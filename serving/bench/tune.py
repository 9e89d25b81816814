"""`python -m serving tune`: lanes, batch sizes and slots for an objective of latency, found by trying them."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from serving.bench.client import Measured, Target
from serving.bench.photographs import as_files, read_or_draw
from serving.bench.rounds import Load, Round, load
from serving.bench.servers import Running, ours
from serving.cores import granted_cores
from serving.settings import Settings

CONNECTIONS = (1, 2, 4, 8, 16, 32, 64)  # how many are in flight; more of them only wait once the lanes are busy
GAIN = 1.02  # a larger crowd must be worth it


@dataclass(frozen=True)
class Candidate:
    """Settings to try."""

    lanes: int
    batch_limit: int


@dataclass(frozen=True)
class Found:
    """The most answers a second within the objective, and how many were in flight then; None: not even one was."""

    candidate: Candidate
    connections: int = 0
    best: Round | None = None

    @property
    def answers_per_s(self) -> float:
        """0 where the objective was never met."""
        return self.best.measured.answers_per_s if self.best else 0.0


def tune(settings: Settings, objective_ms: float, out: Path, photographs: list[Path], seconds: float) -> int:
    """Try, print a line for each, and write the best as an env file; returns 1 when nothing meets the objective.

    objective_ms: the 99th percentile of the latency that a client sees.
    """
    bodies = read_or_draw(photographs)
    with as_files(bodies) as folder:
        found = []
        for candidate in candidates(granted_cores()):
            found.append(_try(settings, candidate, objective_ms, folder, bodies[0], seconds))
            print(_line(found[-1], objective_ms), flush=True)
    best = max(found, key=lambda each: each.answers_per_s)
    if best.best is None:
        print(
            f"Nothing answers 99 of 100 within {objective_ms:g} ms, even one at a time. Allow more, or a smaller model."
        )
        return 1
    text = env_file(best, objective_ms)
    out.write_text(text)
    print(f"\n{out}:\n{text}", end="")
    return 0


def candidates(cores: int) -> Iterator[Candidate]:
    """As many lanes as cores and one more, which may fill the gaps of the others; batches of what waits."""
    for lanes, batch in itertools.product((cores, cores + 1), (1, 2, 4, 8)):
        yield Candidate(lanes, batch)


def env_file(found: Found, objective_ms: float) -> str:
    """Settings for the environment. Slots: what may be in flight while the objective still holds."""
    if found.best is None:
        raise ValueError("nothing was found")
    measured = found.best.measured
    slots = max(found.connections, found.candidate.lanes)
    deadline_ms = max(1, math.ceil(4 * objective_ms))
    return (
        f"# Wanted: p99 within {objective_ms:g} ms. Found: {_words(measured)}.\n"
        f"THAW_LANES={found.candidate.lanes}\n"
        f"THAW_BATCH_LIMIT={found.candidate.batch_limit}\n"
        f"THAW_SLOTS={slots}\n"
        f"THAW_DEADLINE_MS={deadline_ms}\n"
    )


def _try(
    settings: Settings, candidate: Candidate, objective_ms: float, folder: Path, photograph: bytes, seconds: float
) -> Found:
    given = {"models": settings.models.absolute(), "lanes": candidate.lanes, "batch_limit": candidate.batch_limit}
    given |= {"slots": 2 * CONNECTIONS[-1], "spare": False}
    found = Found(candidate)
    with ours(given, photograph) as server:
        at = Running(Target(server.target.port), server.pid, server.start_s)
        for connections in CONNECTIONS:
            measured = load(at, folder, Load(connections, min(0.5, seconds), seconds))
            if measured.measured.p99_s * 1000 > objective_ms or measured.errors:
                break
            if measured.measured.answers_per_s < found.answers_per_s * GAIN:
                break
            found = Found(candidate, connections, measured)
    return found


def _line(found: Found, objective_ms: float) -> str:
    start = f"lanes {found.candidate.lanes}, batches of {found.candidate.batch_limit}:"
    if found.best is None:
        return f"{start} misses {objective_ms:g} ms with one in flight"
    return f"{start} {_words(found.best.measured)}, {found.connections} in flight"


def _words(measured: Measured) -> str:
    return f"{measured.answers_per_s:.1f} answers/s, p99 {measured.p99_s * 1000:.1f} ms"
