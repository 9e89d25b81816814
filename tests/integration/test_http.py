"""HTTP by the book: order, framing, limits, and how a connection ends."""

import socket
import threading
from contextlib import ExitStack

import pytest

from tests.fakes import FakeEngine, fake_models, plain
from tests.integration.running import Running, read_all, read_reply, replies, request, running, wait_until

GET = request(method="GET", path="/livez")


def test_pipelined_requests_are_answered_in_order(fake: Running, engine: FakeEngine) -> None:
    """Four requests in one packet, the slow one first: answers come in the order of the requests."""
    levels = (255, 0, 255)
    last = request(method="GET", path="/livez", Connection="close")
    *answers, live = replies(fake.raw(b"".join(request(plain(level)) for level in levels) + last))
    assert [True, False, True] == [answer.json["decision"]["is"] for answer in answers]
    assert {"status": "live"} == live.json
    assert [1, 1, 1] == engine.batches


def test_a_connection_is_kept(fake: Running) -> None:
    """Two requests, one connection, also after a refusal whose body was read."""
    with fake.connect() as connection:
        for body, status in ((plain(1), 200), (b"no photograph", 415), (plain(2), 200)):
            connection.sendall(request(body))
            reply = read_reply(connection)
            assert (status, None) == (reply.status, reply.headers.get("connection"))


def test_a_refused_body_is_read_and_the_connection_goes_on(fake: Running) -> None:
    """Refused at the headers, the rest of a short body is thrown away and the next request is answered."""
    with fake.connect() as connection:
        head, _, body = request(b"x" * 5000, Content_Type="text/plain").partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n")
        assert 415 == read_reply(connection).status
        connection.sendall(body + GET)
        assert 200 == read_reply(connection).status


def test_a_body_too_large_is_refused_at_its_headers(fake: Running) -> None:
    """413 comes before the body does, and a sender that goes on sending can still read it."""
    size = fake.settings.max_body_bytes + 1
    with fake.connect() as connection:
        connection.sendall(request().replace(b"Content-Length: 0", b"Content-Length: %d" % size))
        reply = read_reply(connection)
        assert (413, "close") == (reply.status, reply.headers["connection"])
        connection.sendall(b"x" * size)
        assert b"" == read_all(connection)


def test_a_client_that_sends_all_first_reads_its_refusal(fake: Running) -> None:
    """The answer is not lost to a reset although 12 MB came that nobody wanted."""
    assert b"HTTP/1.1 413 " in fake.raw(request(b"x" * 12_000_000))


def test_a_chunked_body_is_counted_while_it_comes(fake: Running) -> None:
    """Without a length in the headers the limit holds all the same; below it, chunks are put together."""
    start = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    chunk = b"%x\r\n%s\r\n" % (100_000, b"x" * 100_000)
    assert b"HTTP/1.1 413 " in fake.raw(start + b"\r\n" + chunk * 120 + b"0\r\n\r\n")
    photograph = plain(3)
    halves = b"".join(b"%x\r\n%s\r\n" % (len(half), half) for half in (photograph[:40], photograph[40:]))
    assert b"HTTP/1.1 200 " in fake.raw(start + b"Connection: close\r\n\r\n" + halves + b"0\r\n\r\n")


def test_expect_continue_is_met(fake: Running) -> None:
    """The client is told to go on, or refused without having sent its body."""
    head, _, body = request(plain(1), Expect="100-continue").partition(b"\r\n\r\n")
    with fake.connect() as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert 200 == read_reply(connection).status
    too_large = request(Expect="100-continue").replace(b"Content-Length: 0", b"Content-Length: 99999999")
    with fake.connect() as connection:
        connection.sendall(too_large)
        assert 413 == read_reply(connection).status
        assert b"" == read_all(connection)
    assert b"HTTP/1.1 417 " in fake.raw(request(Expect="a-miracle"))


@pytest.mark.parametrize(
    "data",
    [
        b"HELLO\r\n\r\n",
        b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nBad Name: x\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_malformed_http_is_refused_and_closed(fake: Running, data: bytes) -> None:
    """400 as problem+json with Connection: close, then the end."""
    answer = fake.raw(data)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in answer
    assert b"application/problem+json" in answer
    assert 200 == fake.get("/livez").status


def test_garbage_after_a_good_request_does_not_hurt_it(fake: Running) -> None:
    """The good one is answered first, then the bad one is refused."""
    answer = fake.raw(request(plain(1)) + b"\x00garbage\r\n\r\n")
    assert answer.index(b"HTTP/1.1 200 ") < answer.index(b"HTTP/1.1 400 ")


def test_heads_are_limited(fake: Running) -> None:
    """431 for long headers, many headers and a long line, whole or still coming."""
    limit = fake.settings.max_header_bytes
    assert b" 431 " in fake.raw(request(X_Long="x" * limit))
    assert b" 431 " in fake.raw(request(**{f"x_{i}": "1" for i in range(200)}))
    assert b" 431 " in fake.raw(request(path="/" + "x" * limit))
    assert b" 431 " in fake.raw(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * (limit + 300_000))


def test_a_request_cut_off_is_refused(fake: Running) -> None:
    """A client that ends in the middle of its body hears why, and nothing is computed."""
    with fake.connect() as connection:
        connection.sendall(request(plain(1))[:-5])
        connection.shutdown(socket.SHUT_WR)
        assert b"HTTP/1.1 400 " in read_all(connection)
    wait_until(lambda: fake.server.connections.buffered_bytes == 0)


def test_slow_senders_are_told_and_others_are_served(engine: FakeEngine) -> None:
    """Headers or a body that dribble get a 408; a silent new connection is just closed; meanwhile answers come."""
    limits = {"header_timeout_s": 0.2, "body_timeout_s": 0.2, "keep_alive_timeout_s": 0.2}
    with running(fake_models(engine), **limits) as server, server.connect() as silent, server.connect() as idle:
        slow = [server.connect() for _ in range(2)]
        slow[0].sendall(b"POST /predict HTTP/1.1\r\nHos")
        slow[1].sendall(request(plain(1))[:-5])
        idle.sendall(GET)
        assert 200 == server.post("/predict", plain(1)).status
        for connection in slow:
            assert b"HTTP/1.1 408 " in read_all(connection)
            connection.close()
        assert b"" == read_all(silent)
        assert 1 == read_all(idle).count(b"HTTP/1.1 200 ")


def test_a_client_that_does_not_read_is_cut_off(engine: FakeEngine) -> None:
    """Answers that nobody takes fill its own connection only, until its time is over."""
    with running(fake_models(engine), body_timeout_s=0.2) as server, server.connect() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        flood = threading.Thread(target=lambda: _send_until_cut_off(deaf, request(method="GET", path="/metrics") * 50))
        flood.start()
        flood.join(10)
        assert not flood.is_alive()
        assert 200 == server.post("/predict", plain(1)).status


def _send_until_cut_off(connection: socket.socket, data: bytes) -> None:
    try:
        while True:
            connection.sendall(data)
    except OSError:
        return


def test_too_many_connections_are_told_to_come_back(engine: FakeEngine) -> None:
    """Over the limit a request gets 429 and the end of its connection; below it all is as before."""
    with running(fake_models(engine), max_connections=2) as server, ExitStack() as stack:
        held = [stack.enter_context(server.connect()) for _ in range(2)]
        wait_until(lambda: server.server.connections.count == 2)
        reply = server.post("/predict", plain(1))
        assert (429, "close", "1") == (reply.status, reply.headers["connection"], reply.headers["retry-after"])
        assert 200 == server.get("/livez").status
        for connection in held:
            connection.close()
        wait_until(lambda: server.server.connections.count == 0)
        assert 200 == server.post("/predict", plain(1)).status
        assert 1 == server.metric("thaw_shed_total", reason="connections")


def test_bodies_held_at_once_are_bounded(engine: FakeEngine) -> None:
    """Many slow uploads together may not take more memory than was given to them."""
    with running(fake_models(engine), max_buffered_bytes=10_000) as server:
        with server.connect() as slow:
            slow.sendall(request(b"x" * 9_000)[:-10])
            wait_until(lambda: server.server.connections.buffered_bytes > 8_000)
            assert 429 == server.post("/predict", b"x" * 3_000).status
        wait_until(lambda: server.server.connections.buffered_bytes == 0)
        assert 200 == server.post("/predict", plain(1)).status


def test_other_versions_and_upgrades(fake: Running) -> None:
    """HTTP/1.0 closes unless asked; an offer to upgrade is ignored, body and all."""
    assert b" 200 " in fake.raw(b"GET /livez HTTP/1.0\r\n\r\n")
    with fake.connect() as connection:
        connection.sendall(b"GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert "keep-alive" == read_reply(connection).headers["connection"]
    with fake.connect() as connection:
        connection.sendall(
            request(plain(1), Connection="Upgrade, HTTP2-Settings", Upgrade="h2c", HTTP2_Settings="AAMAAABk")
        )
        assert 200 == read_reply(connection).status
        connection.sendall(GET)
        assert 200 == read_reply(connection).status


def test_head_is_get_without_the_body(fake: Running) -> None:
    """Same headers, length included."""
    got, head = fake.get("/models"), fake.send("HEAD", "/models")
    assert (200, b"", got.headers["content-length"]) == (head.status, head.body, head.headers["content-length"])


def test_any_host_is_accepted(fake: Running) -> None:
    """Behind a proxy the name is the proxy's business."""
    assert b" 200 " in fake.raw(
        GET.replace(b"any.example", b"[::1]:9").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    )


def test_every_answer_has_its_headers(fake: Running) -> None:
    """Length, request id and timing, on answers and refusals alike."""
    for reply in (fake.post("/predict", plain(1)), fake.post("/predict"), fake.get("/nowhere"), fake.get("/ping")):
        assert str(len(reply.body)) == reply.headers["content-length"]
        assert reply.headers["x-request-id"]
        assert "total;dur=" in reply.headers["server-timing"]
        assert "nosniff" == reply.headers["x-content-type-options"]
