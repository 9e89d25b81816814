"""The search for the knee: ceiling, ladder, bisection, confirmation. Pure: what measures is given."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

SHARES = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.1)  # of the closed loop's ceiling
FLAT = 1.05  # less gain than this from twice the users: the ceiling is reached
MOST_USERS = 256
CONFIRMATIONS = 3
LOWERED_AT_MOST = 8  # times; then there is no rate that holds thrice


@dataclass(frozen=True)
class Step:
    """One rate that was tried. held: None where the generator was not good enough to tell. Latency from plan, ms."""

    rate: float
    held: bool | None
    seconds: float = 0.0
    p50_ms: float | None = None
    p99_ms: float | None = None
    goodput_per_s: float | None = None


@dataclass
class Found:
    """knee: requests a second, or None with the reason in `words`."""

    knee: float | None = None
    words: str = ""
    steps: list[Step] = field(default_factory=list)


def ceiling(throughput: Callable[[int], float]) -> list[tuple[int, float]]:
    """Users -> answers a second, twice the users each time until it flattens. Returns every step."""
    found = [(1, throughput(1))]
    while found[-1][0] < MOST_USERS:
        users = 2 * found[-1][0]
        found.append((users, throughput(users)))
        if found[-1][1] < FLAT * found[-2][1]:
            break
    return found


def search(
    most: float, precision: float, probe: Callable[[float, float, int], Step], shares: Sequence[float] = SHARES
) -> Found:
    """Highest rate that holds.

    most: the closed loop's ceiling, of which `shares` are tried first. probe(rate, times as long, seed) -> Step. The
    answer holds in three longer runs with other seeds; where one of them fails the rate is lowered by the precision.
    """
    found = Found()
    low, high = _ladder([share * most for share in shares], probe, found)
    if found.words:
        return found
    while high is not None and high - low > precision * low:
        step = _kept(found, probe((low + high) / 2, 1, len(found.steps)))
        if step.held is None:
            found.words = _untold(step)
            return found
        low, high = (step.rate, high) if step.held else (low, step.rate)
    return _confirmed(low, precision, probe, found)


def _ladder(
    rates: Sequence[float], probe: Callable[[float, float, int], Step], found: Found
) -> tuple[float, float | None]:
    """The last rate of the ladder that holds and the first that does not."""
    low = 0.0
    for rate in rates:
        step = _kept(found, probe(rate, 1, len(found.steps)))
        if step.held is None:
            found.words = _untold(step)
            return low, None
        if not step.held:
            if not low:
                found.words = (
                    f"already {step.rate:.3g} requests a second miss the objectives. Relax them, or look at the server."
                )
            return low, step.rate
        low = step.rate
    return low, None


def _confirmed(rate: float, precision: float, probe: Callable[[float, float, int], Step], found: Found) -> Found:
    for _ in range(LOWERED_AT_MOST):
        steps = (_kept(found, probe(rate, 2, 1000 + len(found.steps))) for _ in range(CONFIRMATIONS))
        failed = _first(step for step in steps if not step.held)
        if failed is None:
            found.knee = rate
            return found
        if failed.held is None:
            found.words = _untold(failed)
            return found
        rate *= 1 - precision
    found.words = (
        f"no rate near {rate:.3g} requests a second held three times. The machine is noisy, or the server unsteady."
    )
    return found


def _kept(found: Found, step: Step) -> Step:
    found.steps.append(step)
    return step


def _first(steps: Iterable[Step]) -> Step | None:
    return next(iter(steps), None)


def _untold(step: Step) -> str:
    return f"the generator could not tell at {step.rate:.3g} requests a second: its run was invalid twice."
