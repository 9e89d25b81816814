"""The verb `split`: from a folder, a zip or given lists to split files, with progress and errors for people."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from training.adopt import adopt, adopt_shipped, read_given, with_given
from training.data.archives import Container, DataError
from training.data.collections import Collections, Reader
from training.data.label_sets import read_label_map
from training.data.layouts import read_layout
from training.data.photographs import Inspected, inspect_all
from training.data.rows import Row, rows_of
from training.split import SPLITS, Shares, identified, label_text, make_split, write_split


@dataclass(frozen=True)
class SplitOptions:
    """`labels`: a CSV word,labels. `new_label`: the class that the models learn."""

    seed: int = 0
    shares: Shares = Shares()
    labels: Path | None = None
    new_label: str = "bus"
    skip_unreadable: bool = False


def run_split(
    sources: list[Path], out: Path, adopt_from: Path | None = None, options: SplitOptions | None = None
) -> int:
    """Write the split file `out`. Returns 0, or 1 after printing what is wrong.

    sources: a folder or zip, or several that make one. adopt_from: a given list `path,split` to keep; when it is a
    folder, the lists of the known collections, with sources = [the collections' folder] and `out` a folder as well.
    Rows that come with splits of their own (train/val/test folders) keep them.
    """
    console = Console(stderr=True)
    try:
        if adopt_from and adopt_from.is_dir():
            for name, rows in adopt_shipped(Collections(sources[0]), adopt_from, look).items():
                write_split(out / f"{name}.csv", rows)
                console.print(_table(out / f"{name}.csv", rows))
            return 0
        rows = _split(sources, adopt_from, options or SplitOptions(), console)
        write_split(out, rows)
        console.print(_table(out, rows))
        return 0
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def look(paths: Sequence[str], reader: Reader) -> list[Inspected]:
    """Inspect every path, with a progress bar on a terminal."""
    console = Console(stderr=True)
    found = inspect_all(paths, reader)
    return list(track(found, "looking at photographs", len(paths), console=console, disable=not console.is_terminal))


def _split(sources: list[Path], adopt_from: Path | None, options: SplitOptions, console: Console) -> list[Row]:
    container = Container(sources)
    layout = read_layout(container)
    console.print(layout.describe(), highlight=False)
    rows = rows_of(layout, read_label_map(options.labels) if options.labels else None)
    if adopt_from:
        rows = with_given(rows, read_given(adopt_from), adopt_from.name)
    kept = any(row.split for row in rows)
    if kept and not all(row.split for row in rows):
        loose = next(row.path for row in rows if not row.split)
        raise DataError(f"{loose}: has no split while others have one. Give every photograph a split, or none.")
    inspected = look([row.path for row in rows], container)
    rows = identified(rows, inspected, skip_unreadable=options.skip_unreadable)
    if len(rows) < len(inspected):
        console.print(f"left out {len(inspected) - len(rows)} photographs that cannot be read")
    if not kept:
        return make_split([replace(row, split="") for row in rows], options.seed, options.shares)
    console.print("the given splits are kept: train -> fit and val, val -> dev, test -> test")
    return adopt(rows, options.seed, new_label=options.new_label)


def _table(path: Path, rows: Sequence[Row]) -> Table:
    table = Table(title=str(path))
    for heading in ("labels", *SPLITS):
        table.add_column(heading, justify="left" if heading == "labels" else "right")
    counts = Counter((label_text(row), row.split) for row in rows)
    for label in sorted({label for label, _ in counts}):
        table.add_row(label, *(f"{counts[label, split]:,}" for split in SPLITS))
    groups = {split: {row.group for row in rows if row.split == split} for split in SPLITS}
    table.add_row("groups", *(f"{len(groups[split]):,}" for split in SPLITS), style="dim")
    return table
