"""How many cores we were granted: affinity and cgroup quota. ONNX Runtime and `os.cpu_count` see neither."""

import os
from pathlib import Path, PurePosixPath


def granted_cores(root: Path = Path("/")) -> int:
    """Cores that this process may use, at least 1. A quota of 1.5 cores gives 1: a second lane would be throttled.

    root: where `proc/self/cgroup` and `sys/fs/cgroup` are looked for (tests point it at fixtures).
    """
    affinity = len(os.sched_getaffinity(0))
    quotas = [*_quotas_v2(root), *_quotas_v1(root)]
    return max(1, min([affinity, *(int(quota) for quota in quotas)]))


def _quotas_v2(root: Path) -> list[float]:
    """Every limit between our group and the top: a parent's limit binds us as well."""
    quotas = []
    for folder in _with_parents(root / "sys/fs/cgroup", _own_group(root, "")):
        quota, period = (*_words(folder / "cpu.max"), "", "")[:2]
        quotas += _cores(quota, period)
    return quotas


def _quotas_v1(root: Path) -> list[float]:
    quotas = []
    for mount in ("cpu", "cpu,cpuacct", "cpuacct,cpu"):
        for folder in _with_parents(root / "sys/fs/cgroup" / mount, _own_group(root, "cpu")):
            quota, period = (*_words(folder / "cpu.cfs_quota_us"), ""), (*_words(folder / "cpu.cfs_period_us"), "")
            quotas += _cores(quota[0], period[0])
    return quotas


def _cores(quota: str, period: str) -> list[float]:
    """Empty for what is no limit: `max`, -1, or a file that is not there."""
    return [int(quota) / int(period)] if quota.isdecimal() and period.isdecimal() and int(period) else []


def _own_group(root: Path, controller: str) -> str:
    """Our path below the mount. Inside a container it often names the host's view, which does not exist here."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return "/"
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controller in controllers.split(","):
            return path
    return "/"


def _with_parents(mount: Path, group: str) -> list[Path]:
    inside = PurePosixPath(group.strip("/"))
    return [mount / inside, *(mount / parent for parent in inside.parents)] if inside.parts else [mount]


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
