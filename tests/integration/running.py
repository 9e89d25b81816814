"""A whole server in this process: real sockets on port 0, its loop in a thread; and a client that says what it got."""

import asyncio
import http.client
import io
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import uvloop

from serving.listener import bind
from serving.server import Server
from serving.settings import Settings
from serving.store import Models

PATIENCE_S = 10.0


@dataclass
class Reply:
    """What came back. Header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the answer is
        """The body, parsed."""
        return json.loads(self.body)


class Running:
    """A server that answers until `stop`."""

    def __init__(self, models: Models, /, **settings: object) -> None:
        values: dict[str, Any] = {
            "port": 0,
            "lanes": 1,
            "drain_seconds": 0.0,
            "deadline_ms": 10_000,
            "poll_seconds": 0.0,
        }
        values |= settings
        self.settings = Settings(**values)
        self.server = Server(self.settings, models)
        listener = bind(self.settings.host, self.settings.port)
        self.port: int = listener.getsockname()[1]
        self._started, self._stop, self._hurry = threading.Event(), asyncio.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._live(listener)))
        self._thread.start()
        self._started.wait(PATIENCE_S)
        wait_until(lambda: self.get("/readyz").status == 200)

    async def _live(self, listener: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        await self.server.prepare()
        await self.server.listen(listener)
        self._started.set()
        await self._stop.wait()
        await self.server.drain(self._hurry)
        await self.server.close()

    def begin_stop(self) -> None:
        """As the first signal does."""
        with suppress(RuntimeError):  # it has ended already, and its loop with it
            self._loop.call_soon_threadsafe(self._stop.set)

    def stop(self) -> None:
        """Drain, and wait for the end."""
        self.begin_stop()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the server did not end"

    def send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Reply:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body or None, headers or {})
            response = connection.getresponse()
            given = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, given, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Reply:
        """GET."""
        return self.send("GET", path)

    def post(self, path: str, body: bytes = b"", content_type: str = "image/jpeg", **headers: str) -> Reply:
        """POST; underscores in header names become hyphens."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", path, body, {"Content-Type": content_type, "Content-Length": str(len(body)), **given})

    def later(self, path: str, body: bytes) -> "Later":
        """POST in a thread; the answer is asked for later."""
        return Later(lambda: self.post(path, body))

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def raw(self, data: bytes) -> bytes:
        """Send bytes, and read until the server ends the connection."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_all(connection)

    def metric(self, name: str, **labels: str) -> float:
        """The value of one series, as a scrape shows it."""
        wanted = "".join(f'(?=.*{label}="{re.escape(value)}")' for label, value in labels.items())
        found = re.search(rf"(?m)^{name}(?:\{{{wanted}[^}}]*\}})? (\S+)$", self.get("/metrics").body.decode())
        assert found, f"no series {name} {labels}"
        return float(found.group(1))


class Later:
    """A call in a thread of its own."""

    def __init__(self, call: Callable[[], Reply]) -> None:
        self._reply: Reply | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(call,))
        self._thread.start()

    def _run(self, call: Callable[[], Reply]) -> None:
        try:
            self._reply = call()
        except Exception as error:  # noqa: BLE001 - handed to the asking thread
            self._error = error

    def reply(self) -> Reply:
        """Wait for the answer. Raises what the call raised."""
        self._thread.join(PATIENCE_S)
        if self._error is not None:
            raise self._error
        assert self._reply is not None, "no answer came"
        return self._reply


@contextmanager
def running(models: Models, /, **settings: object) -> Iterator[Running]:
    """A server for the block."""
    server = Running(models, **settings)
    try:
        yield server
    finally:
        server.stop()


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side ends."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def read_reply(connection: socket.socket) -> Reply:
    """One answer from a connection that stays open."""
    with http.client.HTTPResponse(connection) as response:
        response.begin()
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def replies(data: bytes) -> list[Reply]:
    """Several answers in a row, as `raw` returns them."""
    stream, found = io.BytesIO(data), []
    while stream.tell() < len(data):
        with http.client.HTTPResponse(_Readable(stream)) as response:  # type: ignore[arg-type] # all it needs is makefile
            response.begin()
            found.append(Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()))
    return found


class _Readable:
    """What HTTPResponse wants of a socket; closing one answer leaves the stream open for the next."""

    def __init__(self, stream: io.BytesIO) -> None:
        self._stream = stream

    def makefile(self, mode: str) -> "_Readable":
        return self

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def close(self) -> None:
        pass


def request(body: bytes = b"", method: str = "POST", path: str = "/predict", **headers: str) -> bytes:
    """A request's bytes with the length of its body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: any.example", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll until true. Fails loudly after PATIENCE_S."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "the condition never came true"
        threading.Event().wait(0.005)
