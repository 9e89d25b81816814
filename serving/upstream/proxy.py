"""Passes bytes between a client and the old server as they come, both ways; reads along, changes nothing."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from serving.errors import StartError
from serving.upstream.tap import Exchange, Tap

log = logging.getLogger("thaw.upstream")

CONNECT_S = 10.0
UNREACHABLE = b'{"code": 502, "type": "BadGatewayException", "message": "The upstream server cannot be reached."}'


@dataclass(frozen=True)
class Upstream:
    """The old server's address."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


def read_upstream(url: str) -> Upstream:
    """`http://host[:port]`. Raises StartError for anything else."""
    parts = urlsplit(url)
    try:
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        port = 0
    if not parts.hostname or not port or parts.path.strip("/") or parts.query:
        raise StartError(
            f"--upstream {url!r}: expected http://HOST:PORT without a path, as TorchServe's clients have it."
        )
    return Upstream(parts.hostname, port, ssl.create_default_context() if parts.scheme == "https" else None)


class _Side(asyncio.Protocol):
    """One end of a pair: what it receives goes to `other`; when that is full, it reads no further."""

    transport: asyncio.Transport
    other: "_Side | None" = None

    def __init__(self, read_along: Callable[[bytes], None]) -> None:
        self._read_along = read_along
        self._early: list[bytes] = []  # arrived before the other end was there
        self.is_done = self.is_over = False  # it sends no more; it is gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are not instances of it

    def join(self, other: "_Side") -> None:
        """What has arrived meanwhile goes first."""
        self.other = other
        for data in self._early:
            other.transport.write(data)
        self._early.clear()
        if self.is_over:
            other.transport.close()
        elif self.is_done and other.transport.can_write_eof():
            other.transport.write_eof()

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early.append(data)
        else:
            self.other.transport.write(data)
        self._read_along(data)  # afterwards: it costs nobody's time

    def eof_received(self) -> bool:
        """False closes: when the other end is done too. Else its answer may still be on its way."""
        self.is_done = True
        if self.other is None:
            return True
        if not self.other.is_done and self.other.transport.can_write_eof():
            self.other.transport.write_eof()
        return not self.other.is_done

    def connection_lost(self, error: Exception | None) -> None:
        self.is_over = True
        if self.other is not None:
            self.other.transport.close()  # after what is still to be written

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()


class Proxy:
    """`make` is the listener's protocol factory. on_exchange: called with each answered request."""

    def __init__(self, upstream: Upstream, on_exchange: Callable[[Exchange], None]) -> None:
        self._upstream, self._on_exchange = upstream, on_exchange
        self._open: set[_Client] = set()

    def make(self) -> "asyncio.Protocol":
        """For one client."""
        return _Client(self, Tap(self._on_exchange))

    @property
    def count(self) -> int:
        """Open clients."""
        return len(self._open)

    def opened(self, client: "_Client") -> None:
        """Its other end is made."""
        self._open.add(client)

    def closed(self, client: "_Client") -> None:
        """It is gone."""
        self._open.discard(client)

    def close_idle(self) -> int:
        """End clients that wait for no answer; returns how many are left."""
        for client in [client for client in self._open if client.is_idle]:
            client.transport.close()
        return self.count

    def close(self) -> None:
        """End what is left, after what is still to be written."""
        for client in list(self._open):
            client.transport.close()

    async def connect(self, tap: Tap) -> "_Side":
        """The other end of a new client. Raises OSError or TimeoutError."""
        loop, old = asyncio.get_running_loop(), self._upstream
        async with asyncio.timeout(CONNECT_S):
            _, side = await loop.create_connection(lambda: _Side(tap.response_bytes), old.host, old.port, ssl=old.tls)
        return side


class _Client(_Side):
    """A client's end, which makes the other one."""

    def __init__(self, proxy: Proxy, tap: Tap) -> None:
        super().__init__(tap.request_bytes)
        self._proxy, self._tap = proxy, tap
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._proxy.opened(self)
        self._connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            side = await self._proxy.connect(self._tap)
        except (OSError, TimeoutError) as error:
            log.warning("the upstream server cannot be reached: %s", error)
            head = f"HTTP/1.1 502 Bad Gateway\r\ncontent-type: application/json\r\ncontent-length: {len(UNREACHABLE)}"
            with contextlib.suppress(OSError):
                self.transport.write(f"{head}\r\nconnection: close\r\n\r\n".encode() + UNREACHABLE)
                self.transport.close()
            return
        side.other = self
        self.join(side)

    @property
    def is_idle(self) -> bool:
        """Between two requests."""
        return self._tap.is_idle

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._proxy.closed(self)
