"""HTTP/1.1 on one connection: bytes in, one answer at a time out, in the order of the requests."""

import asyncio
import time
from collections import deque
from enum import Enum, auto
from typing import TYPE_CHECKING, cast

import httptools

from serving.errors import Refusal
from serving.heads import Incoming, head_too_large, read_head
from serving.messages import Request, Response, render

if TYPE_CHECKING:
    from serving.connections import Connections

LINGER_S = 5.0  # a refused sender may go on sending for so long; closing earlier would reset the answer away
LINGER_BYTES = 256_000_000


class Phase(Enum):
    """What the connection waits for; each has its own limit of time."""

    IDLE = auto()
    HEADERS = auto()
    BODY = auto()
    WORK = auto()
    LINGER = auto()


class Connection(asyncio.Protocol):
    """Made by `Connections` for each client. httptools calls the `on_...` methods while it is fed."""

    transport: asyncio.Transport

    def __init__(self, owner: "Connections") -> None:
        self._owner = owner
        self._parser = httptools.HttpRequestParser(self)
        self._incoming: Incoming | None = None
        self._ready: deque[Incoming] = deque()  # complete or refused, in order
        self._task: asyncio.Task[None] | None = None
        self._ahead: list[bytes] = []  # arrived while a request was worked on; not parsed yet
        self._unread_head_bytes = 0
        self._lingered = 0
        self._is_stuck = False  # the client does not read what we write
        self._is_over = False  # a last answer is on its way; what still comes is not read
        self.phase = Phase.IDLE
        self.deadline = 0.0

    # --- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are not instances of it
        self._enter(Phase.IDLE, self._owner.limits.header_timeout_s)
        self._socket: int = getattr(transport.get_extra_info("socket"), "fileno", lambda: -1)()
        self._owner.opened(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone: what it asked for is not worth finishing."""
        if self._task is not None:
            self._task.cancel()
        for incoming in (*self._ready, self._incoming):
            self._let_go(incoming)
        self._ready.clear()
        self._owner.closed(self)

    def eof_received(self) -> bool:
        """The client has ended its side. A request that was cut off is refused; else the transport closes."""
        if self.phase in (Phase.HEADERS, Phase.BODY) and self._task is None:
            self._refuse_connection(Refusal("malformed-http", "The request ends before it is whole. Send it whole."))
            self.transport.close()
        return False

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            self._lingered += len(data)
            if self._lingered > LINGER_BYTES:
                self.transport.abort()
        elif self._task is not None or self._is_stuck:
            self._ahead.append(data)  # reading goes on until now, so that a client that leaves is noticed
            self.transport.pause_reading()
        else:
            self._feed(data)

    def pause_writing(self) -> None:
        self._is_stuck = True
        self._enter(self.phase, self._owner.limits.body_timeout_s)

    def resume_writing(self) -> None:
        self._is_stuck = False
        if self.phase is Phase.IDLE:
            self._enter(Phase.IDLE, self._owner.limits.keep_alive_timeout_s)
        elif self.phase is Phase.WORK:
            self._enter(Phase.WORK, None)
        self._go_on()

    # --- the parser's side

    def _feed(self, data: bytes) -> None:
        if self.phase in (Phase.IDLE, Phase.HEADERS):
            self._unread_head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse_connection(Refusal("malformed-http", "The request is no HTTP/1.1. Use an HTTP library."))
        if self.phase is Phase.HEADERS and self._unread_head_bytes > self._owner.limits.max_header_bytes:
            self._refuse_connection(head_too_large(self._owner.limits.max_header_bytes))
        self._answer_next()

    def on_message_begin(self) -> None:
        self._incoming = Incoming()
        self._unread_head_bytes = 0
        self._enter(Phase.HEADERS, self._owner.limits.header_timeout_s)

    def on_url(self, url: bytes) -> None:
        if self._incoming is not None:
            self._incoming.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._incoming is not None:
            self._incoming.pairs.append((name, value))
            self._incoming.head_bytes += len(name) + len(value) + 4

    def on_headers_complete(self) -> None:
        incoming = self._incoming
        if incoming is None or self._parser.should_upgrade():
            return
        self._enter(Phase.BODY, self._owner.limits.body_timeout_s)
        try:
            incoming.request = read_head(incoming, self._parser, self._owner.limits.max_header_bytes)
            early = self._owner.application.refuse_early
            incoming.refused = early(incoming.request, is_crowded=self._owner.is_crowded)
        except Refusal as refusal:
            incoming.request = incoming.request or Request("GET", "/", "", {}, keep_alive=False)
            incoming.request.keep_alive = False
            incoming.refused = self._owner.application.refusal(refusal, incoming.request)
        if self._task is not None or self._ready:
            return  # its turn has not come
        if incoming.refused is not None:
            self._write(incoming, incoming.refused)
        elif incoming.request.header("expect"):
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        incoming = self._incoming
        if incoming is None or incoming.refused is not None or incoming.request is None:
            return
        incoming.body_bytes += len(part)
        self._owner.buffered_bytes += len(part)
        refusal = self._owner.refuse_body(incoming.body_bytes)
        if refusal is None:
            incoming.parts.append(part)
            return
        incoming.refused = self._owner.application.refusal(refusal, incoming.request)
        self._let_go(incoming)
        if self._task is None and not self._ready:
            self._write(incoming, incoming.refused)

    def on_message_complete(self) -> None:
        if self._parser.should_upgrade():
            return
        incoming, self._incoming = self._incoming, None
        if incoming is None or incoming.request is None:
            return
        incoming.is_complete = True
        if incoming.is_answered:
            if self.phase is not Phase.LINGER:
                self._enter(Phase.IDLE, self._owner.limits.keep_alive_timeout_s)
            return
        incoming.request.received = time.perf_counter()
        incoming.request.body = incoming.parts[0] if len(incoming.parts) == 1 else b"".join(incoming.parts)
        incoming.parts.clear()
        self._enter(Phase.WORK, None)
        self._ready.append(incoming)

    # --- from a request to its answer

    def _answer_next(self) -> None:
        while self._ready and self._task is None and not self._is_stuck and not self.transport.is_closing():
            incoming = self._ready.popleft()
            if incoming.refused is not None:
                self._write(incoming, incoming.refused)
            else:
                self._task = asyncio.create_task(self._work(incoming))

    async def _work(self, incoming: Incoming) -> None:
        if incoming.request is None:
            return
        incoming.request.socket, incoming.request.transport = self._socket, self.transport
        try:
            response = await self._owner.application.answer(incoming.request)
        finally:
            self._let_go(incoming)
        self._task = None
        self._write(incoming, response)
        self._go_on()

    def _go_on(self) -> None:
        """After an answer: the next request that already arrived, then reading again."""
        self._answer_next()
        if self._task is None and not self._is_stuck and self._ahead and not self._is_over:
            data = b"".join(self._ahead)
            self._ahead.clear()
            self.transport.resume_reading()
            self._feed(data)

    def _write(self, incoming: Incoming, response: Response) -> None:
        request = incoming.request
        if request is None or self.transport.is_closing():
            return
        can_go_on = incoming.is_complete or self._rest_is_short(request)
        close = response.close or not request.keep_alive or not can_go_on or self._owner.is_draining
        incoming.is_answered = True
        self.transport.write(render(response, request, self._owner.date, close=close))
        if close:
            self._close(may_send_more=not incoming.is_complete or bool(self._ahead or self._ready))
        elif incoming.is_complete and not self._ready and self._incoming is None:
            self._enter(Phase.IDLE, self._owner.limits.keep_alive_timeout_s)

    def _rest_is_short(self, request: Request) -> bool:
        """Whether a refused body is read to its end. After Expect nobody knows whether it comes at all."""
        length = request.header("content-length")
        if not length and not request.header("transfer-encoding"):
            return True
        return length.isdecimal() and int(length) <= self._owner.limits.max_body_bytes and not request.header("expect")

    def _close(self, *, may_send_more: bool) -> None:
        """Closing with unread data in the socket would reset the connection and take our answer along."""
        if not may_send_more:
            self.transport.close()
            return
        self._ahead.clear()
        self._ready.clear()
        self._is_over = True
        self._enter(Phase.LINGER, LINGER_S)
        self.transport.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _refuse_connection(self, refusal: Refusal) -> None:
        """Answer and end: after this the stream's framing cannot be trusted."""
        if self._is_over or self.transport.is_closing():
            return
        self._is_over = True
        incoming = self._incoming or Incoming()
        incoming.request = incoming.request or Request("GET", "/", "", {}, keep_alive=False)
        incoming.request.keep_alive = False
        self._incoming = None
        self._let_go(incoming)
        incoming.refused = self._owner.application.refusal(refusal, incoming.request)
        if incoming.is_answered:
            self._close(may_send_more=True)
        elif self._task is not None or self._ready:
            self._ready.append(incoming)
        else:
            self._write(incoming, incoming.refused)

    def _ignore_upgrade(self, rest: bytes) -> None:
        """No other protocol is offered, so the request is served as if it had not asked; httptools drops its body."""
        incoming = self._incoming
        if incoming is None:
            return
        dropped = (b"upgrade", b"connection", b"http2-settings")
        lines = [b"%s %s HTTP/1.1" % (self._parser.get_method(), incoming.url)]
        lines += [b"%s: %s" % pair for pair in incoming.pairs if pair[0].lower() not in dropped]
        self._parser = httptools.HttpRequestParser(self)
        self._feed(b"\r\n".join([*lines, b"", b""]) + rest)

    # --- limits of time

    def _enter(self, phase: Phase, seconds: float | None) -> None:
        self.phase = phase
        self.deadline = float("inf") if seconds is None else time.perf_counter() + seconds

    def on_deadline(self) -> None:
        """Called by the sweep when `deadline` has passed."""
        if self._is_stuck or self.phase is Phase.LINGER:
            self.transport.abort()
        elif self.phase is Phase.IDLE:
            self.transport.close()
        else:
            what = self.phase.name.lower()
            self._refuse_connection(
                Refusal("slow-request", f"The request's {what} took too long to arrive. Send it again.")
            )

    @property
    def is_idle(self) -> bool:
        """Between two requests, with nothing in work."""
        return self.phase is Phase.IDLE and self._task is None

    def _let_go(self, incoming: Incoming | None) -> None:
        if incoming is not None:
            self._owner.buffered_bytes -= incoming.body_bytes
            incoming.body_bytes = 0
            incoming.parts.clear()
