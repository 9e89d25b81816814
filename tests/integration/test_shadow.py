"""A version that gets copies of the traffic: compared, counted, never returned, never in the way."""

import threading
from pathlib import Path

import pytest

from contract.aliases import Alias, write_aliases
from serving.store import Models
from tests.fakes import FakeEngine, fake_model, plain, write_model, write_store
from tests.integration.running import Running, running, wait_until
from tests.integration.traffic import PHOTOGRAPH, following

STABLE = Alias(model="partial", version="1")


def outcomes(server: Running) -> dict[str, int]:
    """Photographs by what became of their copies, those of none left out."""
    counts = {
        name: server.metric("thaw_shadow_total", outcome=name) for name in ("agree", "differ", "failed", "skipped")
    }
    return {name: int(count) for name, count in counts.items() if count}


def pair(engine: FakeEngine, copy: FakeEngine, share: float | None = None) -> Models:
    """partial/1 is stable on one engine, partial/2 its shadow on another."""
    aliases = {"stable": STABLE, "shadow": Alias(model="partial", version="2", share=share)}
    return Models([fake_model(engine), fake_model(copy, version="2")], aliases)


def send(server: Running, level: int = 200) -> None:
    """One photograph, answered by stable; then wait until its copy is accounted for."""
    before = sum(outcomes(server).values())
    assert "1" == server.post("/predict", plain(level)).json["version"]
    wait_until(lambda: sum(outcomes(server).values()) > before)


@pytest.fixture
def copy() -> FakeEngine:
    """The engine of the shadow."""
    return FakeEngine()


def test_agreement_and_differences_are_measured(tmp_path: Path) -> None:
    """Real graphs: one that answers the same agrees with no difference of score, another is told apart."""
    store = write_store(tmp_path / "store")
    seed = sum(b"partial1")  # of partial/1
    write_model(store, "partial", "2", seed=seed)
    write_aliases(store, {"stable": STABLE, "shadow": Alias(model="partial", version="2")})
    with following(store) as server:
        for _ in range(5):
            assert "1" == server.post("/predict", PHOTOGRAPH).json["version"]
        wait_until(lambda: sum(outcomes(server).values()) == 5)
        compared = outcomes(server)["agree"]
        assert outcomes(server).keys() <= {"agree", "skipped"}
        assert compared == server.metric("thaw_shadow_score_difference_bucket", le="0.001")
        assert 0 == server.metric("thaw_shadow_score_difference_bucket", le="-0.001")
        assert compared == server.metric("thaw_shadow_seconds_difference_count")


def test_a_shadow_that_answers_otherwise_differs(engine: FakeEngine, copy: FakeEngine) -> None:
    """The label with the highest score decides; the difference of the decision's label has its sign."""
    same = copy.run
    copy.run = lambda images, explain=False: same(255 - images)  # type: ignore[method-assign] # dark for bright
    with running(pair(engine, copy)) as server:
        send(server, level=250)
        assert {"differ": 1} == outcomes(server)
        assert 1 == server.metric("thaw_shadow_score_difference_bucket", le="-0.5")


def test_its_answers_are_never_returned(engine: FakeEngine, copy: FakeEngine) -> None:
    """Whatever the shadow does, fails included, the client gets stable's answer."""
    copy.guard = lambda images: (_ for _ in ()).throw(RuntimeError("broken"))
    with running(pair(engine, copy)) as server:
        copy.batches.clear()
        for _ in range(3):
            send(server)
        assert {"failed": 3} == outcomes(server)
        assert [1, 1, 1] == copy.batches


def test_it_waits_for_nobody_and_nobody_waits_for_it(engine: FakeEngine, copy: FakeEngine) -> None:
    """While the shadow hangs, stable answers on; copies beyond the few that may wait are skipped and counted."""
    with running(pair(engine, copy), lanes=2) as server:
        copy.gate.clear()
        for _ in range(10):
            assert 200 == server.post("/predict", plain(200)).status
        wait_until(lambda: outcomes(server) == {"skipped": 5})  # one in work, four waiting
        assert 0 == server.metric("thaw_slots_in_use")
        copy.gate.set()
        wait_until(lambda: outcomes(server) == {"skipped": 5, "agree": 5})


def test_a_busy_server_makes_no_copies(engine: FakeEngine, copy: FakeEngine) -> None:
    """As long as every lane has work, the copy is skipped."""
    first_is_over = threading.Event()
    engine.guard = lambda images: None if images.max() <= 1 else first_is_over.wait(10)
    with running(pair(engine, copy), lanes=1) as server:
        engine.gate.clear()
        first = server.later("/predict", plain(1))
        assert engine.entered.acquire(timeout=10)
        wait_until(lambda: server.metric("thaw_slots_in_use") == 1)
        second = server.later("/predict", plain(200))
        wait_until(lambda: server.metric("thaw_slots_in_use") == 2)
        engine.gate.set()
        assert 200 == first.reply().status
        wait_until(lambda: outcomes(server) == {"skipped": 1})
        first_is_over.set()
        assert 200 == second.reply().status
        wait_until(lambda: outcomes(server) == {"skipped": 1, "agree": 1})


def test_only_stable_s_traffic_is_copied(engine: FakeEngine, copy: FakeEngine) -> None:
    """A comparison, and who asks for the shadow's version by name, makes no copy."""
    with running(pair(engine, copy)) as server:
        assert "2" == server.post("/predict?version=2&model=partial", plain(1)).json["version"]
        assert 200 == server.post("/compare?models=partial/1,partial/2", plain(1)).status
        send(server)
        assert {"agree": 1} == outcomes(server)


def test_a_share_of_it_is_copied(engine: FakeEngine, copy: FakeEngine) -> None:
    """None at a share of 0; the share takes nothing from stable."""
    with running(pair(engine, copy, share=0.0)) as server:
        assert ["1"] * 20 == [server.post("/predict", plain(1)).json["version"] for _ in range(20)]
        assert {} == outcomes(server)


def test_a_photograph_that_cannot_be_read_is_not_copied(engine: FakeEngine, copy: FakeEngine) -> None:
    """There is no answer to compare with."""
    with running(pair(engine, copy)) as server:
        assert 415 == server.post("/predict", b"no photograph").status
        send(server)
        assert {"agree": 1} == outcomes(server)
