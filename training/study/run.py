"""A study from wherever it stopped: runs without a row are executed, in order, and each is kept when it is done."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import joblib

from training.data.archives import DataError
from training.progress import Watch
from training.study.execute import Lists, Shared, config_sha256, execute
from training.study.plan import Run
from training.study.rows import Finished, Rows, Table, TrialRow, committed

Result = tuple[list[Finished], Lists]


def missing(runs: Sequence[Run], shared: Shared, table: Table, shards: Iterable[Path] = ()) -> list[Run]:
    """Runs that no row speaks of yet. A failure is a result: it is not tried again.

    Raises DataError when a row was made with other settings: it would pass for a row of these.
    """
    rows = [*table.rows(), *Rows(shards).trials]
    done = {row.trial.rsplit("/", 1)[0]: row.config_sha256 for row in rows}
    for run in runs:
        if done.get(run.name, config_sha256(run, shared)) != config_sha256(run, shared):
            raise DataError(
                f"{run.name}: has a row of other settings (steps, rates, views). "
                f"Restore the settings, or move {table.path} away to start anew."
            )
    return [run for run in runs if run.name not in done]


def run_study(runs: Sequence[Run], shared: Shared, table: Table, processes: int, watch: Watch) -> None:
    """Execute what is missing, `processes` runs at once: how many is no part of a result.

    Killed anywhere, the next call goes on; a run that was under way starts anew.
    """
    left = missing(runs, shared, table, committed())
    watch.say(f"{len(runs) - len(left)} of {len(runs)} runs have rows; {len(left)} to go. {forecast(left, table)}")
    watch.start("runs", len(left))
    for count, (finished, lists) in enumerate(_results(left, shared, processes), start=1):
        table.add(finished, lists)
        watch.advance(count)
        first = finished[0].row
        watch.say(f"{count}/{len(left)} {first.trial}: {first.problem or f'AP {first.ap:.3f}'}, {first.seconds:.0f} s")


def forecast(left: Sequence[Run], table: Table) -> str:
    """Hours ahead from the seconds of runs like these; says so when there is nothing to tell it by."""
    known: dict[tuple[object, ...], list[float]] = {}
    for row in table.rows():
        known.setdefault(_kind(row), []).append(row.seconds)
    priced = [known[_kind(run)] for run in left if _kind(run) in known]
    if not priced:
        return "Hours: unknown until the first of each kind is done."
    mean = sum(sum(seconds) / len(seconds) for seconds in priced) / len(priced)
    return f"About {mean * len(left) / 3600:.1f} hours of one thread."


def _kind(run: Run | TrialRow) -> tuple[object, ...]:
    return tuple(getattr(run, name) for name in ("target", "depth", "care", "size", "options"))


def _results(left: Sequence[Run], shared: Shared, processes: int) -> Iterator[Result]:
    if processes == 1:
        return (execute(run, shared) for run in left)
    pool = joblib.Parallel(n_jobs=processes, return_as="generator_unordered", pre_dispatch=processes)
    return pool(joblib.delayed(execute)(run, shared) for run in left)  # type: ignore[no-any-return] # joblib has no stubs
