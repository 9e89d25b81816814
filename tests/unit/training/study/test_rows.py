"""The table of trials: nothing in it is ever replaced, and what comes out is what went in."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from training.data.archives import DataError
from training.study.pools import list_id, listed, photographs
from training.study.rows import Finished, Rows, Table, TrialRow, add_shard, packed, unpacked

HOME = listed("phone-city", (0, 5, 163))
ROW = TrialRow(
    trial="r/phone-city",
    stage="main",
    target="phone-city",
    test="phone-city",
    depth=1,
    care="careful",
    source="drawn",
    draw=0,
    seed=1,
    buses=500,
    options="",
    size=96,
    rate=float("nan"),
    ap=0.9,
    ap_restated=0.5,
    auroc=0.95,
    recall_at_1fpr=0.4,
    val_ap=0.8,
    train_ap=1.0,
    temperature=1.5,
    old_before=float("nan"),
    old_after=float("nan"),
    seconds=1.5,
    photographs=list_id(HOME),
    fitted="",
    config_sha256="a",
    data_sha256="b",
    source_sha256="c",
    frozen_sha256="d",
    rules_sha256="e",
    started="2026-11-24T12:00:00+00:00",
    machine="here",
    problem="",
)
SCORES = {"test": np.array([0.1, -2.5, 1e-7], np.float32), "end": np.array([1, 2, 3], np.float32)}


def test_what_was_added_is_read_back(tmp_path: Path) -> None:
    """Figures, nan among them, scores to the last bit, and the list of photographs survive the file."""
    table = Table(tmp_path / "a.sqlite")
    table.add([Finished(ROW, SCORES)], {ROW.photographs: HOME})
    table.close()
    rows = Rows([tmp_path / "a.sqlite"])
    (found,) = rows.trials
    assert dataclasses.astuple(found)[:12] == dataclasses.astuple(ROW)[:12]
    assert np.isnan(found.rate)
    assert found.ap == ROW.ap
    np.testing.assert_array_equal(SCORES["test"], rows.scores(ROW.trial))
    np.testing.assert_array_equal(SCORES["end"], rows.scores(ROW.trial, "end"))
    assert HOME == rows.lists[ROW.photographs]


def test_a_row_is_never_replaced(tmp_path: Path) -> None:
    """A second row of one name is refused, and nothing of it is kept."""
    table = Table(tmp_path / "a.sqlite")
    table.add([Finished(ROW, SCORES)], {})
    other = dataclasses.replace(ROW, trial="s/phone-city")
    with pytest.raises(DataError, match="never replaced"):
        table.add([Finished(other, SCORES), Finished(dataclasses.replace(ROW, ap=0.1), {})], {})
    assert [ROW.ap] == [row.ap for row in table.rows()]


def test_one_trial_in_two_tables_is_refused(tmp_path: Path) -> None:
    """Two shards with one trial would count it twice."""
    for name in ("a", "b"):
        Table(tmp_path / f"{name}.sqlite").add([Finished(ROW, SCORES)], {})
    with pytest.raises(DataError, match="again in"):
        Rows(tmp_path.glob("*.sqlite"))


def test_committed_rows_are_read_once(tmp_path: Path) -> None:
    """A working table may hold what a shard has; a row of that name with other figures is refused."""
    work, shard = Table(tmp_path / "work.sqlite"), tmp_path / "0001.sqlite"
    other = dataclasses.replace(ROW, trial="s/phone-city")
    work.add([Finished(ROW, SCORES), Finished(other, SCORES)], {})
    Table(shard).add([Finished(ROW, SCORES)], {})
    assert ["r/phone-city", "s/phone-city"] == [row.trial for row in Rows([shard], work.path).trials]
    Table(tmp_path / "0002.sqlite").add([Finished(dataclasses.replace(other, ap=0.1), SCORES)], {})
    with pytest.raises(DataError, match="again in"):
        Rows(tmp_path.glob("0*.sqlite"), work.path)


def test_scores_are_kept_to_the_last_bit_in_fewer_bytes() -> None:
    """Any float32 comes back, infinities and minus zero too; 5,000 log-odds take under nine tenths of their bytes."""
    odd = np.array([0.0, -0.0, np.inf, -np.inf, 1e-45, 3.4e38], np.float32)
    assert odd.tobytes() == unpacked(packed(odd)).tobytes()
    scores = np.random.default_rng(0).normal(-4, 3, 5_000).astype(np.float32)
    assert len(packed(scores)) < 0.9 * scores.nbytes


def test_a_shard_takes_what_no_other_has(tmp_path: Path) -> None:
    """Committing twice adds the new rows alone; with nothing new, no file."""
    source, shards = Table(tmp_path / "work.sqlite"), tmp_path / "shards"
    source.add([Finished(ROW, SCORES)], {ROW.photographs: HOME})
    assert shards / "0001.sqlite" == add_shard(source.path, shards)
    assert add_shard(source.path, shards) is None
    source.add([Finished(dataclasses.replace(ROW, trial="s/phone-city"), SCORES)], {})
    assert shards / "0002.sqlite" == add_shard(source.path, shards)
    assert ["r/phone-city", "s/phone-city"] == [row.trial for row in Rows(shards.glob("*.sqlite")).trials]


def test_a_list_names_photographs_of_one_pool() -> None:
    """Places give groups, buses and rivals; a pool that has changed is refused."""
    found = photographs(listed("phone-city", tuple(range(164))))
    assert 36 == found.is_bus.sum()
    assert 63 == found.is_rival.sum()
    with pytest.raises(DataError, match="has changed"):
        photographs(dataclasses.replace(HOME, pool_sha256="0"))
