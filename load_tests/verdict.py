"""The verb `verdict`: a finished run judged again from its rows."""

from pathlib import Path

from load_tests import objectives as aims
from load_tests.results import judged, read_summary, say
from load_tests.summary import INVALID_EXIT


def verdict(folder: Path, objectives: Path | None) -> int:
    """Judge a folder's rows again, by its own objectives or others. Returns the exit code."""
    kept = read_summary(folder)
    run = kept.run
    if objectives is not None:
        run = run.model_copy(update={"objectives": aims.read_objectives(objectives), "must_prove": True})
    found = judged(folder, run)
    say(found)
    if objectives is None and found != kept:
        print("summary.json says otherwise: it was not made from these rows")
        return INVALID_EXIT
    return found.exit
