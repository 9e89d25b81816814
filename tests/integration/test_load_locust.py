import socket
import subprocess
import sys
from contextlib import suppress
from urllib.request import urlopen

from tests.integration.load_process import PLAIN
from tests.integration.running import wait_until
from tests.sources import ROOT

CLASSES = (
    "OnePhotograph",
    "ManyPhotographs",
    "Base64Photograph",
    "OpenInference",
    "Compare",
    "BadInputMixedIn",
    "OpenLoop",
)


def listens(port: int) -> bool:
    """Is anybody there?"""
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=10):
        return True
    return False


def test_locusts_own_page_shows_closed_and_open_users() -> None:
    """`locust -f load_tests/locustfile.py --class-picker` starts; its form has every class and the open loop's rate."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    web = ("--class-picker", "--web-host", "127.0.0.1", "--web-port", port)
    command = [sys.executable, "-m", "locust", "-f", "load_tests/locustfile.py", *web, "--host", "http://127.0.0.1:9"]
    with subprocess.Popen(command, env=PLAIN, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: process.poll() is not None or listens(int(port)))
            with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
                page = response.read().decode()
        finally:
            process.kill()
    assert [] == [name for name in (*CLASSES, "open_rate") if name not in page]
