"""Which photographs one trial learns from: a draw of the pool by group, the rest of the pool its test at home.

Cross-fitting: with some thousand photographs in all, each is a test photograph of most draws.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from training.data.archives import DataError
from training.data.rows import Row
from training.split import apportion, take
from training.study.pools import JOINED, pool

VAL_SHARE = 0.2
TEST_BUSES = 200  # at least so many are left to test on
NEW_LABEL = "bus"
Strata = Mapping[str, str]  # path -> what a draw keeps in proportion


@dataclass(frozen=True)
class Draw:
    """Places in a pool. No group lies in two of the three."""

    fit: tuple[int, ...]
    val: tuple[int, ...]
    rest: tuple[int, ...]


def make_draw(pool_name: str, strata: Strata, number: int, buses: int, others: int) -> Draw:
    """The same numbers give the same draw; more buses of one draw contain most of the fewer.

    A joined pool gives each of its parts the same share. Raises DataError when too few buses would be left for a test.
    """
    rows, parts = pool(pool_name), JOINED.get(pool_name, (pool_name,))
    drawn: set[str] = set()
    val: set[str] = set()
    for part in parts:
        inside = pool(part)
        for is_new, wanted in ((True, buses), (False, others)):
            some = [row for row in inside if (NEW_LABEL in row.labels) is is_new]
            taken = _taken(some, strata, number, wanted // len(parts))
            val |= _taken([row for row in some if row.path in taken], strata, number, len(taken) * VAL_SHARE)
            drawn |= taken
    left = sum(row.labels == {NEW_LABEL} and row.path not in drawn for row in rows)
    if left < TEST_BUSES:
        raise DataError(f"{pool_name}: {buses} buses leave {left} for the test. Draw fewer: {TEST_BUSES} are needed.")
    used = {row.group for row in rows if row.path in drawn}
    return Draw(
        tuple(i for i, row in enumerate(rows) if row.path in drawn and row.path not in val),
        tuple(i for i, row in enumerate(rows) if row.path in val),
        tuple(i for i, row in enumerate(rows) if row.group not in used),
    )


def _taken(rows: Sequence[Row], strata: Strata, seed: int, count: float) -> set[str]:
    def stratum(row: Row) -> str:
        return strata[row.path]

    return take(rows, apportion(map(stratum, rows), round(count)), seed, stratum)


def leaks(pool_name: str, draw: Draw) -> list[str]:
    """Groups that lie in more than one part of a draw: there must be none."""
    rows = pool(pool_name)
    parts = [{rows[i].group for i in part} for part in (draw.fit, draw.val, draw.rest)]
    counts = Counter(chain.from_iterable(parts))
    return sorted(group for group, count in counts.items() if count > 1)
