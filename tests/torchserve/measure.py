"""What TorchServe's users see: `kill` a worker under load; `throughput` of its three runtimes beside our server.

make serve-torchserve MODELS=model_store/drawn PORT=8090      # for kill, in another terminal
.venv-torchserve/bin/python -m tests.torchserve.measure kill 8090 runs/torchserve/frozen.mar
make serve MODELS=model_store/drawn                           # the same of ours: the first child of the supervisor
.venv/bin/python -m tests.torchserve.measure kill 8080 runs/torchserve/frozen.mar --pid PID
.venv/bin/python -m tests.torchserve.measure throughput       # .venv-torchserve is needed too; four servers
"""

import argparse
import asyncio
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from serving.torchserve.ready import Question, probe, questions
from tests.sources import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PHOTOGRAPH = ROOT / "serving" / "page" / "samples" / "bus.jpg"
STORE = "model_store/drawn"
RUNTIMES = {"eager": [], "compiled": ["--compile"], "onnx": ["--runtime", "onnx"]}
START_S = 900  # torch.compile included
WATCHED = 150  # times readiness is asked, a tenth of a second apart, for as long as it never says no


@dataclass
class Load:
    """A closed loop of keep-alive connections. `answers`: (begun, ended, status or the error's name)."""

    port: int
    model: str
    connections: int
    answers: list[tuple[float, float, object]] = field(default_factory=list)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, then each connection finishes its request."""
        await asyncio.gather(*(self._one(stop) for _ in range(self.connections)))

    async def _one(self, stop: asyncio.Event) -> None:
        body = PHOTOGRAPH.read_bytes()
        head = f"POST /predictions/{self.model} HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
        request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        connection = None
        while not stop.is_set():
            begun, outcome = time.perf_counter(), None
            try:
                connection = connection or await asyncio.open_connection("127.0.0.1", self.port)
                reader, writer = connection
                writer.write(request)
                headers = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(headers.partition(b"content-length:")[2].partition(b"\r\n")[0]))
                outcome = int(headers[9:12])
                if b"connection: close" in headers:
                    writer.close()
                    connection = None
            except (OSError, asyncio.IncompleteReadError) as error:
                outcome, connection = type(error).__name__, None
            self.answers.append((begun, time.perf_counter(), outcome))
        if connection:
            connection[1].close()


async def kill(port: int, archive: Path, pid: int | None) -> None:
    """SIGKILL the worker of an archive's model under 8 clients; print what they, /ping and readiness say.

    pid: of the process to kill; None: TorchServe is asked.
    """
    asked, model, stop = questions([archive]), archive.stem, asyncio.Event()
    pid, load = pid or worker_pid(port, model), Load(port, model, 8)
    running = asyncio.create_task(load.run(stop))
    await asyncio.sleep(3)
    os.kill(pid, signal.SIGKILL)
    killed = time.perf_counter()
    seen: list[tuple[float, str | None, str]] = []
    while not (seen and seen[-1][1] is None and any(trouble for _, trouble, _ in seen)) and len(seen) < WATCHED:
        trouble, ping = await asyncio.gather(asyncio.to_thread(probe, ("127.0.0.1", port), asked), _ping(port))
        seen.append((time.perf_counter() - killed, trouble, ping))
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)
    stop.set()
    await running
    good = sorted(ended - killed for _, ended, outcome in load.answers if outcome == 200 and ended > killed)
    not_ready = [moment for moment, trouble, _ in seen if trouble]
    report = {
        "clients, before": Counter(str(outcome) for _, ended, outcome in load.answers if ended <= killed),
        "clients, after": Counter(str(outcome) for _, ended, outcome in load.answers if ended > killed),
        "longest time without a good answer, s": max(b - a for a, b in zip([0.0, *good], good, strict=False)),
        "readiness first said no, s": min(not_ready, default=None),
        "ready again, s": seen[-1][0] if not_ready else None,
        "readiness said": Counter((trouble or "ready")[:100] for _, trouble, _ in seen),
        "ping said": Counter(ping for *_, ping in seen),
    }
    print(json.dumps(report, indent=1))


async def _ping(port: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
    status = (await reader.readline())[9:12].decode()
    writer.close()
    return status


def worker_pid(port: int, model: str) -> int:
    """Asked of the management socket, which lies in the server's private folder and is open to its own user."""
    for folder in Path("/tmp").glob("thaw-torchserve-*"):
        if f"inference_address=http://127.0.0.1:{port}\n" in (folder / "config.properties").read_text():
            command = ["curl", "-s", "--unix-socket", folder / "management.sock", f"http://x/models/{model}"]
            described = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            return int(json.loads(described)[0]["workers"][0]["pid"])
    raise SystemExit(f"No TorchServe of ours at port {port}. Start one: make serve-torchserve PORT={port}")


@contextmanager
def server(name: str, command: "list[str | Path]", port: int, asked: list[Question]) -> "Iterator[int]":
    """A server for the block, from its first golden answer on; its log is in runs/measure."""
    with (ROOT / "runs" / "measure" / f"{name}.log").open("w") as log:
        variables = os.environ | {"THAW_PORT": str(port), "THAW_LANES": "2"}
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=variables)
        try:
            end = time.monotonic() + START_S
            while (trouble := probe(("127.0.0.1", port), asked, timeout_s=START_S)) and process.poll() is None:
                if time.monotonic() > end:
                    raise SystemExit(f"{name}: {trouble}; see {log.name}")
                time.sleep(0.2)
            yield port
        finally:
            process.terminate()
            process.wait()


async def _rate(port: int, model: str, seconds: float, connections: int) -> float:
    load, stop = Load(port, model, connections), asyncio.Event()
    running = asyncio.create_task(load.run(stop))
    await asyncio.sleep(seconds)
    stop.set()
    begun = min(begun for begun, *_ in load.answers)
    await running
    wrong = Counter(str(outcome) for *_, outcome in load.answers if outcome != 200)
    if wrong:
        raise SystemExit(f"port {port}: answers other than 200: {dict(wrong)}; a rate of refusals is no rate")
    return len(load.answers) / (max(ended for _, ended, _ in load.answers) - begun)


def throughput(chosen: argparse.Namespace) -> None:
    """Interleaved: each round measures every server once, in turn; ratios are of one round, medians over rounds."""
    rates: dict[str, list[float]] = {}
    with ExitStack() as stack:
        os.environ["THAW_MODELS"] = chosen.store
        ports = {name: stack.enter_context(block) for name, block in _servers(chosen)}
        for _ in range(chosen.rounds):
            for name, port in ports.items():
                rate = asyncio.run(_rate(port, chosen.model, chosen.seconds, chosen.connections))
                rates.setdefault(name, []).append(round(rate, 1))
    ratios = {
        name: round(statistics.median(a / b for a, b in zip(found, rates["ours"], strict=True)), 3)
        for name, found in rates.items()
    }
    report = {"machine": platform.machine(), "cores": os.cpu_count(), "date": time.strftime("%F")}
    report |= {
        "model": f"{chosen.store}/{chosen.model}",
        "connections": chosen.connections,
        "photograph bytes": PHOTOGRAPH.stat().st_size,
    }
    print(json.dumps(report | {"answers per second": rates, "median ratio to ours": ratios}, indent=1))


def _servers(chosen: argparse.Namespace) -> "Iterator[tuple[str, AbstractContextManager[int]]]":
    """Each server of the comparison, ready to be entered, ours last; all with two workers or lanes on one model."""
    torch_python, asked = ROOT / ".venv-torchserve" / "bin" / "python", []
    model, port = chosen.model, chosen.port
    for number, (name, options) in enumerate(RUNTIMES.items()):
        out = ROOT / "runs" / "measure" / name
        make = [torch_python, "-m", "training", "package", model, "--store", chosen.store]
        make += ["--out", out, "--workers", "2"]
        subprocess.run([*make, *options], cwd=ROOT, check=True)
        archive, own_port = out / f"{model}.mar", str(port + 10 * number)
        asked = questions([archive])
        command = [torch_python, "-m", "serving.torchserve", archive, "--port", own_port]
        yield name, server(name, command, int(own_port), asked)
    yield "ours", server("ours", [sys.executable, "-m", "serving"], port + 10 * len(RUNTIMES), asked)


def main() -> None:
    """One verb a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("kill")
    one.add_argument("port", type=int)
    one.add_argument("archive", type=Path)
    one.add_argument("--pid", type=int)
    other = verbs.add_parser("throughput")
    for name, default in (("port", 8100), ("rounds", 5), ("connections", 16)):
        other.add_argument(f"--{name}", type=int, default=default)
    other.add_argument("--seconds", type=float, default=10.0)
    other.add_argument("--model", default="frozen")
    other.add_argument("--store", default=STORE)
    chosen = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(kill(chosen.port, chosen.archive, chosen.pid)) if chosen.verb == "kill" else throughput(chosen)


if __name__ == "__main__":
    main()
