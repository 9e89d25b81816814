"""Facts of the machine that measured: without them a figure means nothing."""

import os
import platform
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
