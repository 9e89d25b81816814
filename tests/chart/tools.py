"""The programs that look at chart and image. Where one is absent, a test says which and how to get it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.sources import ROOT

FOLDER = ROOT / ".venv-tools/bin"
DEBIAN = {"promtool": "prometheus"}  # program -> Debian's package


def tool(name: str) -> Path:
    """Path of a program. Skips the test, with the way to get it, where it is absent."""
    if name in DEBIAN:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is absent: apt-get install {DEBIAN[name]}")
        return Path(found)
    if not (FOLDER / name).exists():
        pytest.skip(f"{name} is absent: make tools")
    return FOLDER / name


def run(name: str, *words: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """One call of a program; both streams as text, whatever the exit code."""
    return subprocess.run([tool(name), *words], capture_output=True, text=True, input=stdin, check=False)
