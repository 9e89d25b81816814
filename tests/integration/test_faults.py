"""What clients and machines do to a server, and what the others notice of it: nothing."""

import random
import socket
import struct
import threading
import time

import pytest

from tests.fakes import FakeEngine, fake_models, photograph, plain
from tests.integration.running import Running, read_reply, replies, request, running, wait_until

GREY = 51


def bus(reply_json: dict[str, list[dict[str, float]]]) -> float:
    """The bus probability of an answer."""
    return next(item["score"] for item in reply_json["predictions"] if item["label"] == "bus")


def malformed(seed: int) -> bytes:
    """A photograph that is cut off, a byte of whose data is wrong, or that is none at all."""
    chance, data = random.Random(seed), bytearray(photograph(seed % 20))
    kind = seed % 4
    if kind == 0:
        return bytes(data[: chance.randrange(1, len(data) - 40)])
    if kind == 1:
        return chance.randbytes(chance.randrange(1, 3000))
    if kind == 2:
        return b"\xff\xd8\xff\xe0" + chance.randbytes(500)
    return plain(9)[: -chance.randrange(1, 40)]


def test_a_thousand_malformed_bodies_between_good_ones(engine: FakeEngine) -> None:
    """Every bad one gets its 4xx, every good one its own answer, and no slot or connection is left behind."""
    wrong: list[object] = []

    def client(number: int) -> None:
        with server.connect() as connection:
            for seed in range(number, 1000, 4):
                connection.sendall(request(malformed(seed)))
                status = read_reply(connection).status
                if not 400 <= status < 500:
                    wrong.append((seed, status))
                if seed % 5 == 0:
                    connection.sendall(request(plain(GREY + number)))
                    good = read_reply(connection)
                    if good.status != 200 or abs(bus(good.json) - (GREY + number) / 255) > 1e-6:
                        wrong.append((seed, good.json))

    with running(fake_models(engine), lanes=2) as server:
        clients = [threading.Thread(target=client, args=(number,)) for number in range(4)]
        for each in clients:
            each.start()
        for each in clients:
            each.join(18)
        assert [] == wrong
        assert 0 == server.metric("thaw_slots_in_use")
        assert 200 == server.get("/readyz").status


def test_a_client_that_dies_mid_upload_leaves_nothing_behind(fake: Running) -> None:
    """A reset in the middle of a body: its bytes are given back, and nothing reaches a lane."""
    for _ in range(5):
        with fake.connect() as dying:
            dying.sendall(request(bytes(5_000_000))[:3_000_000])
            wait_until(lambda: fake.server.connections.buffered_bytes > 0)
            dying.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close by reset
        wait_until(lambda: fake.server.connections.buffered_bytes == 0)
    wait_until(lambda: fake.server.connections.count == 0)
    assert 200 == fake.post("/predict", plain(1)).status


def test_a_hundred_clients_that_left_cost_nothing(engine: FakeEngine) -> None:
    """They sent a photograph and went: only what a lane held already is computed before the next client's."""
    with running(fake_models(engine), slots=200) as server:
        while engine.entered.acquire(blocking=False):
            pass
        engine.batches.clear()
        engine.gate.clear()
        first = server.later("/predict", plain(0))
        assert engine.entered.acquire(timeout=10)
        leavers = [server.connect() for _ in range(100)]
        for leaver in leavers:
            leaver.sendall(request(plain(9)))
        wait_until(lambda: server.metric("thaw_queue_length") == 100)
        for leaver in leavers:
            leaver.close()
        wait_until(lambda: server.metric("thaw_queue_length") == 0)
        engine.gate.set()
        assert 200 == first.reply().status
        assert 200 == server.post("/predict", plain(1)).status
        assert [1, 1] == engine.batches
        assert 100 == server.metric("thaw_dropped_total", reason="gone")


def test_who_has_left_is_seen_before_the_end_is_read(engine: FakeEngine) -> None:
    """Requests that are whole but hung up when the loop comes to them are not inferred, though it read no end yet."""
    with running(fake_models(engine), slots=200) as server:
        wait_until(lambda: server.get("/readyz").status == 200)
        engine.batches.clear()
        blocked, go_on = threading.Event(), threading.Event()
        server._loop.call_soon_threadsafe(lambda: (blocked.set(), go_on.wait(10)))
        assert blocked.wait(10)
        for _ in range(100):
            with server.connect() as leaver:
                leaver.sendall(request(plain(9)))
        go_on.set()
        assert 200 == server.post("/predict", plain(1)).status
        wait_until(lambda: server.metric("thaw_slots_in_use") == 0)
        assert [1] == engine.batches
        outcome = {"route": "predict", "model": "", "outcome": "gone"}  # nobody looked which model it was about
        wait_until(lambda: server.metric("thaw_requests_total", **outcome) == 100)


@pytest.mark.parametrize("step_s", [86_400.0, -86_400.0])
def test_a_step_of_the_clock_is_not_felt(fake: Running, monkeypatch: pytest.MonkeyPatch, step_s: float) -> None:
    """Deadlines, timeouts and readiness count on a clock that nobody sets; only the date follows."""
    real = time.time
    with fake.connect() as before:
        before.sendall(request(plain(1)))
        assert 200 == read_reply(before).status
        monkeypatch.setattr(time, "time", lambda: real() + step_s)
        before.sendall(request(plain(1)))  # an idle connection was not swept away
        assert 200 == read_reply(before).status
    assert 200 == fake.post("/predict?timeout_ms=5000", plain(1)).status
    assert 200 == fake.get("/readyz").status
    assert 0 == fake.metric("thaw_dropped_total", reason="deadline")


def test_slow_senders_do_not_slow_the_others(engine: FakeEngine) -> None:
    """Two hundred that dribble hold connections, not slots: everybody else is answered meanwhile."""
    with running(fake_models(engine), header_timeout_s=60.0, body_timeout_s=60.0) as server:
        slow = [server.connect() for _ in range(200)]
        for number, connection in enumerate(slow):
            connection.sendall(request(plain(1))[: 20 if number % 2 else -1])
        wait_until(lambda: server.server.connections.count >= 200)
        assert [200] * 20 == [server.post("/predict", plain(level)).status for level in range(20)]
        assert 0 == server.metric("thaw_slots_in_use")
        for connection in slow:
            connection.close()


def test_pipelined_rubbish_ends_only_its_own_connection(fake: Running) -> None:
    """What follows a good request on the same connection is refused; the good one was answered."""
    given = replies(fake.raw(request(plain(1)) + b"\x16\x03\x01 TLS where HTTP was expected\r\n\r\n"))
    assert [200, 400] == [reply.status for reply in given]
    assert 200 == fake.post("/predict", plain(1)).status
