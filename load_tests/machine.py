"""Facts of the machine that measured: without them a figure means nothing."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path


def facts() -> dict[str, str | int | float | None]:
    """Names and numbers for the report; None where the system does not tell."""
    return {
        "processor": _field("/proc/cpuinfo", "model name") or platform.processor() or None,
        "cores": os.cpu_count(),
        "cores_granted": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_mb": _memory_mb(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "locust": version("locust"),
        "load_average_1min": round(os.getloadavg()[0], 2),
    }


def _memory_mb() -> int | None:
    words = _field("/proc/meminfo", "MemTotal").split()
    return int(words[0]) // 1024 if words else None


def _field(path: str, name: str) -> str:
    """The value of a `name : value` line; "" where there is none."""
    file = Path(path)
    lines = file.read_text().splitlines() if file.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


@contextmanager
def before_others(threads: bool = False) -> Iterator[None]:
    """On a shared core our timers come first: a generator that waits for the processor measures its own delay.

    threads: those that are started meanwhile too; a child process would be as well.

    Only some users may; for others lateness tells whether it was needed. It ends with the block: else a server that is
    started between two runs would go before others too.
    """
    try:
        usual = os.sched_getscheduler(0), os.sched_getparam(0)
        policy = os.SCHED_RR if threads else os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(1))
    except (OSError, AttributeError):  # AttributeError: no Linux
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, *usual)
