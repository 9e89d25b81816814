"""A verb's settings -> the instants at which its requests are due."""

from load_tests.config import Server, Spike
from load_tests.schedule import Stage, Times, share, spike, trace


def parts_of(settings: Server) -> tuple[Stage, ...]:
    """The rates of a run, one after the other, from the begin of its warm-up."""
    span = settings.warmup + settings.duration
    if isinstance(settings, Spike):
        third = settings.duration / 3
        calm, burst, after = spike(settings.rate, settings.rate * settings.factor, third, third)
        return Stage(settings.rate, settings.warmup + calm.seconds), burst, after
    return (Stage(settings.rate, span),)


def due_times(settings: Server, worker: int = 0, workers: int = 1) -> Times:
    """Seconds from the begin of the warm-up, of one worker's share; a trace is cut where the measured window ends."""
    if settings.trace is None:
        return share(parts_of(settings), worker, workers, settings.seed)
    times = trace(settings.trace)
    return times[times < settings.warmup + settings.duration][worker::workers]
