"""The main job on a user's own folder: classes as folders, one of them new to the source."""

from pathlib import Path

from training.data.archives import Container, DataError
from training.drawn_job import DRAWN
from training.job import Data, Job
from training.recipes import RECIPES
from training.split import read_split
from training.split_job import SplitOptions, run_split

TERMS = "On the terms of its user's own photographs, which Thaw does not know."


def folder_job(target: Path, source: str, out: Path, new_label: str, threads: int) -> Job:
    """target: a folder or zip in any layout that `check` understands. The split is made once and kept in `out`."""
    if target.stem == DRAWN:
        raise DataError(f"{target}: the name {DRAWN!r} means pictures without an owner. Rename the folder.")
    out.mkdir(parents=True, exist_ok=True)
    split = out / "split.csv"
    if not split.exists() and run_split([target], split, options=SplitOptions(new_label=new_label)):
        raise SystemExit(1)
    data = Data(target.stem, tuple(read_split(split)), Container(target), TERMS)
    return Job(source, data, (data,), tuple(RECIPES.values()), out, new_label=new_label, threads=threads)
