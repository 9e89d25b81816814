"""Versions that come, go, break and return while clients never stop asking."""

import gc
import logging
import re
import shutil
import weakref
from pathlib import Path

import pytest

from contract.aliases import ALIASES, Alias, read_aliases, write_aliases
from tests.damage import DAMAGES, complete, flip_a_byte, leave_out_graph, put
from tests.fakes import photograph, write_model, write_store
from tests.integration.running import Running, replies, request, wait_until
from tests.integration.traffic import following, traffic


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """frozen, partial and majority in version 1; `stable` is partial."""
    return write_store(tmp_path / "store")


def loaded(server: Running) -> list[str]:
    """name/version of every loaded version, as /models tells them."""
    return [f"{model['name']}/{model['version']}" for model in server.get("/models").json["models"]]


def refused(server: Running) -> dict[str, str]:
    """Subject -> reason, as /models tells them."""
    return {each["subject"]: each["reason"] for each in server.get("/models").json["refused"]}


def point(store: Path, name: str, version: str, model: str = "partial", share: float | None = None) -> None:
    """As an operator would: write one alias, leave the others."""
    write_aliases(store, {**read_aliases(store), name: Alias(model=model, version=version, share=share)})


def versions(server: Running, path: str, headers: list[dict[str, str]]) -> list[str]:
    """Of the answers to one request for each set of headers, all on one connection."""
    asked = [request(photograph(1), path=path, **each) for each in headers]
    end = request(method="GET", path="/livez", Connection="close")
    answers = replies(server.raw(b"".join([*asked, end])))
    return [answer.json["version"] for answer in answers[:-1]]


def test_a_new_version_answers_without_a_failed_request(store: Path) -> None:
    """A whole version appears under load: answers switch from the old to the new one, never back, none is lost."""
    point(store, "stable", "latest")
    with following(store) as server:
        with traffic(server) as clients:
            write_model(store, "partial", "2")
            clients.wait_for_answers(version="2")
        first = clients.versions.index("2")
        assert {"1"} == set(clients.versions[:first])
        assert {"2"} == set(clients.versions[first + 3 :])  # as many as clients may have had an older one in flight
        assert ["frozen/1", "majority/1", "partial/1", "partial/2"] == loaded(server)


def test_a_new_version_waits_while_stable_names_a_number(store: Path) -> None:
    """It is loaded and may be asked for; who asks for nothing gets what the alias says until the alias says else."""
    with following(store) as server, traffic(server) as clients:
        write_model(store, "partial", "2")
        wait_until(lambda: "partial/2" in loaded(server))
        assert "2" == server.post("/predict?model=partial&version=2", photograph(1)).json["version"]
        clients.wait_for_answers(version="1")
        point(store, "stable", "2")
        clients.wait_for_answers(version="2")
        point(store, "stable", "1")
        clients.wait_for_answers(version="1")
        assert 2 == server.metric("thaw_store_changes_total", change="aliases")


def test_versions_are_chosen_on_every_route(store: Path) -> None:
    """By query, by path and side by side; an answer names the real model and version, whatever was asked for."""
    write_model(store, "partial", "2")
    with following(store) as server:
        answers = {
            version: server.post(f"/predict?model=partial&version={version}", photograph(1)).json["predictions"]
            for version in ("1", "2")
        }
        assert answers["1"] != answers["2"]
        named = server.post("/predict?model=stable", photograph(1)).json
        assert ("partial", "1", answers["1"]) == (named["model"], named["version"], named["predictions"])
        for version in ("1", "2"):
            scores = {each["label"]: each["score"] for each in answers[version]}
            assert scores == server.post(f"/predictions/partial/{version}", photograph(1)).json
        both = server.post("/compare?models=stable,partial/2", photograph(1)).json["models"]
        assert {"stable": answers["1"], "partial/2": answers["2"]} == {k: v["predictions"] for k, v in both.items()}
        for name in ("stable", "partial/versions/2"):
            metadata = server.get(f"/v2/models/{name}").json
            assert ("partial", ["1", "2"]) == (metadata["name"], metadata["versions"])
        assert 404 == server.get("/v2/models/partial/versions/3").status
        assert 404 == server.post("/predictions/partial/3", photograph(1)).status
        assert 404 == server.post("/predictions/stable/2", photograph(1)).status


@pytest.mark.parametrize(("damage", "reason"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_version_is_refused_while_the_old_one_serves(
    store: Path, damage: object, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Under load, in /models, in the metrics and in the log; readiness does not change."""
    point(store, "stable", "latest")
    caplog.set_level(logging.INFO, "thaw.store")
    with following(store) as server, traffic(server) as clients:
        put(store, "partial", "2", damage)  # type: ignore[arg-type] # a function, whatever its name
        wait_until(lambda: {"partial/2": reason} == refused(server))
        clients.wait_for_answers()
        assert {"1"} == set(clients.versions)
        assert 1 == server.metric("thaw_versions_refused_total", reason=reason)
        assert 1 == server.metric("thaw_versions_refused_now")
        assert 200 == server.get("/readyz").status
        assert 404 == server.post("/predictions/partial/2", photograph(1)).status
    assert 1 == sum("refused partial/2" in record.getMessage() for record in caplog.records)


def test_a_half_written_version_is_taken_when_it_is_whole(store: Path) -> None:
    """First without its graph, later completed: refused, then loaded and answering."""
    point(store, "stable", "latest")
    with following(store) as server, traffic(server) as clients:
        folder = put(store, "partial", "2", leave_out_graph)
        wait_until(lambda: {"partial/2": "files"} == refused(server))
        complete(folder)
        clients.wait_for_answers(version="2")
        assert {} == refused(server)
        assert 0 == server.metric("thaw_versions_refused_now")


def test_aliases_that_are_damaged_change_nothing(store: Path) -> None:
    """Traffic stays where it was until the file is right again."""
    write_model(store, "partial", "2")
    with following(store) as server, traffic(server) as clients:
        (store / ALIASES).write_text('{"stable": {"model": "partial"')
        wait_until(lambda: {ALIASES: "aliases"} == refused(server))
        clients.wait_for_answers(version="1")
        point_anew = {"stable": Alias(model="partial", version="2")}
        write_aliases(store, point_anew)
        clients.wait_for_answers(version="2")


def test_a_share_of_the_traffic_goes_to_the_canary(store: Path) -> None:
    """Within five standard deviations of its share; a request id goes the same way every time."""
    write_model(store, "partial", "2")
    point(store, "canary", "2", share=0.3)
    most = 5 * (400 * 0.3 * 0.7) ** 0.5
    with following(store) as server:
        ids = [{"X_Request_Id": f"order-{number}"} for number in range(400)]
        chosen, again = versions(server, "/predict", ids), versions(server, "/predict?model=stable", ids)
        assert chosen == again
        assert abs(chosen.count("2") - 400 * 0.3) < most
        drawn = versions(server, "/predict", [{}] * 400)
        assert abs(drawn.count("2") - 400 * 0.3) < most
        assert {"1"} == set(versions(server, "/predict?model=partial", [{}] * 20))
        answered = server.metric("thaw_requests_total", route="predict", model="partial", version="2", outcome="ok")
        assert chosen.count("2") * 2 + drawn.count("2") == answered


def test_a_version_that_is_gone_is_let_go(store: Path) -> None:
    """Its session leaves memory with its last request, and its series leave the metrics."""
    with following(store) as server:
        write_model(store, "frozen", "2")
        wait_until(lambda: "frozen/2" in loaded(server))
        model = weakref.ref(server.server.pipeline.models.find("frozen", "2"))
        assert 200 == server.post("/predictions/frozen/2", photograph(1)).status
        shutil.rmtree(store / "frozen" / "2")
        wait_until(lambda: "frozen/2" not in loaded(server))
        gc.collect()
        wait_until(lambda: model() is None)
        wait_until(lambda: not re.search(rb'model="frozen".*version="2"', server.get("/metrics").body))
        assert 404 == server.post("/predictions/frozen/2", photograph(1)).status
        assert 200 == server.post("/predictions/frozen", photograph(1)).status


def test_a_damaged_version_disturbs_no_other_one(store: Path) -> None:
    """A good version of another model is taken in the same look."""
    with following(store) as server, traffic(server):
        put(store, "partial", "2", flip_a_byte)
        write_model(store, "frozen", "2")
        wait_until(lambda: "frozen/2" in loaded(server) and "partial/2" in refused(server))


@pytest.mark.long
@pytest.mark.timeout(300)
def test_memory_of_unloaded_versions_is_released(store: Path) -> None:
    """Two hundred versions come and go under load; memory after the last is within 5 % of that after the fiftieth."""
    point(store, "stable", "latest")

    def resident_mb() -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * 4096 / 1e6

    after_fifty = 0.0
    with following(store, versions_per_model=1) as server, traffic(server) as clients:
        for number in range(2, 202):
            write_model(store, "partial", str(number))
            clients.wait_for_answers(5, version=str(number))
            shutil.rmtree(store / "partial" / str(number - 1))
            after_fifty = resident_mb() if number == 50 else after_fifty
        wait_until(lambda: loaded(server) == ["frozen/1", "majority/1", "partial/201"])
        assert resident_mb() < 1.05 * after_fifty
