import os
from pathlib import Path

import pytest

from serving.cores import granted_cores


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of sixteen cores with an empty /proc and /sys."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)))
    return tmp_path


def write(root: Path, **files: str) -> None:
    """Files by path, with / written as two underscores."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


def test_without_a_cgroup_the_affinity_decides(root: Path) -> None:
    """No file at all: as many as the scheduler lets us use."""
    assert 16 == granted_cores(root)


@pytest.mark.parametrize(
    ("limit", "cores"),
    [("200000 100000", 2), ("150000 100000", 1), ("20000 100000", 1), ("max 100000", 16), ("9999999 100000", 16)],
)
def test_the_quota_of_v2_counts_in_whole_cores(root: Path, limit: str, cores: int) -> None:
    """Quota over period, rounded down, at least one, at most the affinity."""
    write(root, **{"proc__self__cgroup": "0::/", "sys__fs__cgroup__cpu.max": limit})
    assert cores == granted_cores(root)


def test_a_parent_s_quota_binds_too(root: Path) -> None:
    """The tightest limit between our group and the top holds."""
    write(root, proc__self__cgroup="0::/pods/ours")
    write(
        root,
        **{"sys__fs__cgroup__pods__cpu.max": "300000 100000", "sys__fs__cgroup__pods__ours__cpu.max": "max 100000"},
    )
    assert 3 == granted_cores(root)


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct", "cpuacct,cpu"])
def test_the_quota_of_v1(root: Path, mount: str) -> None:
    """Its two files, under either name of the mount; -1 is no limit."""
    write(root, proc__self__cgroup="4:memory:/x\n3:cpu,cpuacct:/ours")
    folder = f"sys__fs__cgroup__{mount}__ours__"
    write(root, **{folder + "cpu.cfs_quota_us": "400000", folder + "cpu.cfs_period_us": "100000"})
    assert 4 == granted_cores(root)
    write(root, **{folder + "cpu.cfs_quota_us": "-1"})
    assert 16 == granted_cores(root)


def test_a_path_of_the_host_does_not_hide_the_container_s_limit(root: Path) -> None:
    """Inside a container the group's name may be the host's; the limit lies at the top of the mount."""
    write(root, **{"proc__self__cgroup": "0::/kubepods/pod1/abc", "sys__fs__cgroup__cpu.max": "250000 100000"})
    assert 2 == granted_cores(root)


def test_affinity_below_the_quota(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """taskset wins when it is tighter."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    write(root, **{"sys__fs__cgroup__cpu.max": "800000 100000"})
    assert 1 == granted_cores(root)


def test_a_parent_s_quota_of_v1_binds_too(root: Path) -> None:
    """As a pod's limit binds its containers."""
    write(root, proc__self__cgroup="4:cpu,cpuacct:/kubepods/pod1/box\n0::/")
    pod = "sys__fs__cgroup__cpu,cpuacct__kubepods__pod1__"
    write(root, **{pod + "cpu.cfs_quota_us": "300000", pod + "cpu.cfs_period_us": "100000"})
    write(root, **{pod + "box__cpu.cfs_quota_us": "-1", pod + "box__cpu.cfs_period_us": "100000"})
    assert 3 == granted_cores(root)


def test_a_machine_with_both_versions(root: Path) -> None:
    """The controller lies in v1 although v2 is mounted beside it, at a place of its own and without it."""
    write(root, proc__self__cgroup="2:cpuacct:/\n1:cpu:/ours\n0::/")
    write(root, sys__fs__cgroup__unified__cgroup__controllers="")
    write(root, **{"sys__fs__cgroup__cpu__ours__cpu.cfs_quota_us": "600000"})
    write(root, **{"sys__fs__cgroup__cpu__ours__cpu.cfs_period_us": "100000"})
    assert 6 == granted_cores(root)


@pytest.mark.parametrize("odd", ["", "max", "some words that are no numbers", "100000 0"])
def test_odd_files_are_no_limit(root: Path, odd: str) -> None:
    """Half a file, another kernel's words: the affinity decides, and nothing breaks."""
    write(root, **{"proc__self__cgroup": "no colons here\n0::/", "sys__fs__cgroup__cpu.max": odd})
    assert 16 == granted_cores(root)
