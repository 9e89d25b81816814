"""rows.csv and scores.csv.gz: anybody can compute a row's figures again from them."""

import csv
import gzip
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from tests.unit.training.study.synthetic import Made, Truth, make
from training.data.archives import DataError
from training.metrics import auroc, average_precision
from training.study.export_rows import export_rows

FIRST = "trial,target,test,depth,care,source,draw,seed,buses,options,ap,auroc,recall_at_1fpr,seconds"


@pytest.fixture(scope="module")
def made() -> Made:
    """One draw's headline runs, and one that failed."""
    rows = make(Truth(), draws=1, is_measured=True).without(lambda row: row.size == 96)
    failed = replace(rows.trials[0], trial="failed/there", ap=float("nan"), problem="diverged")
    return Made([*rows.trials, failed], rows.lists, rows.parts)


def test_figures_can_be_computed_again(made: Made, tmp_path: Path) -> None:
    """Average precision and AUROC of the exported scores are those of the exported row, to the last digit."""
    rows, scores = export_rows(made, tmp_path)
    lines = rows.read_text().splitlines()
    assert lines[0].startswith(FIRST + ",")
    table = {row["trial"]: row for row in csv.DictReader(lines)}
    assert len(made.trials) == len(table)
    with gzip.open(scores, "rt") as file:
        photographs = list(csv.DictReader(file))
    assert ["trial", "group", "is_bus", "score"] == list(photographs[0])
    found = {trial: list(some) for trial, some in groupby(photographs, lambda line: line["trial"])}
    assert table.keys() - {"failed/there"} == found.keys()
    for trial, some in found.items():
        score = np.array([float(line["score"]) for line in some])
        bus = np.array([line["is_bus"] == "1" for line in some])
        assert float(table[trial]["ap"]) == average_precision(score, bus)
        assert float(table[trial]["auroc"]) == auroc(score, bus)


def test_a_failed_trial_is_a_row_without_scores(made: Made, tmp_path: Path) -> None:
    """Its average precision is nan, and it says why."""
    rows, _ = export_rows(made, tmp_path)
    failed = list(csv.DictReader(rows.read_text().splitlines()))[-1]
    assert ("nan", "diverged") == (failed["ap"], failed["problem"])


def test_the_same_rows_give_the_same_bytes(made: Made, tmp_path: Path) -> None:
    """No time of writing is in the files."""
    for name in ("a", "b"):
        export_rows(made, tmp_path / name)
    for file in ("rows.csv", "scores.csv.gz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_row_that_its_scores_deny_is_refused(made: Made, tmp_path: Path) -> None:
    """Figures that were not computed from the stored scores stop the export."""
    other = made.changed(lambda row: replace(row, ap=row.ap + 0.001))
    with pytest.raises(DataError, match="must be equal"):
        export_rows(other, tmp_path)
