"""Faults that only a process of its own can show: open files, disks, memory over a long time."""

import http.client
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.server_process import ServerProcess, environment, wait_until
from tests.fakes import photograph, write_store

FEW_FILES = 160
GROWTH = 1.05


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tiny models."""
    return write_store(tmp_path_factory.mktemp("faults") / "store")


def test_at_the_limit_of_open_files_it_refuses_and_recovers(store: Path) -> None:
    """Told at start; what is above is refused or reset, nobody hangs, and when they have gone all is as before."""
    few = ("sh", "-c", f'ulimit -n {FEW_FILES}; exec "$@"', "sh")
    server = ServerProcess(store, under=few, spare=False)
    assert b"files may be open" in server.log
    crowd = [socket.create_connection(("127.0.0.1", server.port), timeout=15) for _ in range(2 * FEW_FILES)]
    for connection in crowd:
        connection.close()
    wait_until(lambda: answers(server))
    assert 0 == server.end()


def answers(server: ServerProcess) -> bool:
    """Whether a photograph is answered just now."""
    try:
        return server.post("/predict", photograph(1))[0] == 200
    except OSError:
        return False


def test_a_full_disk_under_the_log_is_not_felt(store: Path) -> None:
    """Every write of the log fails; answers come, and the end is clean."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = environment(store, port=port, log_requests=True, drain_seconds=0.1)
    with open("/dev/full", "wb") as full:
        process = subprocess.Popen([sys.executable, "-m", "serving"], env=settings, cwd=store, stderr=full)
    url = f"http://127.0.0.1:{port}/predict"

    def status() -> int:
        asked = urllib.request.Request(url, photograph(1), {"Content-Type": "image/jpeg"})
        try:
            with urllib.request.urlopen(asked, timeout=15) as response:
                return int(response.status)
        except OSError:
            return 0

    wait_until(lambda: status() == 200)
    assert [200] * 20 == [status() for _ in range(20)]
    process.send_signal(signal.SIGTERM)
    assert 0 == process.wait(15)


@pytest.mark.long
def test_memory_is_flat_over_fifty_thousand_requests(store: Path) -> None:
    """After 50,000 requests, bad ones among them, at most 5 % more than after 5,000."""
    server = ServerProcess(store, spare=False, lanes=2)
    bodies = [*(photograph(seed, 640, 480) for seed in range(8)), photograph(9)[:-100], b"no photograph"]
    ask(server.port, bodies, 5_000)
    early = server.pss_mb()
    ask(server.port, bodies, 45_000)
    late = server.pss_mb()
    assert 0 == server.end()
    assert late < GROWTH * early, (early, late)


def ask(port: int, bodies: list[bytes], count: int) -> None:
    """So many requests over four connections."""
    statuses: list[int] = []

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for number in range(count // 4):
            connection.request("POST", "/predict", bodies[number % len(bodies)], {"Content-Type": "image/jpeg"})
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
        connection.close()

    clients = [threading.Thread(target=client) for _ in range(4)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    assert count == len(statuses)
    assert {200, 415, 422} == set(statuses)
