"""One run: plan it, send it, judge it, write it down."""

from pathlib import Path

from load_tests import objectives as aims
from load_tests.cli import verb_of
from load_tests.config import Knee, Server, Single, Soak, Spike, Target
from load_tests.distributed import run_distributed
from load_tests.document import Run, Summary
from load_tests.engine import Recording, run_closed, run_open
from load_tests.machine import facts
from load_tests.payloads import Photograph
from load_tests.plan import due_times
from load_tests.results import CLOSED, ROWS, judged, say, write_results
from load_tests.rows import write_rows
from load_tests.watch import Watch

Photographs = tuple[Photograph, ...]


def server(settings: Server, photographs: Photographs) -> int:
    """Open loop at a rate: `server`, `soak` and `spike`. Returns the exit code."""
    # Whoever names a limit asks for proof; the default objectives only guide, so that a short try tells something too.
    must_prove = settings.objectives is not None or settings.slo_ms is not None
    return told(settings.out, measure_open(settings, photographs, must_prove))


def closed(settings: Single, photographs: Photographs) -> int:
    """Closed loop: `single`, `multi` and `offline`. Returns the exit code."""
    return told(settings.out, measure_closed(settings, photographs))


def told(folder: Path, summary: Summary) -> int:
    """Print the outcome; returns the exit code."""
    say(summary)
    print(f"written: {folder}/")
    return summary.exit


def measure_open(settings: Server, photographs: Photographs, must_prove: bool = False) -> Summary:
    """Run, judge and write one open loop, and the closed one beside it where that is asked for.

    must_prove: too few requests for a percentile make the run invalid.
    """
    with Watch(settings) as watch:
        if settings.processes or settings.workers:
            recording = run_distributed(settings)
        else:
            recording = run_open(settings, photographs, due_times(settings), watch.open)
        if settings.closed:
            shared = {name: getattr(settings, name) for name in Target.model_fields}
            users = Single(**shared, users=settings.closed, pace=settings.rate)
            write_rows(settings.out / CLOSED, run_closed(users, photographs, watch.closed).rows)
    return written(settings, described(settings, recording, photographs, must_prove), recording)


def measure_closed(settings: Single, photographs: Photographs) -> Summary:
    """Run, judge and write one closed loop."""
    with Watch(settings) as watch:
        recording = run_closed(settings, photographs, watch.closed)
    return written(settings, described(settings, recording, photographs), recording)


def written(settings: Target, run: Run, recording: Recording) -> Summary:
    """Rows into the folder, and their summary: that of the file, so that anybody finds the same who reads it again."""
    write_rows(settings.out / ROWS, recording.rows)
    summary = judged(settings.out, run)
    write_results(settings.out, summary)
    return summary


def objectives_of(settings: Target) -> dict[str, float]:
    """What this verb is held to: a closed loop to right answers alone, since its latency is its own doing."""
    chosen = aims.read_objectives(settings.objectives or aims.DEFAULT)
    wanted = aims.with_limit(chosen, settings.percentile, settings.slo_ms)
    foreign = {aims.RECOVERY: Spike, aims.CREEP: Soak, aims.GROWTH: Knee}
    if not isinstance(settings, Server):
        return {aims.ERROR_RATE: wanted.get(aims.ERROR_RATE, 0.0)}
    return {name: limit for name, limit in wanted.items() if isinstance(settings, foreign.get(name, Server))}


def described(settings: Target, recording: Recording, photographs: Photographs, must_prove: bool = False) -> Run:
    """What the summary keeps beside the rows."""
    run = Run(
        verb=verb_of(settings),
        loop="open" if isinstance(settings, Server) else "closed",
        host=settings.host,
        path=settings.path,
        warmup_s=settings.warmup,
        duration_s=settings.duration,
        objectives=objectives_of(settings),
        cpu=recording.cpu,
        clock_drift_s=recording.clock_drift_s,
        began=recording.began,
        photographs=len(photographs),
        machine=facts(),
    )
    if isinstance(settings, Single):
        return run.model_copy(update={"users": settings.users, "batch": settings.batch})
    if not isinstance(settings, Server):
        return run
    third = settings.duration / 3
    start = settings.warmup + third
    return run.model_copy(
        update={
            "rate": settings.rate if settings.trace is None else None,
            "seed": settings.seed,
            "workers": recording.workers,
            "closed_users": settings.closed,
            "burst": (start, start + third) if isinstance(settings, Spike) else None,
            "must_prove": must_prove,
        }
    )
