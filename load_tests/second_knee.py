"""The knee found again by another generator: the same search, but MLPerf's LoadGen sends and judges."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from load_tests.knee import Found, Step, search

SHARES = (0.6, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5)  # of the first knee: where a second one would be looked for
APART = 0.1  # share of the knee; generators that are further apart leave nothing to claim


def second_knee(knee: float, precision: float, look: Callable[[float, float, int], Step]) -> Found:
    """Search around a knee. look(rate, times as long, seed) -> Step."""

    def probe(rate: float, times: float, seed: int) -> Step:
        step = look(rate, times, seed)
        print(f"second {rate:7.1f}/s  p99 {step.p99_ms or 0:8.1f} ms  {'held' if step.held else 'missed'}", flush=True)
        return step

    return search(knee, precision, probe, SHARES)


def loadgen(rate: float, seconds: float, seed: int, aim: Mapping[str, object]) -> Step:
    """One run of LoadGen, in a process of its own since gevent has replaced this one's sockets. Raises RuntimeError.

    aim: host, path, slo-ms and percentile.
    """
    options = {**aim, "rate": rate, "seconds": seconds, "seed": seed}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "load_tests.second_look", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    if done.returncode not in (0, 1) or not done.stdout:
        raise RuntimeError(f"LoadGen ended with {done.returncode}: its words are above.")
    found = json.loads(done.stdout)
    held = found["valid"] and not found["failed"]
    return Step(rate, held, seconds, found["latency_ms"]["p50"], found["latency_ms"]["p99"], found["answered_per_s"])


def apart(first: float, second: float | None) -> float:
    """Share of the first by which the second differs; 1 where there is none."""
    return 1.0 if second is None else abs(second / first - 1)
