"""`python -m load_tests` as a process of its own, since gevent patches the one it is in, and servers to aim it at."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.sources import ROOT

PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("LOAD_")} | {"PYTHONPATH": str(ROOT)}
# A limit no busy machine reaches: it widens the gate on lateness too, so that what is tested is not the machine.
GENEROUS = ("--slo-ms", "5000")


@contextmanager
def null_server(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server of known behaviour: its address, and its process."""
    command = [sys.executable, "-m", "load_tests.nullserver", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=PLAIN, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def load(verb: str, *options: str) -> subprocess.CompletedProcess[str]:
    """A verb that ends by itself."""
    command = [sys.executable, "-m", "load_tests", verb, *options]
    return subprocess.run(command, capture_output=True, text=True, env=PLAIN, cwd=ROOT, timeout=900)


def summary_of(folder: Path) -> dict[str, Any]:
    """summary.json."""
    document: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return document
