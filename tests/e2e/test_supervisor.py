"""The process above those that serve: what it survives, and what it lets nobody feel."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.server_process import PATIENCE_S, ServerProcess, environment, wait_until
from tests.fakes import photograph, write_store
from tests.sources import ROOT

Serve = Callable[..., ServerProcess]
CLIENTS = 6
BODY = photograph(1)
REQUEST = b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tiny models."""
    return write_store(tmp_path_factory.mktemp("supervised") / "store")


@pytest.fixture
def serve(store: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers that end with the test, whatever becomes of it."""
    servers: list[ServerProcess] = []

    def start(*words: str, **settings: object) -> ServerProcess:
        servers.append(ServerProcess(store, *words, **settings))
        return servers[-1]

    yield start
    for server in servers:
        server.process.terminate()
        server.process.communicate(timeout=PATIENCE_S)


class Clients:
    """They connect, ask and read, over and over, and note what became of it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self.outcomes: list[str] = []
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_S) as connection:
                    connection.sendall(REQUEST)
                    answer = b"".join(iter(lambda: connection.recv(65536), b""))
                    self.outcomes.append(answer[9:12].decode() or "lost")
            except ConnectionRefusedError:
                self.outcomes.append("refused")
            except OSError:
                self.outcomes.append("lost")

    def answered(self, count: int) -> None:
        """Wait for so many more answers."""
        target = self.outcomes.count("200") + count
        wait_until(lambda: self.outcomes.count("200") >= target)

    def stop(self) -> Counter[str]:
        """How often each outcome was seen."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        return Counter(self.outcomes)


def metric(server: ServerProcess, name: str) -> float:
    """The first series of this name."""
    found = re.search(rf"(?m)^{name}(?:{{[^}}]*}})? (\S+)$", server.get("/metrics")[1].decode())
    assert found, name
    return float(found.group(1))


def has_spare(server: ServerProcess) -> bool:
    """A spare has loaded the models and waits."""
    return metric(server, "thaw_spares") == 1


def test_a_killed_process_refuses_nobody(serve: Serve) -> None:
    """SIGKILL under load: connections are never refused, only requests in flight are lost, and the spare goes on."""
    server = serve(lanes=1)
    wait_until(lambda: has_spare(server))
    clients = Clients(server.port)
    clients.answered(20)
    first = server.children()[0]
    os.kill(first, signal.SIGKILL)
    clients.answered(20)
    outcomes = clients.stop()
    assert {"200"} | {"lost"} >= set(outcomes)
    assert CLIENTS >= outcomes["lost"]
    assert first not in server.children()
    assert 1 == metric(server, "thaw_process_restarts")
    assert 0 == server.end()
    assert b"ended by signal 9" in server.log


def test_without_a_spare_it_takes_longer_and_refuses_nobody(serve: Serve) -> None:
    """Connections wait in the kernel while another process loads the models."""
    server = serve(spare=False)
    clients = Clients(server.port)
    clients.answered(5)
    os.kill(server.children()[0], signal.SIGKILL)
    clients.answered(5)
    outcomes = clients.stop()
    assert 0 == outcomes["refused"]
    assert 1 == len(server.children())
    assert 0 == server.end()


def test_two_processes_are_one_server(serve: Serve) -> None:
    """Merged counters that a death does not take back; ready only when both are."""
    server = serve(processes=2, lanes=1)
    wait_until(lambda: len(server.children()) == 2 and server.get("/readyz")[0] == 200)
    for _ in range(10):
        assert 200 == server.post("/predict", BODY)[0]
    series = r'(?m)^thaw_requests_total{.*outcome="ok".*route="predict".*} (\S+)$'

    def answered() -> float:
        return sum(map(float, re.findall(series, server.get("/metrics")[1].decode())))

    assert 10 == answered()
    wait_until(lambda: (2, 2) == (metric(server, "thaw_lanes"), metric(server, "thaw_processes")))
    killed = server.children()[1]
    os.kill(killed, signal.SIGSTOP)  # it cannot report, but does not miss its turn yet
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: metric(server, "thaw_process_restarts") == 1)
    wait_until(lambda: killed not in server.children() and server.get("/readyz")[0] == 200)
    assert 10 <= answered()
    assert 0 == server.end()


def test_the_number_of_processes_may_be_an_option(serve: Serve) -> None:
    """`--processes 2` is THAW_PROCESSES=2."""
    server = serve("--processes", "2")
    wait_until(lambda: len(server.children()) == 2)
    assert 0 == server.end()


def test_one_process_may_be_told_to_leave(serve: Serve) -> None:
    """SIGTERM to a serving process, not to the supervisor: it drains alone, loses nothing, and is replaced."""
    server = serve()
    wait_until(lambda: has_spare(server))
    clients = Clients(server.port)
    clients.answered(20)
    leaving = server.children()[0]
    os.kill(leaving, signal.SIGTERM)
    wait_until(lambda: leaving not in server.children())
    clients.answered(20)
    assert {"200"} == set(clients.stop())
    assert 0 == server.end()


def test_a_process_without_a_sign_of_life_is_ended(serve: Serve) -> None:
    """Stopped or stuck for longer than lane_stuck_s: the supervisor ends it and the spare serves."""
    server = serve(lane_stuck_s=0.2)
    wait_until(lambda: has_spare(server))
    os.kill(server.children()[0], signal.SIGSTOP)
    assert 200 == server.post("/predict", BODY)[0]
    assert 0 == server.end()
    assert b"no sign of life" in server.log


def test_nobody_is_left_when_the_supervisor_is_killed(serve: Serve) -> None:
    """The serving process and the spare see its end, and leave: the port is free again."""
    server = serve()
    wait_until(lambda: has_spare(server))
    children = server.children()
    server.process.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)
    server.process.communicate(timeout=PATIENCE_S)


def test_the_supervisor_is_small(serve: Serve) -> None:
    """Neither arrays nor settings nor the runtime: what it does not load cannot break it."""
    server = serve()
    maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert [] == [name for name in ("numpy", "pydantic", "onnxruntime", "uvloop", "PIL") if name in maps]
    assert 0 == server.end()


def test_what_dies_at_once_is_given_up(store: Path) -> None:
    """A server whose processes die again and again ends with a code of its own, instead of spinning."""
    script = (
        "import os, sys\nfrom serving import supervisor\n"
        "supervisor.FIRST_PAUSE_S = supervisor.SPARE_PAUSE_S = 0.001\n"
        "supervisor.LONGEST_PAUSE_S = 0.01\n"
        "def life(post):\n"
        "    post.say_ready()\n"
        "    os.abort()\n"
        "sys.exit(supervisor.Supervisor(life).run())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment(store), cwd=ROOT, capture_output=True, timeout=PATIENCE_S
    )
    assert 5 == ended.returncode, ended.stderr
