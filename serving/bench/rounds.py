"""One stretch of load on one server, with who used the processor meanwhile; and the table of many."""

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from serving.bench.client import Measured, measure
from serving.bench.document import markdown
from serving.bench.machine import busy_s, cpu_s, pss_mb
from serving.bench.servers import Running


@dataclass(frozen=True)
class Load:
    """How long and with how many connections."""

    connections: int = 16
    warm_s: float = 1.0
    seconds: float = 5.0


@dataclass(frozen=True)
class Round:
    """A server under load. Cores: processor seconds a second; `others`: what neither server nor client used."""

    measured: Measured
    server_cores: float
    others: float
    pss_mb: float
    start_s: float

    @property
    def errors(self) -> int:
        """Answers that were not 200, lost ones and refused connections."""
        return sum(count for outcome, count in self.measured.outcomes.items() if outcome != "200")

    def of_bound(self, bound: float, cores: int) -> float:
        """Answers beside the bare loop's, which had all cores: the client's share of them is taken out."""
        return self.measured.answers_per_s / bound * cores / (cores - self.measured.client_cores)


@dataclass
class Row:
    """All rounds of one server, with the bound of each round."""

    name: str
    settings: str = ""
    rounds: list[tuple[Round, float]] = field(default_factory=list)


def load(server: Running, folder: Path, how: Load) -> Round:
    """folder: the photographs. The client's start and end are inside the stretch whose processor time is counted."""
    pids = server.pids
    started, server_before, all_before = time.perf_counter(), cpu_s(pids), busy_s()
    measured = measure(server.target, folder, how.connections, how.warm_s, how.seconds)
    elapsed = time.perf_counter() - started
    server_cores = (cpu_s(pids) - server_before) / elapsed
    others = (busy_s() - all_before) / elapsed - server_cores - measured.client_cores
    return Round(measured, server_cores, others, pss_mb(server.pids), server.start_s)


HEAD = (
    *("server", "settings", "answers/s", "of the bound", "p50 ms", "p99 ms", "answers per core-second"),
    *("client cores", "other cores", "errors", "memory MB", "start s"),
)


def table(rows: Iterable[Row], cores: int) -> str:
    """Markdown; medians over the rounds, with the lowest and highest of rate and ratio."""
    return markdown([HEAD, *(_cells(row, cores) for row in rows if row.rounds)])


def _cells(row: Row, cores: int) -> tuple[str, ...]:
    rounds = [each for each, _ in row.rounds]
    return (
        row.name,
        row.settings,
        spread([each.measured.answers_per_s for each in rounds], 1),
        spread([each.of_bound(bound, cores) for each, bound in row.rounds], 3),
        _middle([each.measured.p50_s * 1000 for each in rounds], 1),
        _middle([each.measured.p99_s * 1000 for each in rounds], 1),
        _middle([each.measured.answers_per_s / max(each.server_cores, 0.01) for each in rounds], 0),
        _middle([each.measured.client_cores for each in rounds], 3),
        _middle([each.others for each in rounds], 2),
        str(sum(each.errors for each in rounds)),
        _middle([each.pss_mb for each in rounds], 0),
        _middle([each.start_s for each in rounds], 2),
    )


def spread(values: list[float], digits: int) -> str:
    """Median, and in brackets lowest and highest."""
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


def _middle(values: list[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f}"
