"""A closed loop over HTTP: each connection sends its next photograph when the answer to the last is in.

`python -m serving.bench.client` runs it in a process of its own, so that its processor time can be told apart.
"""

import argparse
import asyncio
import base64
import json
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httptools
import uvloop

BOUNDARY = "thaw-bench"


@dataclass(frozen=True)
class Target:
    """Where photographs go. kind: raw, multipart, v2 (JSON) or v2-binary, as the server takes them."""

    port: int
    path: str = "/predict"
    kind: str = "raw"


@dataclass
class Measured:
    """Of one stretch. Latencies in seconds, of answers with status 200; `client_cores`: what this client used."""

    answers_per_s: float = 0.0
    p50_s: float = 0.0
    p90_s: float = 0.0
    p99_s: float = 0.0
    client_cores: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)


def measure(target: Target, folder: Path, connections: int, warm_s: float, seconds: float) -> Measured:
    """In a process of its own. folder: its files are the photographs. Raises RuntimeError when that one fails."""
    options = {"port": target.port, "path": target.path, "kind": target.kind, "folder": folder}
    options |= {"connections": connections, "warm": warm_s, "seconds": seconds}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    ended = subprocess.run([sys.executable, "-m", "serving.bench.client", *words], capture_output=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"the client failed: {ended.stderr.decode()[-500:]}")
    return Measured(**json.loads(ended.stdout))


def request_bytes(target: Target, photograph: bytes) -> bytes:
    """A whole request."""
    kind, body = _body(target.kind, photograph)
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _body(kind: str, photograph: bytes) -> tuple[str, bytes]:
    if kind == "multipart":
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="p.jpg"\r\n'
        whole = head.encode() + b"Content-Type: image/jpeg\r\n\r\n" + photograph + f"\r\n--{BOUNDARY}--\r\n".encode()
        return f"multipart/form-data; boundary={BOUNDARY}", whole
    if kind == "v2":
        tensor = {"name": "image", "shape": [1], "datatype": "BYTES", "parameters": {"content_type": "base64"}}
        return "application/json", json.dumps(
            {"inputs": [tensor | {"data": [base64.b64encode(photograph).decode()]}]}
        ).encode()
    if kind == "v2-binary":
        element = len(photograph).to_bytes(4, "little") + photograph
        tensor = {"name": "image", "shape": [1, 1], "datatype": "BYTES"}
        head_json = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": len(element)}}]}).encode()
        return f"application/octet-stream\r\nInference-Header-Content-Length: {len(head_json)}", head_json + element
    return "image/jpeg", photograph


class _Connection(asyncio.Protocol):
    """One request after the other; httptools calls `on_message_complete`."""

    def __init__(self, loop: "_Loop") -> None:
        self._loop = loop
        self._sent_at = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment] # uvloop's are not instances of it
        self._send()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.abort()

    def on_message_complete(self) -> None:
        self._loop.note(str(self._parser.get_status_code()), time.perf_counter() - self._sent_at)
        if self._parser.should_keep_alive():
            self._send()
        else:
            self._sent_at = 0.0
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._sent_at:
            self._loop.note("lost", 0.0)
        self._loop.again()

    def _send(self) -> None:
        if self._loop.is_over:
            self._sent_at = 0.0
            self.transport.close()
            return
        self._parser = httptools.HttpResponseParser(self)
        self._sent_at = time.perf_counter()
        self.transport.write(random.choice(self._loop.requests))


class _Loop:
    """All connections and what they saw."""

    def __init__(self, port: int, requests: list[bytes]) -> None:
        self.requests = requests
        self.is_over = False
        self._port = port
        self._is_counting = False
        self._latencies: list[float] = []
        self._outcomes: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, connections: int, warm_s: float, seconds: float) -> Measured:
        for _ in range(connections):
            self.again()
        await asyncio.sleep(warm_s)
        self._is_counting, started, used = True, time.perf_counter(), _own_cpu_s()
        await asyncio.sleep(seconds)
        self._is_counting, elapsed = False, time.perf_counter() - started
        cores = (_own_cpu_s() - used) / elapsed
        self.is_over = True
        rows = sorted(self._latencies) or [0.0]
        p50, p90, p99 = (rows[min(len(rows) - 1, int(share * len(rows)))] for share in (0.5, 0.9, 0.99))
        return Measured(len(self._latencies) / elapsed, p50, p90, p99, cores, dict(self._outcomes))

    def note(self, outcome: str, seconds: float) -> None:
        if self._is_counting:
            self._outcomes[outcome] += 1
            if outcome == "200":
                self._latencies.append(seconds)

    def again(self) -> None:
        """Another connection for one that has ended, until all is over."""
        if not self.is_over:
            task = asyncio.get_running_loop().create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
        except OSError:
            self.note("refused", 0.0)
            await asyncio.sleep(0.05)
            self.again()


def _own_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _main() -> None:
    parser = argparse.ArgumentParser()
    for name, kind in (("port", int), ("connections", int), ("warm", float), ("seconds", float), ("folder", Path)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--kind", required=True)
    chosen = parser.parse_args()
    random.seed(1)
    target = Target(chosen.port, chosen.path, chosen.kind)
    requests = [request_bytes(target, path.read_bytes()) for path in sorted(chosen.folder.iterdir())]
    loop = _Loop(chosen.port, requests)
    print(json.dumps(asdict(uvloop.run(loop.run(chosen.connections, chosen.warm, chosen.seconds)))))


if __name__ == "__main__":
    _main()
