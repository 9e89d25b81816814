"""A real TorchServe for tests: the launcher as its users start it, on free ports, without the system's PATH."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.sources import ROOT

PATIENCE_S = 300  # two cores, four interpreters that import torch


@dataclass
class TorchServe:
    """A running launcher; `log` holds what it and TorchServe print."""

    process: "subprocess.Popen[bytes]"
    port: int
    metrics_port: int
    log: Path

    def group(self) -> list[int]:
        """Processes of it that live, by the private folder that names them all."""
        marks = (f"--port\0{self.port}\0".encode(), b"thaw-torchserve-")
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = path.read_bytes()
            except OSError:
                continue
            if command and any(mark in command for mark in marks):
                found.append(int(path.parent.name))
        return found

    def metrics(self) -> str:
        """The page that Prometheus reads."""
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=30)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        finally:
            connection.close()


@contextmanager
def torchserve(archives: list[Path], folder: Path, *options: str) -> Iterator[TorchServe]:
    """From its own word that every golden was answered, to the end of the block."""
    ports, log = [free_port(), free_port()], folder / "torchserve.log"
    command = [sys.executable, "-m", "serving.torchserve", *archives, *options]
    command += ["--port", str(ports[0]), "--metrics-port", str(ports[1])]
    environment = os.environ | {"PATH": "/nonexistent", "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    environment.pop("JAVA_HOME", None)
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment, cwd=folder)
    server = TorchServe(process, *ports, log)
    try:
        end = time.monotonic() + PATIENCE_S
        while "thaw: ready" not in log.read_text("utf-8", "replace"):
            assert process.poll() is None, log.read_text("utf-8", "replace")[-2000:]
            assert time.monotonic() < end, "never ready: " + log.read_text("utf-8", "replace")[-2000:]
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """TorchServe cannot take port 0."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
