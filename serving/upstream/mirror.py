"""Asks our server what the old one was just asked. It may fall behind; the old server's clients never wait for it."""

import asyncio
import random
import time

from serving.upstream.compare import compare
from serving.upstream.ledger import Ledger
from serving.upstream.tap import Exchange

MOST_WAITING = 32  # copies; each may hold a whole body
COMPARED = ("/predictions/", "/explanations/")
OF_THE_CONNECTION = {
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "expect",
    "keep-alive",
    "authorization",
}
PATIENCE_S = 30.0


class Mirror:
    """address: host and port of ours. share: of the requests that are compared, 0 to 1."""

    def __init__(self, address: tuple[str, int], ledger: Ledger, share: float = 1.0) -> None:
        self._address, self._ledger, self._share = address, ledger, share
        self._waiting: asyncio.Queue[Exchange] = asyncio.Queue(MOST_WAITING)
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def take(self, exchange: Exchange) -> None:
        """Called when the old server's answer has gone to its client. Never blocks."""
        if not exchange.path.startswith(COMPARED):
            self._ledger.leave_out("other")
        elif exchange.is_too_large:
            self._ledger.leave_out("large")
        elif random.random() >= self._share:
            self._ledger.leave_out("share")
        else:
            try:
                self._waiting.put_nowait(exchange)
            except asyncio.QueueFull:
                self._ledger.leave_out("busy")

    async def run(self) -> None:
        """For ever: one request at a time, so that ours takes what the old server leaves."""
        try:
            while True:
                exchange = await self._waiting.get()
                began = time.perf_counter()
                ours = await self._ask(exchange)
                verdict = compare((exchange.status, exchange.answer), ours)
                self._ledger.note(exchange, ours, time.perf_counter() - began, verdict)
        finally:
            self._hang_up()

    async def _ask(self, exchange: Exchange) -> tuple[int, bytes] | None:
        """Status and body, or None when ours gave none in time."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                self._connection = self._connection or await asyncio.open_connection(*self._address)
                return await _ask(exchange, *self._connection)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError):
            self._hang_up()
            return None

    def _hang_up(self) -> None:
        if self._connection:
            self._connection[1].close()
            self._connection = None


async def _ask(exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, bytes]:
    kept = [(name, value) for name, value in exchange.headers if name.lower() not in OF_THE_CONNECTION]
    lines = [f"{exchange.method} {exchange.path} HTTP/1.1", "Host: ours", f"Content-Length: {len(exchange.body)}"]
    lines += [f"{name}: {value}" for name, value in kept]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + exchange.body)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
    return int(head[9:12]), await reader.readexactly(length)
