"""The machine under a measurement: who used the processor, how much memory, and what to say about it."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

from serving.cores import granted_cores
from serving.engine import runtime_version

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """The process and all below it that still live."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            found += tree(int(child))
    return found


def cpu_s(pids: list[int]) -> float:
    """Processor seconds that these processes have used; 0 for one that has ended."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])  # utime and stime, counted from the state
    return total / _TICKS


def busy_s() -> float:
    """Processor seconds that anybody on the machine has used since it started."""
    user, nice, system, _, _, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / _TICKS


def pss_mb(pids: list[int]) -> float:
    """Memory, what is shared counted in proportion."""
    total = 0
    for pid in pids:
        try:
            found = re.search(r"(?m)^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
        except OSError:
            continue
        total += int(found.group(1)) if found else 0
    return total / 1000


def facts() -> dict[str, str]:
    """What a reader of figures wants to know of the machine."""
    try:
        processor = re.search(r"(?m)^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text())
    except OSError:
        processor = None
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": processor.group(1) if processor else platform.processor() or platform.machine(),
        "granted cores": str(granted_cores()),
        "load average before": f"{os.getloadavg()[0]:.2f}",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "onnxruntime": runtime_version(),
    }
