import re
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.e2e.server_process import ServerProcess
from tests.integration.load_process import PLAIN
from tests.sources import ROOT

LOCUST = (sys.executable, "-m", "locust", "-f", "load_tests/locustfile.py")
CLASSES = (
    "OnePhotograph",
    "ManyPhotographs",
    "Base64Photograph",
    "OpenInference",
    "Compare",
    "BadInputMixedIn",
    "OpenLoop",
)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """The shipped models."""
    process = ServerProcess(ROOT / "model_store")
    yield process
    process.end()


def speaks_v2(url: str) -> bool:
    """Whether the server has the Open Inference routes."""
    try:
        with urllib.request.urlopen(f"{url}/v2/models/majority") as response:
            return bool(response.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        return False


def test_every_user_finds_its_answers_right(server: ServerProcess) -> None:
    """All closed users and the open loop, against the shipped models: status, form and labels are as they should be."""
    users = ("--headless", "--only-summary", "-u", str(len(CLASSES)), "-r", "20", "-t", "4", "--open-rate", "5")
    done = subprocess.run(
        [*LOCUST, "--host", server.url, *users, *CLASSES],
        capture_output=True,
        text=True,
        env=PLAIN,
        cwd=ROOT,
        timeout=60,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    found = set(re.findall(r"(?m)^POST +(/.+?) {2,}\d+ ", done.stdout + done.stderr))
    names = {f"/predict {name}" for name in (*CLASSES[:3], "BadInputMixedIn")} | {"/predict", "/compare"}
    names |= {"/v2/models/majority/infer"} if speaks_v2(server.url) else set()
    assert names == found - {"/predict damaged"}, done.stdout + done.stderr


def test_the_page_offers_every_class_and_the_rate() -> None:
    """Locust's own page, with its class picker and our fields."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*LOCUST, "--class-picker", "--web-host", "127.0.0.1", "--web-port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=PLAIN, cwd=ROOT) as process:
        try:
            page = first_answer(f"http://127.0.0.1:{port}/", process)
        finally:
            process.kill()
    assert [] == [name for name in (*CLASSES, "open_rate", "think_s") if name not in page]


def first_answer(url: str, process: subprocess.Popen[str]) -> str:
    """Of a server that is starting; fails when its process ends instead."""
    pause = threading.Event()
    while process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=15) as response:
                return str(response.read().decode())
        except urllib.error.URLError:
            pause.wait(0.05)
    raise AssertionError("Locust ended before its page was there")
