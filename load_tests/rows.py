"""Raw rows: one for each request that was planned, kept so that every figure can be computed again."""

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# What became of a request. `sent` of a summary is all of them; `failed` is the middle group.
OK, DROPPED, CUT = "ok", "dropped", "cut"
SHED, ERROR, WRONG, UNREADABLE, BROKEN, TIMEOUT = "shed", "error", "wrong", "unreadable", "broken", "timeout"
FAILED = (SHED, ERROR, WRONG, UNREADABLE, BROKEN, TIMEOUT)
OUTCOMES = (OK, *FAILED, DROPPED, CUT)
# Their time is a lower bound of the latency; left out, the slowest requests would vanish from the percentiles.
UNFINISHED = (TIMEOUT, CUT)
COLUMNS = ("worker", "due_s", "sent_s", "end_s", "outcome", "status", "photograph", "label", "words")


@dataclass(frozen=True, slots=True)
class Row:
    """Seconds since the run began; `sent` is NaN for what was never sent. `stages`: milliseconds by name.

    words: what was wrong; "" where nothing was.
    """

    due: float
    sent: float
    end: float
    outcome: str
    status: int = 0
    photograph: int = -1
    label: str = ""
    stages: dict[str, float] = field(default_factory=dict)
    worker: int = 0
    words: str = ""


@dataclass(frozen=True)
class Table:
    """Rows as columns, ordered by due time. Times float64 (n,) seconds; stages float32 (n,) ms or NaN."""

    due: NDArray[np.float64]
    sent: NDArray[np.float64]
    end: NDArray[np.float64]
    outcome: NDArray[np.str_]
    status: NDArray[np.int64]
    photograph: NDArray[np.int64]
    label: NDArray[np.str_]
    worker: NDArray[np.int64]
    words: NDArray[np.str_]
    stages: dict[str, NDArray[np.float32]]

    def __len__(self) -> int:
        return len(self.due)

    def where(self, chosen: NDArray[np.bool_]) -> "Table":
        """The chosen rows; chosen bool (n,)."""
        columns = [getattr(self, name)[chosen] for name in _FIELDS]
        return Table(*columns, {name: values[chosen] for name, values in self.stages.items()})

    def window(self, start: float, end: float) -> "Table":
        """Rows that were due in [start, end), seconds."""
        return self.where((self.due >= start) & (self.due < end))

    def among(self, *outcomes: str) -> NDArray[np.bool_]:
        """bool (n,): which rows ended in one of these ways."""
        return np.isin(self.outcome, outcomes)

    @property
    def latency_ms(self) -> NDArray[np.float64]:
        """From the plan: (n,), the time that a caller at the due instant would have waited."""
        return (self.end - self.due) * 1e3

    @property
    def service_ms(self) -> NDArray[np.float64]:
        """From the send: (n,)."""
        return (self.end - self.sent) * 1e3

    @property
    def late_ms(self) -> NDArray[np.float64]:
        """How late we ourselves sent: (n,)."""
        return (self.sent - self.due) * 1e3


_FIELDS = ("due", "sent", "end", "outcome", "status", "photograph", "label", "worker", "words")


def table(rows: Sequence[Row]) -> Table:
    """Rows of one or several workers, pooled."""
    ordered = sorted(rows, key=lambda row: row.due)
    names = sorted({name for row in ordered for name in row.stages})
    return Table(
        np.array([row.due for row in ordered], dtype=float),
        np.array([row.sent for row in ordered], dtype=float),
        np.array([row.end for row in ordered], dtype=float),
        np.array([row.outcome for row in ordered], dtype=str),
        np.array([row.status for row in ordered], dtype=int),
        np.array([row.photograph for row in ordered], dtype=int),
        np.array([row.label for row in ordered], dtype=str),
        np.array([row.worker for row in ordered], dtype=int),
        np.array([row.words for row in ordered], dtype=str),
        {name: np.array([row.stages.get(name, np.nan) for row in ordered], dtype=np.float32) for name in names},
    )


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """requests.csv.gz: microseconds are kept."""
    names = sorted({name for row in rows for name in row.stages})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *(f"stage_{name}_ms" for name in names)])
    for row in sorted(rows, key=lambda row: row.due):
        times = [_micro(value) for value in (row.due, row.sent, row.end)]
        stages = [f"{row.stages[name]:g}" if name in row.stages else "" for name in names]
        answer = [row.outcome, row.status, row.photograph, row.label, " ".join(row.words.split())]
        writer.writerow([row.worker, *times, *answer, *stages])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.getvalue().encode(), 6, mtime=0))


def read_rows(path: Path) -> list[Row]:
    """What write_rows wrote. Raises ValueError for another file."""
    with gzip.open(path, "rt", newline="") as file:
        lines = csv.reader(file)
        head = next(lines, [])
        if tuple(head[: len(COLUMNS)]) != COLUMNS:
            raise ValueError(f"{path} begins with {head[:3]}; its columns should be {COLUMNS}. Name a requests.csv.gz.")
        names = [name.removeprefix("stage_").removesuffix("_ms") for name in head[len(COLUMNS) :]]
        return [_row(line, names) for line in lines]


def _row(line: list[str], names: Iterable[str]) -> Row:
    worker, due, sent, end, outcome, status, photograph, label, words, *stages = line
    found = {name: float(value) for name, value in zip(names, stages, strict=True) if value}
    times = [float(value) if value else np.nan for value in (due, sent, end)]
    return Row(*times, outcome, int(status), int(photograph), label, found, int(worker), words)


def _micro(seconds: float) -> str:
    return "" if np.isnan(seconds) else f"{seconds:.6f}"
