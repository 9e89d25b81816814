"""The routes that change the server: who may use them, what they do, what they leave in the log."""

import logging
import threading
from pathlib import Path

import pytest

from contract.aliases import Alias, read_aliases, write_aliases
from serving.loading import Source, prove
from serving.store import Model, Refused
from tests.damage import flip_a_byte, put
from tests.fakes import photograph, write_model, write_store
from tests.integration.running import Reply, Running, request, wait_until
from tests.integration.traffic import following, traffic

KEY = "a-key-of-sixteen-characters-and-more"
ACTIVATE_2 = "/admin/models/partial/versions/2:activate"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """partial in versions 1 and 2 among others; `stable` is partial/1."""
    write_model(tmp_path / "store", "partial", "2")
    return write_store(tmp_path / "store")


def order(server: Running, path: str, key: str | None = KEY) -> Reply:
    """POST with a key."""
    return server.send("POST", path, headers={} if key is None else {"Authorization": f"Bearer {key}"})


def version(server: Running) -> str:
    """Of the answer when none is asked for."""
    return str(server.post("/predict", photograph(1)).json["version"])


def test_without_a_key_administration_is_closed(store: Path) -> None:
    """403 to everybody, and nothing changes; the sentence says how to open it."""
    with following(store, poll_seconds=0) as server:
        for key in (None, "", KEY):
            reply = order(server, ACTIVATE_2, key)
            assert (403, "/docs#admin-closed") == (reply.status, reply.json["type"])
        assert "THAW_ADMIN_KEY" in reply.json["detail"]
        assert "1" == version(server)


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", KEY, "Basic x"]
)
def test_a_wrong_or_absent_key_is_refused(store: Path, header: str | None, caplog: pytest.LogCaptureFixture) -> None:
    """401, nothing changes, and the attempt is in the log without what was tried."""
    caplog.set_level(logging.INFO, "thaw.audit")
    with following(store, poll_seconds=0, admin_key=KEY) as server:
        reply = server.send("POST", ACTIVATE_2, headers={} if header is None else {"Authorization": header})
        assert (401, "/docs#unauthorized") == (reply.status, reply.json["type"])
        assert "Bearer" == reply.headers["www-authenticate"]
        assert "1" == version(server)
    (record,) = [each for each in caplog.records if each.name == "thaw.audit"]
    fields = record.fields  # type: ignore[attr-defined] # extra
    assert ("activate", "2", "127.0.0.1") == (fields["action"], fields["version"], fields["client"])
    assert KEY[:-1] not in str(record.__dict__)


def test_activation_under_load_loses_no_request(store: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Answers switch, the alias is written for other replicas and the next start, and an audit line says who asked."""
    caplog.set_level(logging.INFO, "thaw.audit")
    with following(store, poll_seconds=0, admin_key=KEY) as server, traffic(server) as clients:
        reply = order(server, ACTIVATE_2)
        assert (200, {"model": "partial", "version": "2", "previous": "1"}) == (reply.status, reply.json)
        clients.wait_for_answers(version="2")
        assert Alias(model="partial", version="2", previous="1") == read_aliases(store)["stable"]
    (record,) = [each for each in caplog.records if each.name == "thaw.audit"]
    fields = record.fields  # type: ignore[attr-defined] # extra
    assert (reply.headers["x-request-id"], "127.0.0.1") == (fields["request_id"], fields["client"])


def test_rolling_back_returns_to_the_version_before(store: Path) -> None:
    """And rolling back again returns from there; activating the old one does the same."""
    with following(store, poll_seconds=0, admin_key=KEY) as server, traffic(server) as clients:
        assert 409 == order(server, "/admin/models/partial:rollback").status
        for path, expected in (
            (ACTIVATE_2, "2"),
            ("/admin/models/partial:rollback", "1"),
            ("/admin/models/partial:rollback", "2"),
            ("/admin/models/partial/versions/1:activate", "1"),
        ):
            assert expected == order(server, path).json["version"]
            assert expected == version(server)
            clients.wait_for_answers(version=expected)


def test_a_version_that_just_came_is_proved_before_it_answers(store: Path) -> None:
    """Nobody has looked at the store since: activation reads it; a damaged one is refused, and the old one serves."""
    with following(store, poll_seconds=0, admin_key=KEY) as server, traffic(server) as clients:
        put(store, "partial", "3", flip_a_byte)
        reply = order(server, "/admin/models/partial/versions/3:activate")
        assert (409, "/docs#not-activated") == (reply.status, reply.json["type"])
        assert "SHA-256" in reply.json["detail"]
        assert str(store) not in reply.json["detail"]
        assert ("1", "1") == (version(server), read_aliases(store)["stable"].version)
        write_model(store, "partial", "4")
        assert "4" == order(server, "/admin/models/partial/versions/4:activate").json["version"]
        clients.wait_for_answers(version="4")


def test_a_model_that_is_not_stable_is_pinned_by_its_own_name(store: Path) -> None:
    """Then a newer version of it waits; stable is not touched."""
    write_model(store, "frozen", "2")
    with following(store, poll_seconds=0, admin_key=KEY) as server:
        assert "2" == server.post("/predict?model=frozen", photograph(1)).json["version"]
        assert {"model": "frozen", "version": "1", "previous": "2"} == order(
            server, "/admin/models/frozen/versions/1:activate"
        ).json
        assert "1" == server.post("/predict?model=frozen", photograph(1)).json["version"]
        assert ["frozen", "stable"] == sorted(read_aliases(store))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/admin/models/tram/versions/1:activate", 404),
        ("/admin/models/partial/versions/9:activate", 404),
        ("/admin/models/partial/versions/..:activate", 404),
        ("/admin/models/../versions/1:activate", 404),
        ("/admin/models/tram:rollback", 409),
        ("/admin/models/partial/versions/1:explode", 404),
    ],
)
def test_what_is_not_there_cannot_be_activated(store: Path, path: str, status: int) -> None:
    """Neither by a name that is a path."""
    with following(store, poll_seconds=0, admin_key=KEY) as server:
        assert status == order(server, path).status
        assert "1" == version(server)


def test_a_store_that_cannot_be_written_refuses_activation(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not written would be forgotten at the next start: nothing is changed instead."""

    def read_only(folder: Path, aliases: dict[str, Alias]) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("serving.keeper.write_aliases", read_only)
    with following(store, poll_seconds=0, admin_key=KEY) as server:
        reply = order(server, ACTIVATE_2)
        assert (409, True) == (reply.status, "Read-only file system" in reply.json["detail"])
        assert "1" == version(server)


def test_other_replicas_follow_at_their_next_look(store: Path) -> None:
    """Two servers on one store: activation by one reaches the other."""
    told = following(store, poll_seconds=0, admin_key=KEY)
    with told as server, following(store) as other, traffic(other) as clients:
        order(server, ACTIVATE_2)
        clients.wait_for_answers(version="2")


def test_activation_keeps_the_other_aliases(store: Path) -> None:
    """The canary of an operator stays in the file."""
    canary = Alias(model="partial", version="2", share=0.2)
    write_aliases(store, {**read_aliases(store), "canary": canary})
    with following(store, poll_seconds=0, admin_key=KEY) as server:
        order(server, ACTIVATE_2)
        assert canary == read_aliases(store)["canary"]


def test_an_order_is_carried_out_though_its_sender_left(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File and traffic agree; only the answer is not read by anybody."""
    is_asked, may_go_on = threading.Event(), threading.Event()

    def slowly(key: tuple[str, str], source: Source) -> Model | Refused:
        is_asked.set()
        may_go_on.wait(10)
        return prove(key, source)

    monkeypatch.setattr("serving.keeper.prove", slowly)
    with following(store, poll_seconds=0, admin_key=KEY) as server:
        write_model(store, "partial", "4")
        path = "/admin/models/partial/versions/4:activate"
        with server.connect() as connection:
            connection.sendall(request(path=path, Authorization=f"Bearer {KEY}"))
            assert is_asked.wait(10)
        wait_until(lambda: server.metric("thaw_requests_total", route="admin", outcome="gone") == 1)
        may_go_on.set()
        wait_until(lambda: version(server) == "4")
        assert "4" == read_aliases(store)["stable"].version
