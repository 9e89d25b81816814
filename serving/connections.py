"""All connections of a listener: how many, how old, and how they end."""

import asyncio
import socket
import time
from dataclasses import dataclass
from typing import Protocol

from serving.errors import Refusal
from serving.http import Connection
from serving.messages import Request, Response, http_date


@dataclass(frozen=True)
class Limits:
    """Of one connection, but for `max_connections`. Seconds and bytes."""

    max_header_bytes: int = 32_768
    max_body_bytes: int = 10_000_000
    max_buffered_bytes: int = 128_000_000
    max_connections: int = 1024
    header_timeout_s: float = 10.0
    body_timeout_s: float = 30.0
    keep_alive_timeout_s: float = 75.0


class Application(Protocol):
    """What a connection needs from the server behind it."""

    def refuse_early(self, request: Request, *, is_crowded: bool) -> Response | None:
        """Called at the headers, before the body is read; None lets it come."""

    def refusal(self, refusal: Refusal, request: Request) -> Response:
        """A refusal in the form that this route's clients expect."""

    def shed_bytes(self) -> Refusal:
        """Bodies in flight exceed the server's memory for them."""

    async def answer(self, request: Request) -> Response:
        """Never raises but on cancellation."""


def too_many_bytes(limit: int) -> Refusal:
    """The body is longer than we read, at the headers or while it comes."""
    return Refusal(
        "too-many-bytes", f"The body is larger than {limit:,} bytes. Send a smaller photograph, or fewer at once."
    )


class Connections:
    """Makes a `Connection` for each client and sweeps over them all, which is cheaper than a timer for each request."""

    def __init__(self, application: Application, limits: Limits) -> None:
        self.application = application
        self.limits = limits
        self.is_draining = False
        self.buffered_bytes = 0
        self.date = http_date()
        self._open: set[Connection] = set()

    def make(self) -> Connection:
        """The protocol factory for the listener."""
        return Connection(self)

    def opened(self, connection: Connection) -> None:
        """Twice the limit is dropped without a word: the words cost as much as the work."""
        if len(self._open) >= 2 * self.limits.max_connections:
            connection.transport.abort()
            return
        self._open.add(connection)
        socket_ = connection.transport.get_extra_info("socket")
        if socket_ is not None and socket_.family in (socket.AF_INET, socket.AF_INET6):
            socket_.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def closed(self, connection: Connection) -> None:
        """The transport is gone."""
        self._open.discard(connection)

    @property
    def is_crowded(self) -> bool:
        """More connections than the limit: their requests are refused."""
        return len(self._open) > self.limits.max_connections

    def refuse_body(self, body_bytes: int) -> Refusal | None:
        """Called with each piece of a body; bodies whose headers told their length were refused before."""
        if body_bytes > self.limits.max_body_bytes:
            return too_many_bytes(self.limits.max_body_bytes)
        return self.application.shed_bytes() if self.buffered_bytes > self.limits.max_buffered_bytes else None

    @property
    def count(self) -> int:
        """Open connections."""
        return len(self._open)

    async def sweep(self) -> None:
        """For ever: end what took too long, and keep the date."""
        limits = self.limits
        shortest = min(limits.header_timeout_s, limits.body_timeout_s, limits.keep_alive_timeout_s)
        period = min(0.5, max(0.01, shortest / 4))
        while True:
            await asyncio.sleep(period)
            self.date = http_date()
            now = time.perf_counter()
            for connection in [connection for connection in self._open if connection.deadline < now]:
                connection.on_deadline()

    def close_idle(self) -> None:
        """End connections between two requests; the others end with their answers."""
        for connection in [connection for connection in self._open if connection.is_idle]:
            connection.transport.close()

    def abort(self) -> None:
        """End all that is left."""
        for connection in list(self._open):
            connection.transport.abort()
