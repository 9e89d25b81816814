"""Versions on real processes: several of them, the one that stands by, and the log."""

import json
import os
import shutil
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.aliases import Alias, write_aliases
from tests.e2e.server_process import PATIENCE_S, ServerProcess, wait_until
from tests.fakes import photograph, write_model, write_store

KEY = "a-key-that-nobody-should-see"
BODY = photograph(1)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """partial in versions 1 and 2 among others; `stable` is partial/1."""
    write_model(tmp_path / "store", "partial", "2")
    return write_store(tmp_path / "store")


@pytest.fixture
def servers() -> Iterator[list[ServerProcess]]:
    """What is put in here ends with the test."""
    started: list[ServerProcess] = []
    yield started
    for server in started:
        server.process.terminate()
        server.process.communicate(timeout=PATIENCE_S)


def version(server: ServerProcess) -> str:
    """Of one answer on a connection of its own, by whichever process takes it."""
    status, body = server.post("/predict", BODY)
    assert 200 == status
    return str(json.loads(body)["version"])


def activate(server: ServerProcess, number: str) -> None:
    """With the right key."""
    url = f"{server.url}/admin/models/partial/versions/{number}:activate"
    asked = urllib.request.Request(url, b"", {"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(asked, timeout=PATIENCE_S) as response:
        assert number == json.loads(response.read())["version"]


def test_activation_reaches_every_process_and_the_log_but_not_the_key(
    store: Path, servers: list[ServerProcess]
) -> None:
    """One of two processes is asked, both follow; the merged metrics say which version stable is."""
    server = ServerProcess(store, processes=2, lanes=1, poll_seconds=0.05, admin_key=KEY)
    servers.append(server)
    wait_until(lambda: len(server.children()) == 2 and server.get("/readyz")[0] == 200)
    assert "1" == version(server)
    activate(server, "2")
    wait_until(lambda: {version(server) for _ in range(10)} == {"2"})
    wait_until(lambda: b'alias="stable",model="partial",version="2"} 1.0' in server.get("/metrics")[1])
    assert b'alias="stable",model="partial",version="1"} 1.0' not in server.get("/metrics")[1]
    assert 0 == server.end()
    lines = [json.loads(line) for line in server.log.splitlines()]
    (audit,) = [line for line in lines if line["logger"] == "thaw.audit"]
    assert ("activate", "partial", "2", "1") == tuple(audit[k] for k in ("action", "model", "version", "previous"))
    assert KEY.encode() not in server.log


def test_the_process_that_stands_by_follows_too(store: Path, servers: list[ServerProcess]) -> None:
    """When it takes over, it answers with the version that is active now, not with that of its own start."""
    server = ServerProcess(store, poll_seconds=0.05, admin_key=KEY)
    servers.append(server)
    wait_until(lambda: b"thaw_spares 1.0" in server.get("/metrics")[1])
    activate(server, "2")
    serving = server.children()[0]
    read_log(server, b"aliases changed", times=2)
    os.kill(serving, signal.SIGKILL)
    wait_until(lambda: serving not in server.children())
    assert "2" == version(server)


def test_what_was_loaded_at_the_start_leaves_memory_too(store: Path, servers: list[ServerProcess]) -> None:
    """Its series ends only when nothing in the process refers to it any more."""
    server = ServerProcess(store, spare=False, poll_seconds=0.05, versions_per_model=1)
    servers.append(server)
    assert 1 == loaded(server, "1")
    write_aliases(store, {"stable": Alias(model="partial", version="2")})
    shutil.rmtree(store / "partial" / "1")
    wait_until(lambda: version(server) == "2")
    wait_until(lambda: loaded(server, "1") == 0)
    assert 1 == loaded(server, "2")


def loaded(server: ServerProcess, number: str) -> int:
    """Series that say that this version of partial is loaded."""
    lines = server.get("/metrics")[1].decode().splitlines()
    found = [line for line in lines if line.startswith("thaw_model_info{") and 'model="partial"' in line]
    return sum(f'version="{number}"' in line for line in found)


def read_log(server: ServerProcess, words: bytes, times: int) -> None:
    """On until it has said something so often."""
    assert server.process.stderr is not None
    while server.log.count(words) < times:
        server.log += server.process.stderr.readline()
