"""Leaving in the right order: nobody who was let in is left standing."""

import socket
import threading
from contextlib import suppress

import pytest

from serving.listener import turn_away
from tests.fakes import FakeEngine, fake_models, plain
from tests.integration.running import Running, read_all, read_reply, request, wait_until


def start(engine: FakeEngine, **settings: float) -> Running:
    """A server that the test itself ends."""
    return Running(fake_models(engine), **settings)


def test_during_the_gap_all_is_served_and_connections_are_ended(engine: FakeEngine) -> None:
    """Not ready at once; new and old connections are answered with Connection: close."""
    server = start(engine, drain_seconds=5.0)
    with server.connect() as old:
        old.sendall(request(plain(1)))
        assert "connection" not in read_reply(old).headers
        server.begin_stop()
        wait_until(lambda: server.get("/readyz").status == 503)
        assert 200 == server.get("/livez").status
        assert 500 == server.get("/ping").status
        old.sendall(request(plain(1)))
        reply = read_reply(old)
        assert (200, "close") == (reply.status, reply.headers["connection"])
        assert b"" == read_all(old)
    new = server.post("/predict", plain(1))
    assert (200, "close") == (new.status, new.headers["connection"])
    assert "draining" in server.get("/readyz").json["detail"]
    server._loop.call_soon_threadsafe(server._hurry.set)
    server.stop()


def test_an_idle_connection_is_ended_only_after_the_gap(engine: FakeEngine) -> None:
    """A client that was silent may still send until the listener is closed."""
    server = start(engine, drain_seconds=0.3)
    with server.connect() as idle:
        idle.sendall(request(method="GET", path="/livez"))
        read_reply(idle)
        server.begin_stop()
        wait_until(lambda: server.server.pipeline.is_draining)
        assert server.server.connections.count >= 1
        assert b"" == read_all(idle)
    server.stop()


def test_what_is_in_work_is_finished(engine: FakeEngine) -> None:
    """An inference that outlasts the gap is answered, and so is what waits behind it."""
    server = start(engine, drain_seconds=0.0)
    engine.gate.clear()
    waiting = [server.later("/predict", plain(level)) for level in (1, 2, 3)]
    wait_until(lambda: server.metric("thaw_slots_in_use") == 3)
    server.begin_stop()
    wait_until(lambda: server.server._listener.fileno() == -1)
    engine.gate.set()
    assert [(200, "close")] * 3 == [(each.reply().status, each.reply().headers["connection"]) for each in waiting]
    server.stop()


def test_what_never_ends_is_cut_off(engine: FakeEngine) -> None:
    """After stop_seconds the server is gone whatever hangs in it."""
    server = start(engine, drain_seconds=0.0, stop_seconds=0.2)
    engine.gate.clear()
    with server.connect() as hanging:
        hanging.sendall(request(plain(1)))
        assert engine.entered.acquire(timeout=10)
        server.begin_stop()
        with suppress(ConnectionResetError):
            assert b"" == read_all(hanging)
    engine.gate.set()
    server.stop()


def test_connections_that_wait_in_the_kernel_are_answered(engine: FakeEngine) -> None:
    """Accepted by the kernel but not yet by us when the listener closes: taken first, and answered."""
    server = start(engine, drain_seconds=0.0)
    blocked, go_on = threading.Event(), threading.Event()
    server._loop.call_soon_threadsafe(lambda: (blocked.set(), go_on.wait(10)))
    assert blocked.wait(10)
    early: list[socket.socket] = [server.connect() for _ in range(20)]
    for connection in early:
        connection.sendall(request(method="GET", path="/livez"))
    server.begin_stop()
    go_on.set()
    assert [200] * 20 == [read_reply(connection).status for connection in early]
    for connection in early:
        connection.close()
    server.stop()


def test_turning_away_keeps_what_was_accepted() -> None:
    """A connection made before is still there to take; one tried afterwards is never made."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as before:
        turn_away(listener)
        with socket.socket() as after:
            after.settimeout(0.3)
            with pytest.raises(TimeoutError):
                after.connect(listener.getsockname())
        listener.settimeout(5)
        taken, _ = listener.accept()
        with taken:
            before.sendall(b"x")
            assert b"x" == taken.recv(1)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
