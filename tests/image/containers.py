"""Containers as a test wants them: started, asked, stopped, measured. The program is the one machine.sh names."""

import http.client
import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

CONTAINER = os.environ.get("CONTAINER", "podman")
# As a hardened cluster runs it: nothing may be written but /tmp, nothing may be gained, everything is limited.
HARDENED = (
    *("--read-only", "--tmpfs", "/tmp:size=16m", "--cap-drop", "all", "--security-opt", "no-new-privileges"),
    *("--memory", "512m", "--cpus", "1", "--pids-limit", "128"),
)
PATIENCE_S = 60.0
Value = TypeVar("Value")


def container(*words: str, check: bool = True) -> str:
    """Standard output of one command of the container program."""
    done = subprocess.run([CONTAINER, *words], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"{CONTAINER} {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def wait_for(condition: Callable[[], Value], what: str, patience_s: float = PATIENCE_S) -> Value:
    """The first true value of the condition. Raises AssertionError with `what` when it never is."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {patience_s:g} s: {what}")


def ask(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    """Status and body; (0, reason) when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request(method, path, body or None, {"Content-Type": "image/jpeg", "Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read()
    except OSError as error:
        return 0, str(error).encode()
    finally:
        connection.close()


class Server:
    """A container of the server's image, removed at the end of the `with`. `port` is where it answers on loopback."""

    def __init__(self, image: str, *flags: str, settings: dict[str, object] | None = None) -> None:
        self.name = f"thaw-test-{uuid.uuid4().hex[:8]}"
        variables = [f"--env=THAW_{name.upper()}={value}" for name, value in (settings or {}).items()]
        self._command = ["run", "--detach", "--name", self.name, "--publish", "127.0.0.1::8080", *flags, *variables]
        self._image = image

    def __enter__(self) -> "Server":
        container(*self._command, self._image)
        address = container("port", self.name, "8080/tcp").splitlines()[0]
        self.port = int(address.rpartition(":")[2])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is not None:
            print(f"log of {self.name}:\n{self.log()}")
        container("rm", "--force", "--time", "0", self.name, check=False)

    def is_ready(self) -> bool:
        """/readyz answers 200."""
        return ask(self.port, "GET", "/readyz")[0] == 200

    def wait_ready(self) -> "Server":
        """Until /readyz answers 200."""
        wait_for(self.is_ready, f"{self.name} is ready")
        return self

    def inside(self, *words: str) -> str:
        """Output of a command in the container."""
        return container("exec", self.name, *words)

    def state(self) -> dict[str, Any]:
        """What the engine knows about it."""
        return dict(json.loads(container("inspect", self.name))[0]["State"])

    def stop(self, patience_s: int) -> int:
        """SIGTERM, then SIGKILL after `patience_s`; the exit code: 137 means that it had to be killed."""
        container("stop", "--time", str(patience_s), self.name)
        return int(self.state()["ExitCode"])

    def log(self) -> str:
        """Both streams."""
        done = subprocess.run([CONTAINER, "logs", self.name], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr
