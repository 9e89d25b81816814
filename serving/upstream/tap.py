"""Reads along with one connection: which bytes are which request, and what was answered. It never changes a byte."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import httptools

MOST_BODY_BYTES = 10_000_000  # of one request; a longer one passes, and is not compared


@dataclass(eq=False)
class Exchange:
    """One request and its answer. Times are of time.perf_counter."""

    method: str = ""
    path: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    is_too_large: bool = False
    sent: float = 0.0  # the request's last byte went on
    status: int = 0
    answer: bytes = b""
    answered: float = 0.0  # the answer's last byte came


class Tap:
    """Of one client's connection. `on_exchange` is called for each answered request; after `broken` no more."""

    def __init__(self, on_exchange: Callable[[Exchange], None]) -> None:
        self._on_exchange = on_exchange
        self._waiting: deque[Exchange] = deque()
        asked, answered = _Requests(self._waiting), _Responses(self._finish)
        self._requests = asked.parser = httptools.HttpRequestParser(asked)
        self._responses = answered.parser = httptools.HttpResponseParser(answered)
        self.broken = False

    @property
    def is_idle(self) -> bool:
        """No request without its answer, as far as can be told."""
        return not self.broken and not self._waiting

    def request_bytes(self, data: bytes) -> None:
        """What the client sent, after it was passed on."""
        self._feed(self._requests, data)

    def response_bytes(self, data: bytes) -> None:
        """What the old server answered, after it was passed on."""
        self._feed(self._responses, data)

    def _feed(self, parser: "httptools.HttpRequestParser | httptools.HttpResponseParser", data: bytes) -> None:
        if self.broken:
            return
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.broken = True  # whatever it is, it passes; it is only not compared

    def _finish(self, status: int, answer: bytes) -> None:
        if status < 200:  # 100 Continue: the answer is still to come
            return
        exchange = self._waiting.popleft()  # IndexError: an answer that nobody asked for
        if exchange.method == "HEAD":
            raise ValueError("an answer without its body: where the next one begins is unknown")
        exchange.status, exchange.answer, exchange.answered = status, answer, time.perf_counter()
        exchange.sent = min(exchange.sent or exchange.answered, exchange.answered)  # refused before it was whole
        self._on_exchange(exchange)


class _Requests:
    """httptools' callbacks."""

    def __init__(self, waiting: deque[Exchange]) -> None:
        self._waiting = waiting
        self._parts: list[bytes] = []
        self._length = 0
        self.parser: httptools.HttpRequestParser | None = None

    def on_message_begin(self) -> None:
        self._waiting.append(Exchange())
        self._parts, self._length = [], 0

    def on_url(self, url: bytes) -> None:
        self._waiting[-1].path += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._waiting[-1].headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if self.parser is not None:
            self._waiting[-1].method = self.parser.get_method().decode("latin-1")

    def on_body(self, data: bytes) -> None:
        self._length += len(data)
        if self._length > MOST_BODY_BYTES:
            self._waiting[-1].is_too_large, self._parts = True, []
        else:
            self._parts.append(data)

    def on_message_complete(self) -> None:
        exchange = self._waiting[-1]
        exchange.body, exchange.sent = b"".join(self._parts), time.perf_counter()


class _Responses:
    """httptools' callbacks."""

    def __init__(self, finish: Callable[[int, bytes], None]) -> None:
        self._finish = finish
        self._parts: list[bytes] = []
        self._length = 0
        self.parser: httptools.HttpResponseParser | None = None

    def on_message_begin(self) -> None:
        self._parts, self._length = [], 0

    def on_body(self, data: bytes) -> None:
        self._length += len(data)
        if self._length <= MOST_BODY_BYTES:
            self._parts.append(data)

    def on_message_complete(self) -> None:
        if self.parser is not None:
            self._finish(self.parser.get_status_code(), b"".join(self._parts))
