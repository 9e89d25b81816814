"""Servers as processes: ours, and those of a folder of peers that are installed. Started, found ready, stopped."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from serving.bench.client import Target, request_bytes
from serving.bench.machine import tree
from serving.store import Model

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 10.0
# Each peer: its environment in DIR/venvs, its command (P: the scripts, B: the environment's programs), path and kind.
_PEERS: dict[str, tuple[str, str, str, str]] = {
    "fastapi": ("core", "B/python P/fastapi_app.py", "/predict", "raw"),
    "litserve": ("lit", "B/python P/lit_app.py", "/predict", "multipart"),
    "mosec": ("mosec", "B/python P/mosec_app.py --port PORT --address 127.0.0.1 --timeout 30000", "/inference", "raw"),
    "bentoml": (
        "bento",
        "B/bentoml serve bento_app:Classifier --host 127.0.0.1 --working-dir P --port PORT",
        "/predict",
        "multipart",
    ),
    "rayserve": ("ray", "B/python P/ray_app.py", "/predict", "raw"),
    "torchserve": ("ts", "B/python P/ts_run.py", "/predictions/m", "raw"),
    "mlserver": ("mls", "B/python P/mls_runtime.py", "/v2/models/m/infer", "v2"),
    "triton": ("pyt", "B/python P/triton_app.py", "/v2/models/m/infer", "v2-binary"),
    "proto": ("core", "B/python P/proto.py", "/predict", "raw"),
}


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    target: Target
    pid: int
    start_s: float

    @property
    def pids(self) -> list[int]:
        """All its processes."""
        return tree(self.pid)


@dataclass(frozen=True)
class Peer:
    """An installed server of the folder, and the settings that were best for it there."""

    name: str
    command: tuple[str, ...]
    path: str
    kind: str
    settings: Mapping[str, str]


@contextlib.contextmanager
def ours(
    settings: Mapping[str, object],
    photograph: bytes,
    words: tuple[str, ...] = ("-m", "serving"),
    further: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Running]:
    """`python -m serving` with these settings, without THAW_; `further` and the caller's environment as they are."""
    known = {f"THAW_{name.upper()}": str(value) for name, value in settings.items()}
    environment = (
        os.environ | {"THAW_PORT": "0", "THAW_DRAIN_SECONDS": "0", "THAW_LOG_FORMAT": "json"} | known | dict(further)
    )
    with _process((sys.executable, *words), environment) as (process, log):
        server = _ready(process, log, photograph, None)
        if environment.get("THAW_SPARE", "true").lower() in ("true", "1", "yes", "on"):
            _await_spare(server.target.port)  # it loads in what is free, and would be counted as somebody else
        yield server


@contextlib.contextmanager
def peer(chosen: Peer, model: Model, graph: Path, photograph: bytes) -> Iterator[Running]:
    """A peer in front of our graph."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="thaw-peer-") as work:
        (Path(work) / "photo_00.jpg").write_bytes(photograph)  # some warm up with it
        (Path(work) / "model.onnx").symlink_to(graph)  # and some look for the graph beside it
        facts = {"BENCH_MODEL": graph, "BENCH_INPUT": "images", "BENCH_OUTPUT": "probabilities", "BENCH_ASSETS": work}
        facts |= {"BENCH_SIZE": model.manifest.input.size, "BENCH_LABELS": ",".join(model.manifest.labels)}
        facts |= {"PORT": port, "WORK": work, "OMP_NUM_THREADS": 1, "BENTOML_DO_NOT_TRACK": "True"}
        words = tuple(str(port) if word == "PORT" else word for word in chosen.command)
        environment = {**os.environ, **{name: str(value) for name, value in facts.items()}, **chosen.settings}
        environment.pop("PYTHONPATH", None)
        with _process(words, environment) as (process, log):
            yield _ready(process, log, photograph, Target(port, chosen.path, chosen.kind))


def installed(folder: Path) -> list[Peer]:
    """The peers of the folder whose environment is there: in its `venvs`, or where BENCH_VENVS says."""
    environments = Path(os.environ.get("BENCH_VENVS", folder / "venvs"))
    found = []
    for name, (environment, command, path, kind) in _PEERS.items():
        programs = environments / environment / "bin"
        if (programs / "python").exists():
            words = command.replace("P/", f"{folder}/peers/").replace("B/", f"{programs}/").split()
            words = [str(folder / "peers") if word == "P" else word for word in words]
            found.append(Peer(name, tuple(words), path, kind, _best_settings(folder, name)))
    return found


def _best_settings(folder: Path, name: str) -> dict[str, str]:
    """Of the configurations that the folder's own grid has tried without an error; none where it has no results."""
    try:
        rows = json.loads((folder / "results" / "grid.json").read_text())[name]
    except (OSError, ValueError, KeyError):
        return {}
    whole = [row for row in rows if set(row["codes"]) == {"200"}]
    # per core that was really free: the folder's own rule
    best = max(whole, key=lambda row: row["ok_per_s"] / (2 - min(1.2, max(0, row["foreign_cores"]))), default=None)
    return {key: str(value) for key, value in best["conf"].items()} if best else {}


@contextlib.contextmanager
def _process(words: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """In a session of its own, which is ended whole."""
    with tempfile.NamedTemporaryFile(prefix="thaw-bench-", suffix=".log") as log:
        process = subprocess.Popen(words, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            yield process, Path(log.name)
        finally:
            everybody = tree(process.pid)
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_TIMEOUT_S)
            for pid in everybody:  # some leave their children behind
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()


def _ready(process: subprocess.Popen[bytes], log: Path, photograph: bytes, target: Target | None) -> Running:
    """When it has answered a photograph. target: None for ours, which says where it listens."""
    started = time.perf_counter()
    while time.perf_counter() - started < START_TIMEOUT_S and process.poll() is None:
        found = re.search(rb"http://127\.0\.0\.1:(\d+)", log.read_bytes()) if target is None else None
        at = Target(int(found.group(1))) if found else target
        if at is not None and _answers(at, photograph):
            return Running(at, process.pid, time.perf_counter() - started)
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} did not answer: {log.read_text(errors='replace')[-800:]}")


def _await_spare(port: int) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=15) as response:
            metrics = response.read()
        if b"\nthaw_processes 1.0" not in metrics or b"\nthaw_spares 1.0" in metrics:
            return
        time.sleep(0.1)
    raise RuntimeError("the spare was not ready; set THAW_SPARE=false to measure without one")


def _answers(target: Target, photograph: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", target.port), timeout=15) as connection:
            connection.sendall(request_bytes(target, photograph))
            return connection.recv(12) in (b"HTTP/1.1 200", b"HTTP/1.0 200")
    except OSError:
        return False
