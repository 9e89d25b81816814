"""The day of moving: an old server behind the proxy, ours beside it; nobody's request is slowed, changed or lost."""

import asyncio
import http.client
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop

from serving.engine import CPU
from serving.errors import StartError
from serving.listener import bind
from serving.loading import load_models
from serving.upstream.proxy import read_upstream
from serving.upstream.run import Move, shadowing
from tests.fakes import photograph
from tests.integration.running import PATIENCE_S, Running, read_all, read_reply, request, running, wait_until

PHOTOGRAPH = photograph(1)
CLOSED = ("127.0.0.1", 1)  # nobody listens there


class Moving:
    """A proxy in front of `upstream`, with ours beside it and the page, on a loop in a thread."""

    def __init__(self, upstream: int, ours: tuple[str, int], share: float = 1.0) -> None:
        self._listeners = bind("127.0.0.1", 0), bind("127.0.0.1", 0)
        self.port, self.page_port = (listener.getsockname()[1] for listener in self._listeners)
        self._move = Move(f"http://127.0.0.1:{upstream}", self.page_port, share)
        self._ours, self._started, self._stop = ours, threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._live()))
        self._thread.start()
        assert self._started.wait(PATIENCE_S)

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with shadowing(self._move, self._listeners, self._ours):
            self._started.set()
            await self._stop.wait()

    def stop(self) -> None:
        """As a signal does."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def send(self, path: str, body: bytes = PHOTOGRAPH, port: int = 0) -> tuple[int, bytes]:
        """POST with a body, else GET; on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=PATIENCE_S)
        try:
            connection.request("POST" if body else "GET", path, body or None, {"Content-Type": "image/jpeg"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def metric(self, series: str) -> float:
        """One value of the page's metrics."""
        page = self.send("/metrics", b"", self.page_port)[1].decode()
        found = re.search(rf"(?m)^{re.escape(series)} (\S+)$", page)
        assert found, f"no series {series}"
        return float(found[1])

    def waits_for(self, series: str, value: float) -> None:
        """Until the series has the value."""
        wait_until(lambda: self.metric(series) == value)


@contextmanager
def moving(upstream: int, ours: tuple[str, int], share: float = 1.0) -> Iterator[Moving]:
    """For the block."""
    moving = Moving(upstream, ours, share)
    try:
        yield moving
    finally:
        moving.stop()


def compared(outcome: str) -> str:
    """The name of a series."""
    return f'thaw_upstream_compared_total{{outcome="{outcome}"}}'


@dataclass
class Old:
    """A server that reads whole requests and answers what it is told; `seen` are their bytes."""

    answer: Callable[[bytes], bytes]
    seen: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            data = b""
            while part := connection.recv(65536):
                data += part
                head, end, body = data.partition(b"\r\n\r\n")
                length = int((re.search(rb"(?i)content-length: (\d+)", head) or [0, 0])[1])
                if end and len(body) >= length:
                    self.seen.append(data)
                    connection.sendall(self.answer(data))
                    data = b""

    def close(self) -> None:
        """No more connections."""
        self._listener.close()


@pytest.fixture
def old() -> Iterator[Callable[[Callable[[bytes], bytes]], Old]]:
    """Makes old servers."""
    made: list[Old] = []

    def make(answer: Callable[[bytes], bytes]) -> Old:
        made.append(Old(answer))
        return made[-1]

    yield make
    for server in made:
        server.close()


def reply(document: object, status: str = "200 OK") -> bytes:
    """An answer's bytes."""
    body = json.dumps(document).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_equal_servers_agree(real: Running, tiny_store: Path) -> None:
    """Answers come from upstream; the page, latencies and metrics say that ours are the same, refusals too."""
    with running(load_models(tiny_store, CPU, 4)) as other, moving(other.port, ("127.0.0.1", real.port)) as move:
        direct = other.post("/predictions/frozen", PHOTOGRAPH)
        assert (200, direct.body) == move.send("/predictions/frozen")
        assert 422 == move.send("/predictions/frozen", PHOTOGRAPH[:400])[0]
        assert 200 == move.send("/explanations/frozen")[0]
        assert 200 == move.send("/ping", b"")[0]
        move.waits_for(compared("same"), 3)
        assert 1 == move.metric('thaw_upstream_not_compared_total{reason="other"}')
        assert 3 == move.metric('thaw_upstream_seconds_count{server="ours"}')
        status, page = move.send("/", b"", move.page_port)
        assert (200, True) == (status, b"100 %" in page)


def test_differences_are_told(real: Running, old: Callable[[Callable[[bytes], bytes]], Old]) -> None:
    """Another label, another status, another form: each counted, and shown without the photograph."""
    answers = [reply({"truck": 0.9, "bus": 0.1}), reply({"error": 1}, "500 Oops"), reply(["<script>"])]
    upstream = old(lambda _: answers.pop(0))
    with moving(upstream.port, ("127.0.0.1", real.port)) as move:
        for _ in range(3):
            move.send("/predictions/frozen")
        for outcome in ("status", "form"):
            move.waits_for(compared(outcome), 1)
        assert 1 == move.metric(compared("label")) + move.metric(compared("numbers"))
        page = move.send("/", b"", move.page_port)[1].decode()
        assert "500 {&quot;error&quot;: 1}" in page
        assert "<script>" not in page


def test_bytes_pass_as_they_are(old: Callable[[Callable[[bytes], bytes]], Old]) -> None:
    """Headers' case and order, odd bytes: upstream sees what the client sent, the client what upstream answered."""
    answer = b"HTTP/1.1 200 Fine\r\nX-ODD:  \xe9 \r\nContent-Length: 2\r\n\r\nok"
    upstream = old(lambda _: answer)
    sent = request(PHOTOGRAPH, path="/predictions/x", X_Odd="a  b")
    with moving(upstream.port, CLOSED) as move, socket.create_connection(("127.0.0.1", move.port)) as client:
        client.sendall(sent)
        got = b""
        while len(got) < len(answer):
            got += client.recv(1000)
        assert answer == got
        assert [sent] == upstream.seen


def test_what_is_no_http_passes(old: Callable[[Callable[[bytes], bytes]], Old]) -> None:
    """Reading along may fail; passing on does not."""
    upstream = old(lambda data: data[::-1])
    with moving(upstream.port, CLOSED) as move, socket.create_connection(("127.0.0.1", move.port)) as client:
        client.sendall(b"\x00\x01\r\n\r\n")
        assert b"\n\r\n\r\x01\x00" == client.recv(100)


def test_ours_may_be_dead(old: Callable[[Callable[[bytes], bytes]], Old]) -> None:
    """Clients notice nothing; the page does."""
    upstream = old(lambda _: reply({"bus": 1.0}))
    with moving(upstream.port, CLOSED) as move:
        assert (200, b'{"bus": 1.0}') == move.send("/predictions/frozen")
        move.waits_for(compared("failed"), 1)


def test_ours_may_hang(old: Callable[[Callable[[bytes], bytes]], Old]) -> None:
    """Copies that it does not take are dropped and counted; every client is answered by the old server."""
    upstream = old(lambda _: reply({"bus": 1.0}))
    with socket.create_server(("127.0.0.1", 0)) as silent, moving(upstream.port, silent.getsockname()) as move:
        connection = http.client.HTTPConnection("127.0.0.1", move.port, timeout=PATIENCE_S)
        for _ in range(40):
            connection.request("POST", "/predictions/frozen", PHOTOGRAPH, {"Content-Type": "image/jpeg"})
            response = connection.getresponse()
            assert (200, b'{"bus": 1.0}') == (response.status, response.read())
        connection.close()
        assert move.metric('thaw_upstream_not_compared_total{reason="busy"}') > 0


def test_the_share_is_kept(real: Running, old: Callable[[Callable[[bytes], bytes]], Old]) -> None:
    """With share 0 nothing is compared, and everything answered."""
    upstream = old(lambda _: reply({"bus": 1.0}))
    with moving(upstream.port, ("127.0.0.1", real.port), share=0.0) as move:
        assert 200 == move.send("/predictions/frozen")[0]
        move.waits_for('thaw_upstream_not_compared_total{reason="share"}', 1)


def test_an_upstream_that_is_away_is_said() -> None:
    """502, in TorchServe's form, and the connection ends."""
    with moving(CLOSED[1], CLOSED) as move:
        status, body = move.send("/predictions/frozen")
        assert (502, "BadGatewayException") == (status, json.loads(body)["type"])


def test_the_answer_in_flight_is_finished_at_the_end(old: Callable[[Callable[[bytes], bytes]], Old]) -> None:
    """On SIGTERM idle connections end at once, and one that waits gets its answer."""
    gate, entered = threading.Event(), threading.Event()

    def slow(_: bytes) -> bytes:
        entered.set()
        gate.wait(PATIENCE_S)
        return reply({"bus": 1.0})

    move = Moving(old(slow).port, CLOSED)
    with socket.create_connection(("127.0.0.1", move.port)) as client, move_idle(move) as idle:
        client.sendall(request(PHOTOGRAPH, path="/predictions/frozen"))
        assert entered.wait(PATIENCE_S)
        stopping = threading.Thread(target=move.stop)
        stopping.start()
        assert b"" == read_all(idle)
        gate.set()
        assert 200 == read_reply(client).status
        stopping.join(PATIENCE_S)


@contextmanager
def move_idle(move: Moving) -> Iterator[socket.socket]:
    """A connection that asks for nothing."""
    with socket.create_connection(("127.0.0.1", move.port), timeout=PATIENCE_S) as idle:
        yield idle


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://x/path", "x:80", "http://x:99999"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """At start, with the form that is expected."""
    with pytest.raises(StartError, match="expected http://HOST:PORT"):
        read_upstream(url)
