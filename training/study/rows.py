"""The table of trials: one row for each trained network on each test set, its raw scores beside it.

SQLite files, only ever added to. A study writes one in its state folder; what is finished is committed as numbered
shards in `training/study/rows/`, each written once. Every statistic is computed later, from the scores stored here.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.archives import DataError

SHARDS = Path(__file__).parent / "rows"
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class TrialRow:
    """One network on one test set. Figures are nan where they cannot be measured or the trial failed."""

    trial: str  # `<run>/<test>`, unique
    stage: str  # part of the plan that wanted it
    target: str  # what it learned from
    test: str  # what it was tested on; `target` itself: the photographs that its draw left over
    depth: int  # thawed stages, counted from the head
    care: str  # careful or naive
    source: str
    draw: int  # which 500 of the pool
    seed: int  # of the adaptation
    buses: int  # validation included
    options: str  # `name=value`, sorted, joined by `;`; empty for the plain recipe
    size: int  # side of the input, pixels
    rate: float  # peak learning rate; nan where nothing but the head learns
    ap: float  # plain average precision at the test set's own base rate
    ap_restated: float  # the same with negatives weighted to the rules' prevalence
    auroc: float
    recall_at_1fpr: float
    val_ap: float
    train_ap: float  # on the plain photographs that were fitted
    temperature: float  # that log-odds of bus are divided by to be believed, fitted on validation
    old_before: float  # top-1 of the source's own head on its old task
    old_after: float
    seconds: float  # of the whole run, shared by its tests
    photographs: str  # id of the list that `test` scores belong to
    fitted: str  # id of the list that `train` scores belong to
    config_sha256: str
    data_sha256: str  # fit, val and test lists
    source_sha256: str
    frozen_sha256: str  # of every frozen tensor, equal before and after
    rules_sha256: str
    started: str  # ISO 8601, UTC
    machine: str
    problem: str  # why it failed; empty when it did not


@dataclass(frozen=True)
class Listed:
    """Which photographs of a pool a row of scores belongs to, by their place in it. `pool_sha256`: of the pool."""

    pool: str
    pool_sha256: str
    places: tuple[int, ...]


@dataclass(frozen=True)
class Finished:
    """A row with what is stored beside it. Parts: `test`, and at home also `train`, `end`, `chosen`.

    `end`: test scores after the last step; `chosen`: at the step that validation liked best; both without averaging.
    """

    row: TrialRow
    scores: Mapping[str, Scores]


_COLUMNS = tuple(field.name for field in fields(TrialRow))
_SCHEMA = f"""
create table if not exists trials ({", ".join(f"{name} not null" for name in _COLUMNS)}, primary key (trial));
create table if not exists scores (trial text not null, part text not null, packed_float32 blob not null,
    primary key (trial, part));
create table if not exists lists (id text primary key, pool text not null, pool_sha256 text not null,
    zlib_uint16 blob not null);
"""


class Table:
    """One file of rows. Nothing in it is ever replaced: a second row of one name is an error."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path)
        self._file.executescript(_SCHEMA)

    def names(self) -> set[str]:
        """Every trial that has a row."""
        return {name for (name,) in self._file.execute("select trial from trials")}

    def add(self, finished: Sequence[Finished], lists: Mapping[str, Listed]) -> None:
        """All or nothing, on disk when it returns. Raises DataError when one is there already."""
        marks = ", ".join("?" * len(_COLUMNS))
        try:
            with self._file:
                for name, listed in lists.items():
                    places = zlib.compress(np.array(listed.places, np.uint16).tobytes(), 9)
                    self._file.execute(
                        "insert or ignore into lists values (?, ?, ?, ?)",
                        (name, listed.pool, listed.pool_sha256, places),
                    )
                for item in finished:
                    # SQLite reads nan as null, which `not null` refuses: it is kept as text.
                    values = [_kept(value) for value in asdict(item.row).values()]
                    self._file.execute(f"insert into trials values ({marks})", values)
                    for part, scores in item.scores.items():
                        self._file.execute(
                            "insert into scores values (?, ?, ?)", (item.row.trial, part, packed(scores))
                        )
        except sqlite3.IntegrityError as error:
            raise DataError(f"{self.path}: a row is there already ({error}). Rows are never replaced.") from error

    def rows(self) -> list[TrialRow]:
        """Every row, in the order of adding."""
        found = self._file.execute(f"select {', '.join(_COLUMNS)} from trials order by rowid").fetchall()
        return [
            TrialRow(*(_given(name, value) for name, value in zip(_COLUMNS, record, strict=True))) for record in found
        ]

    def scores(self, trial: str) -> dict[str, Scores]:
        """Part -> float32 (N,)."""
        found = self._file.execute("select part, packed_float32 from scores where trial = ?", (trial,))
        return {part: unpacked(blob) for part, blob in found}

    def lists(self) -> dict[str, Listed]:
        """Id -> places in a pool."""
        found = self._file.execute("select id, pool, pool_sha256, zlib_uint16 from lists")
        return {
            name: Listed(pool, digest, tuple(np.frombuffer(zlib.decompress(blob), np.uint16).tolist()))
            for name, pool, digest, blob in found
        }

    def close(self) -> None:
        """The file is left alone from here on."""
        self._file.close()


class Rows:
    """Several tables read as one. Raises DataError when two of them hold one trial.

    `working`: a table whose rows may have been committed already; equal ones are read once.
    """

    def __init__(self, paths: Iterable[Path], working: Path | None = None) -> None:
        self._tables = [Table(path) for path in (*sorted(paths), *([working] if working else ()))]
        self._home: dict[str, Table] = {}
        self.trials: list[TrialRow] = []
        self.lists: dict[str, Listed] = {}
        for table in self._tables:
            self.lists |= table.lists()
            committed_rows = {repr(row) for row in self.trials} if table.path == working else set()
            for row in table.rows():
                if row.trial in self._home:
                    if table.path == working and repr(row) in committed_rows:  # as text: nan equals nan there
                        continue
                    raise DataError(
                        f"{row.trial}: in {self._home[row.trial].path} and again in {table.path}. Remove the later one."
                    )
                self._home[row.trial] = table
                self.trials.append(row)

    def of(self, photographs: bool) -> "Rows":
        """Those of drawn vehicles alone; or all: on photographs the drawn ones stand apart in one plot."""
        if not photographs:
            self.trials = [row for row in self.trials if row.target.startswith("drawn")]
        return self

    def scores(self, trial: str, part: str = "test") -> Scores:
        """float32 (N,) in the order of the row's list. Raises KeyError when the part was not stored."""
        return self._home[trial].scores(trial)[part]

    def finished(self, row: TrialRow) -> Finished:
        """The row with all that is stored beside it."""
        return Finished(row, self._home[row.trial].scores(row.trial))


def packed(scores: Scores) -> bytes:
    """Byte planes one after another, then zlib: signs and exponents lie together and shrink, no bit is lost."""
    planes = np.ascontiguousarray(scores, "<f4").view(np.uint8).reshape(-1, 4).T
    return zlib.compress(planes.tobytes(), 9)


def unpacked(blob: bytes) -> Scores:
    """float32 (N,), as packed."""
    planes = np.frombuffer(zlib.decompress(blob), np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T).view("<f4").ravel()


def committed() -> list[Path]:
    """The shards of the repository, oldest first."""
    return sorted(SHARDS.glob("*.sqlite"))


def add_shard(source: Path, folder: Path = SHARDS) -> Path | None:
    """Copy the rows that no shard has yet into a new shard. None when there is none."""
    there = {row.trial for row in Rows(folder.glob("*.sqlite")).trials}
    rows = Rows([source])
    new = [row for row in rows.trials if row.trial not in there]
    if not new:
        return None
    path = folder / f"{len(list(folder.glob('*.sqlite'))) + 1:04d}.sqlite"
    shard = Table(path)
    wanted = {name for row in new for name in (row.photographs, row.fitted) if name}
    shard.add([rows.finished(row) for row in new], {name: rows.lists[name] for name in sorted(wanted)})
    shard.close()
    return path


def _kept(value: object) -> object:
    return "nan" if isinstance(value, float) and np.isnan(value) else value


def _given(name: str, value: object) -> object:
    return float(str(value)) if name in _FLOATS else value


_FLOATS = frozenset(field.name for field in fields(TrialRow) if field.type is float)
