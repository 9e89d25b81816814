"""Who may ask: keys of clients."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.errors import StartError
from serving.keys import Keys, read_keys
from serving.settings import Settings
from tests.fakes import FakeEngine, fake_models, plain
from tests.integration.running import Running, request, running

KEY, OTHER = "a key of twenty-one characters", "another key of a client"


@pytest.fixture
def closed(engine: FakeEngine, tmp_path: Path) -> Iterator[Running]:
    """A server with a key from the variable and one from the file."""
    file = tmp_path / "keys"
    file.write_text(f"# of the second client\n{OTHER}\n\n")
    with running(fake_models(engine), api_keys=f"{KEY},", api_keys_file=file) as server:
        yield server


@pytest.mark.parametrize("path", ["/predict", "/compare", "/predictions/partial", "/v2/models/partial/infer"])
def test_without_a_key_nothing_is_answered(closed: Running, engine: FakeEngine, path: str) -> None:
    """401 in the route's own form, with the scheme that is wanted, before the photograph is looked at."""
    before = len(engine.batches)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}, {"X_API_Key": KEY[:-1]}):
        reply = closed.post(path, plain(1), **headers)
        assert (401, "Bearer") == (reply.status, reply.headers["www-authenticate"])
    assert before == len(engine.batches)
    assert 401 == closed.get("/models").status


def test_each_key_opens(closed: Running) -> None:
    """From the variable or the file, as Bearer or X-API-Key."""
    assert 200 == closed.post("/predict", plain(1), Authorization=f"Bearer {KEY}").status
    assert 200 == closed.post("/predict", plain(1), X_API_Key=OTHER).status
    assert 200 == closed.send("GET", "/models", headers={"Authorization": f"bearer {OTHER}"}).status


@pytest.mark.parametrize("path", ["/", "/docs", "/livez", "/readyz", "/metrics", "/ping", "/v2/health/ready"])
def test_what_looks_after_the_server_stays_open(closed: Running, path: str) -> None:
    """Probes, the scraper and the page carry no key."""
    assert 200 == closed.get(path).status


def test_keys_are_in_no_log(closed: Running) -> None:
    """The settings are logged at start."""
    assert KEY not in json.dumps(closed.settings.model_dump(mode="json"))


def test_a_refused_upload_does_not_disturb_the_next(closed: Running) -> None:
    """On the same connection: the body is read past, and the next request with a key is answered."""
    good = request(plain(1), X_API_Key=KEY, Connection="close")
    answers = closed.raw(request(plain(2)) + good)
    assert (b"HTTP/1.1 401", True) == (answers[:12], b"HTTP/1.1 200" in answers)


def test_no_keys_let_all_in() -> None:
    """The default: loopback, open."""
    assert not read_keys(Settings())
    assert not Keys([]).has("anything")


@pytest.mark.parametrize("settings", [{"api_keys": "short"}, {"api_keys": ","}, {"api_keys_file": "/nowhere"}])
def test_useless_keys_stop_the_start(settings: dict[str, str]) -> None:
    """Too short to be secret, none at all, or a file that is not there."""
    with pytest.raises(StartError, match="THAW_API_KEYS"):
        read_keys(Settings(**settings))  # type: ignore[arg-type] # checked by the model
