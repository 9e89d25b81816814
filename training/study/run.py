"""A study from wherever it stopped: runs without a row are executed, in order, and each is kept when it is done."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import joblib

from training.data.archives import DataError
from training.progress import Watch
from training.study import cost
from training.study.execute import Lists, Shared, config_sha256, execute
from training.study.plan import Run
from training.study.rows import Finished, Rows, Table, committed

Result = tuple[list[Finished], Lists]
Executor = Callable[[Sequence[Run], Shared], Iterator[Result]]
LOOK_AHEAD = 25  # finished runs between two forecasts


def missing(runs: Sequence[Run], shared: Shared, table: Table, shards: Iterable[Path] = ()) -> list[Run]:
    """Runs that no row speaks of yet. A failure is a result: it is not tried again.

    Raises DataError when a row was made with other settings: it would pass for a row of these.
    """
    rows = [*table.rows(), *Rows(shards).trials]
    done = {row.trial.rsplit("/", 1)[0]: row.config_sha256 for row in rows}
    for run in runs:
        if run.name in done and done[run.name] != config_sha256(run, shared):
            raise DataError(
                f"{run.name}: has a row of other settings (steps, rates, views). "
                f"Restore the settings, or move {table.path} away to start anew."
            )
    return [run for run in runs if run.name not in done]


def run_study(runs: Sequence[Run], shared: Shared, table: Table, executor: Executor, watch: Watch) -> None:
    """Execute what is missing. Which executor, and how many runs at once, is no part of a result.

    Killed anywhere, the next call goes on; a run that was under way starts anew.
    """
    left = forecast_of(runs, shared, table, watch)
    watch.start("runs", len(left))
    done: set[str] = set()
    for count, (finished, lists) in enumerate(executor(left, shared), start=1):
        table.add(finished, lists)
        watch.advance(count)
        first = finished[0].row
        done.add(first.trial.rsplit("/", 1)[0])
        watch.say(f"{count}/{len(left)} {first.trial}: {first.problem or f'AP {first.ap:.3f}'}, {first.seconds:.0f} s")
        if count % LOOK_AHEAD == 0:
            ahead = cost.forecast([run for run in left if run.name not in done], shared, table.rows())
            watch.say(cost.in_words(ahead)[-1])


def forecast_of(runs: Sequence[Run], shared: Shared, table: Table, watch: Watch) -> list[Run]:
    """Say the hours of what is missing, block by block; returns it."""
    left, shards = missing(runs, shared, table, committed()), Rows(committed()).trials
    watch.say(f"{len(runs) - len(left)} of {len(runs)} runs have rows; {len(left)} to go.")
    for line in cost.in_words(cost.forecast(left, shared, [*table.rows(), *shards])) if left else ():
        watch.say(line)
    return left


def on_this_machine(processes: int) -> Executor:
    """So many runs at once, each of one thread."""

    def results(left: Sequence[Run], shared: Shared) -> Iterator[Result]:
        if processes == 1:
            return (execute(run, shared) for run in left)
        pool = joblib.Parallel(n_jobs=processes, return_as="generator_unordered", pre_dispatch=processes)
        return pool(joblib.delayed(execute)(run, shared) for run in left)  # type: ignore[no-any-return] # joblib has no stubs

    return results
