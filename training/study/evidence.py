"""Rows, found by what was trained, and their figures under every resample. Each row is ranked once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from training.study.ranked import Ranked, Reading, Vector
from training.study.resample import Floats, Groups, Key, Panel, Runs
from training.study.rows import Listed, TrialRow
from training.study.rules import Metric, Rules

THREADS = 2
_RANKED = ("ap", "plain_ap", "auroc", "recall", "rivals", "rival_alarms")


class Stored(Protocol):
    """What `Rows` offers."""

    trials: list[TrialRow]
    lists: dict[str, Listed]

    def scores(self, trial: str, part: str = "test") -> Floats: ...  # noqa: D102 - as Rows says it


@dataclass(frozen=True)
class Arm:
    """Which networks: all but source, draw and seed. `test` empty: the photographs that the draw left over."""

    target: str
    size: int
    depth: int
    care: str = "careful"
    options: str = ""
    buses: int = 500
    test: str = ""


@dataclass(frozen=True)
class Wanted:
    """One figure of an arm."""

    arm: Arm
    metric: Metric = "ap"
    part: str = "test"


class Evidence:
    """The rows of one world. Failed trials are kept apart: they have no figures, and are counted."""

    def __init__(self, stored: Stored, rules: Rules, world: str) -> None:
        self.rules, self.world, self.stored = rules, rules.worlds[world], stored
        self.rows: dict[Arm, dict[Key, TrialRow]] = defaultdict(dict)
        self.failed: dict[Arm, set[Key]] = defaultdict(set)
        for row in stored.trials:
            arm = arm_of(row)
            key = (row.target, row.source, row.draw, row.seed)
            if row.problem or np.isnan(row.ap):
                self.failed[arm].add(key)
            else:
                self.rows[arm][key] = row
        self._runs = Runs(rules.replicates, rules.seed)
        self._reading = Reading(rules.prevalence, rules.fpr)
        self._groups: Groups | None = None
        self._panels: dict[str, Panel] = {}
        self._found: dict[tuple[str, str, str], Vector] = {}

    def keys(self, arm: Arm) -> set[Key]:
        """Runs of an arm from the world's own sources."""
        return {key for key in self.rows.get(arm, ()) if key[1] in self.world.sources}

    def lost(self, arm: Arm) -> set[Key]:
        """Runs of an arm that failed."""
        return {key for key in self.failed.get(arm, ()) if key[1] in self.world.sources}

    def prepare(self, wanted: Iterable[Wanted]) -> None:
        """Rank every row that these figures need, two at a time."""
        tasks: dict[tuple[str, str], tuple[TrialRow, set[str]]] = {}
        for want in wanted:
            for key in self.keys(want.arm):
                row = self.rows[want.arm][key]
                if want.metric in _RANKED and (row.trial, want.part, want.metric) not in self._found:
                    tasks.setdefault((row.trial, want.part), (row, set()))[1].add(want.metric)
        ready = [(row, part, self._list(row, part), names) for (_, part), (row, names) in tasks.items()]
        scores = [self._scores(row, part) for row, part, _, _ in ready]
        with ThreadPoolExecutor(THREADS) as workers:
            for _ in workers.map(self._rank, ready, scores):
                pass

    def vector(self, want: Wanted, key: Key) -> Vector:
        """(1 + resamples,): nan where the part was not stored."""
        row = self.rows[want.arm][key]
        if want.metric == "forgotten":
            return np.full(1 + self.rules.photograph_resamples, row.old_before - row.old_after)
        if (row.trial, want.part, want.metric) not in self._found:
            self.prepare([want])
        return self._found[row.trial, want.part, want.metric]

    def weights(self, keys: Sequence[Key]) -> NDArray[np.float32]:
        """(1 + replicates, keys)."""
        return self._runs.weights(list(keys))

    def panel(self, row: TrialRow, part: str = "test") -> Panel:
        """The photographs behind a row's scores."""
        return self._list(row, part)

    def listed(self, row: TrialRow) -> Listed:
        """The list that a row was tested on."""
        return self.stored.lists[row.photographs]

    def scores(self, row: TrialRow, part: str = "test") -> Floats:
        """As stored. Raises KeyError when the part was not."""
        return self.stored.scores(row.trial, part)

    def _scores(self, row: TrialRow, part: str) -> Floats | None:
        try:
            return self.stored.scores(row.trial, part)
        except KeyError:
            return None

    def _list(self, row: TrialRow, part: str) -> Panel:
        name = row.fitted if part == "train" else row.photographs
        if name not in self._panels:
            self._panels[name] = self.groups.panel(self.stored.lists[name])
        return self._panels[name]

    @property
    def groups(self) -> Groups:
        """Made when the first row is ranked: without rows there are no pools to read."""
        if self._groups is None:
            pools = {listed.pool for listed in self.stored.lists.values()}
            self._groups = Groups(pools, self.rules.photograph_resamples, self.rules.seed)
        return self._groups

    def _rank(self, task: tuple[TrialRow, str, Panel, set[str]], scores: Floats | None) -> None:
        row, part, panel, names = task
        if scores is None or not np.isfinite(scores).all():
            nothing = np.full(1 + self.rules.photograph_resamples, np.nan)
            self._found |= {(row.trial, part, name): nothing for name in names}
            return
        found = Ranked(scores, panel).figures(names, self.groups.times, self._reading)
        self._found |= {(row.trial, part, name): vector for name, vector in found.items()}


def arm_of(row: TrialRow) -> Arm:
    """The arm that a row belongs to."""
    test = "" if row.test == row.target else row.test
    return Arm(row.target, row.size, row.depth, row.care, row.options, row.buses, test)


def at(arm: Arm, **changes: object) -> Arm:
    """The same arm with something else."""
    return replace(arm, **changes)  # type: ignore[arg-type] # mypy cannot see the fields of a keyword mapping


def columns(rules: Rules) -> NDArray[np.int64]:
    """Replicate -> column of a vector: the figure itself, then each resample of the photographs in turn."""
    turn = np.arange(rules.replicates) % rules.photograph_resamples
    return np.concatenate(([0], 1 + turn))


def known_rates(evidence: Evidence, arm: Arm) -> Mapping[str, Arm]:
    """Options `rate=...` -> the arm trained at it, as far as there are rows."""
    return {
        found.options: found
        for found in list(evidence.rows)
        if found.options.startswith("rate=") and at(found, options=arm.options) == arm
    }
