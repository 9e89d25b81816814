"""`python -m serving` as a process of its own, and what it costs."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.sources import ROOT

PATIENCE_S = 15.0
MODEL_STORE = "THAW_MODELS"


def environment(store: Path, **settings: object) -> dict[str, str]:
    """The caller's, without its THAW_ variables, with these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("THAW_")}
    given = {f"THAW_{name.upper()}": str(value) for name, value in settings.items()}
    return {**inherited, "PYTHONPATH": str(ROOT), MODEL_STORE: str(store), "THAW_PORT": "0", **given}


def run(*words: str, store: Path, stdin: bytes = b"", **settings: object) -> subprocess.CompletedProcess[bytes]:
    """A verb that ends by itself."""
    command = [sys.executable, "-m", "serving", *words]
    return subprocess.run(
        command, capture_output=True, input=stdin, env=environment(store, **settings), cwd=store, timeout=15
    )


class ServerProcess:
    """A server that has said where it listens."""

    def __init__(self, store: Path, *words: str, under: tuple[str, ...] = (), **settings: object) -> None:
        """words: arguments. under: a command that starts the rest of its words."""
        settings = {"drain_seconds": 0.3, **settings}
        command = [*under, sys.executable, "-m", "serving", *words]
        self.process = subprocess.Popen(command, env=environment(store, **settings), cwd=store, stderr=subprocess.PIPE)
        assert self.process.stderr is not None
        self.log = b""
        while not (found := re.search(rb"(https?)://127\.0\.0\.1:(\d+)", self.log)):
            line = self.process.stderr.readline()
            assert line, f"the server did not start: {self.log.decode()}"
            self.log += line
        self.port = int(found.group(2))
        self.url = f"{found.group(1).decode()}://127.0.0.1:{self.port}"

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body, whatever the status."""
        return self._ask(urllib.request.Request(self.url + path, body, {"Content-Type": "image/jpeg"}))

    def get(self, path: str, port: int = 0) -> tuple[int, bytes]:
        """Status and body, whatever the status. port: another one, which speaks plain HTTP."""
        return self._ask(urllib.request.Request((f"http://127.0.0.1:{port}" if port else self.url) + path))

    @staticmethod
    def _ask(request: urllib.request.Request) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(request, timeout=15) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Signal, wait, and return the exit code."""
        self.process.send_signal(number)
        _, rest = self.process.communicate(timeout=15)
        self.log += rest
        return self.process.returncode

    def read_log(self, words: bytes) -> None:
        """Until a line has them; fails when the log ends before."""
        assert self.process.stderr is not None
        while words not in (line := self.process.stderr.readline()):
            assert line, f"{words!r} was never logged: {self.log.decode()}"
            self.log += line
        self.log += line

    def children(self) -> list[int]:
        """The processes that the supervisor started: serving ones, and the spare."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def pss_mb(self) -> float:
        """Memory of the supervisor and all it started, in their proportion of what is shared."""
        rollups = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in (self.process.pid, *self.children()))
        found = (re.search(r"(?m)^Pss:\s+(\d+)", rollup) for rollup in rollups)
        return sum(int(match.group(1)) for match in found if match) / 1000

    def cpu_seconds(self) -> float:
        """What the supervisor and all it started have computed so far."""
        stats = (Path(f"/proc/{pid}/stat").read_text() for pid in (self.process.pid, *self.children()))
        ticks = (stat.rpartition(")")[2].split()[11:13] for stat in stats)
        return sum(int(each) for pair in ticks for each in pair) / os.sysconf("SC_CLK_TCK")

    def mapped(self) -> str:
        """Every file that is mapped into any of them."""
        return "".join(Path(f"/proc/{pid}/maps").read_text() for pid in (self.process.pid, *self.children()))


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll until true. Fails loudly after PATIENCE_S."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "the condition never came true"
        threading.Event().wait(0.01)
