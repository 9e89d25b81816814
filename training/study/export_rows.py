"""The rows as files that anything reads: rows.csv, one line a trial, and scores.csv.gz, one line a test photograph."""

import csv
import gzip
import io
import math
from pathlib import Path

from training.data.archives import DataError
from training.metrics import average_precision
from training.study.evidence import Stored
from training.study.resample import whole
from training.study.rows import TrialRow

ROWS, SCORES = "rows.csv", "scores.csv.gz"
COLUMNS = (
    *("trial", "target", "test", "depth", "care", "source", "draw", "seed", "buses", "options"),
    *("ap", "auroc", "recall_at_1fpr", "seconds"),
    *("ap_restated", "size", "stage", "rate", "val_ap", "train_ap", "old_before", "old_after", "started", "problem"),
)


def export_rows(stored: Stored, out: Path) -> tuple[Path, Path]:
    """Write both files. Raises DataError when a row's average precision is not that of its stored scores."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / ROWS).open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(COLUMNS)
        lines.writerows([getattr(row, name) for name in COLUMNS] for row in stored.trials)
    # No time of writing in the file: the same rows give the same bytes.
    with (
        (out / SCORES).open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as text,
    ):
        text.write("trial,group,is_bus,score\n")
        for row in stored.trials:
            text.writelines(_score_lines(stored, row))
    return out / ROWS, out / SCORES


def _score_lines(stored: Stored, row: TrialRow) -> list[str]:
    try:
        scores = stored.scores(row.trial)
    except KeyError:
        return []  # a failed trial
    listed = stored.lists[row.photographs]
    every, places = whole(listed.pool), list(listed.places)
    groups, is_bus = every.groups[places], every.is_bus[places]
    found = average_precision(scores.astype(float), is_bus)
    if not (math.isclose(found, row.ap, rel_tol=1e-9) or (math.isnan(found) and math.isnan(row.ap))):
        raise DataError(
            f"{row.trial}: its scores give an average precision of {found!r}, its row says {row.ap!r}. "
            "They must be equal. Remove the row and run the trial again."
        )
    lines = zip(groups.tolist(), is_bus.tolist(), scores.astype(float).tolist(), strict=True)
    return [f"{row.trial},{_quoted(group)},{int(bus)},{score!r}\n" for group, bus, score in lines]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n') else text
