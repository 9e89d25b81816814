"""`python -m serving shadow` as a process: it answers, compares, and takes everything along when it ends."""

import urllib.request
from pathlib import Path

import pytest

from tests.e2e.server_process import ServerProcess, run, wait_until
from tests.fakes import photograph, write_store
from tests.torchserve.process import free_port


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tiny models."""
    return write_store(tmp_path_factory.mktemp("moving") / "store")


def test_the_old_server_answers_and_ours_agrees(store: Path) -> None:
    """The page's metrics count it; after SIGTERM the exit code is 0, and our server beside it is gone."""
    old = ServerProcess(store)
    page = free_port()
    words = ("shadow", "--upstream", old.url, "--page-port", str(page))
    proxy = ServerProcess(store, *words, log_format="plain")
    try:
        wait_until(lambda: read_line(proxy))
        port = int(proxy.log.partition(b"passing http://127.0.0.1:")[2].partition(b" ")[0])
        (ours,) = proxy.children()
        asked = urllib.request.Request(
            f"http://127.0.0.1:{port}/predictions/frozen", photograph(1), {"Content-Type": "image/jpeg"}
        )
        with urllib.request.urlopen(asked, timeout=15) as response:
            assert (200, old.post("/predictions/frozen", photograph(1))) == (response.status, (200, response.read()))
        wait_until(lambda: b'compared_total{outcome="same"} 1.0' in scrape(page))
        assert 0 == proxy.end()
        assert not Path(f"/proc/{ours}").exists()
    finally:
        for server in (proxy, old):
            server.process.kill()
            server.process.communicate()


def test_a_wrong_address_is_said(store: Path) -> None:
    """Exit code 4, as for every start that cannot be, and nothing was started."""
    ended = run("shadow", "--upstream", "torchserve:8080", store=store)
    assert 4 == ended.returncode
    assert b"expected http://HOST:PORT" in ended.stderr


def read_line(server: ServerProcess) -> bool:
    """One line more of its log, until it says what it passes on."""
    assert server.process.stderr is not None
    if b"passing " not in server.log:
        server.log += server.process.stderr.readline()
    return b"passing " in server.log


def scrape(port: int) -> bytes:
    """The metrics of the page's port."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=15) as response:
        return bytes(response.read())
