import json
from pathlib import Path

import pytest

from contract.aliases import Alias, write_aliases
from contract.errors import ArtifactError
from serving.engine import CPU
from serving.errors import Refusal
from serving.store import Models, load_models
from tests.fakes import FakeEngine, fake_model, write_model, write_store

STABLE = {"stable": Alias(model="partial", version="1")}


def some_models(**aliases: Alias) -> Models:
    """frozen 1, partial 1 and 2."""
    engine = FakeEngine()
    keys = (("frozen", "1"), ("partial", "1"), ("partial", "2"))
    return Models([fake_model(engine, *key) for key in keys], aliases)


def test_no_name_means_stable() -> None:
    """The alias decides, and the answer's name is the real one."""
    models = some_models(**STABLE)
    assert ("partial", "1") == models.find(None).key
    assert ("partial", "1") == models.find("stable").key


def test_a_name_alone_means_its_stable_or_newest_version() -> None:
    """Without an alias on it the highest number wins."""
    assert ("partial", "1") == some_models(**STABLE).find("partial").key
    assert ("partial", "2") == some_models().find("partial").key
    assert ("partial", "2") == some_models(**STABLE).find("partial", "2").key


def test_other_aliases_are_names_too() -> None:
    """?model=canary asks for it."""
    models = some_models(**STABLE, canary=Alias(model="partial", version="2", share=0.0))
    assert ("partial", "2") == models.find("canary").key


@pytest.mark.parametrize(
    ("name", "version", "kind"),
    [("tram", None, "unknown-model"), ("frozen", "2", "unknown-version"), (None, None, "bad-parameter")],
)
def test_what_is_not_there_is_refused_with_what_is(name: str | None, version: str | None, kind: str) -> None:
    """The sentence lists the choices."""
    with pytest.raises(Refusal) as caught:
        some_models().find(name, version)
    assert kind == caught.value.kind.name
    assert any(known in caught.value.detail for known in ("frozen", "1"))


def test_one_model_alone_needs_no_alias() -> None:
    """There is nothing to choose."""
    assert ("frozen", "1") == Models([fake_model(FakeEngine(), "frozen")], {}).find(None).key


def test_a_canary_gets_its_share() -> None:
    """By request id: the same id always goes the same way, and about a quarter goes to the canary."""
    models = some_models(**STABLE, canary=Alias(model="partial", version="2", share=0.25))
    chosen = [models.find(None, request_id=f"request-{i}").key[1] for i in range(2000)]
    assert chosen == [models.find(None, request_id=f"request-{i}").key[1] for i in range(2000)]
    assert 0.2 < chosen.count("2") / 2000 < 0.3
    assert {"1"} == {models.find("partial", request_id=f"request-{i}").key[1] for i in range(100)}


def test_loading_takes_the_newest_and_what_aliases_mean(tmp_path: Path) -> None:
    """Version 10 is newer than 9; an old one is loaded when an alias wants it."""
    for version in ("9", "10"):
        write_model(tmp_path, "frozen", version)
    for version in ("1", "2", "3"):
        write_model(tmp_path, "partial", version)
    write_aliases(tmp_path, STABLE)
    models = load_models(tmp_path, CPU, 4)
    assert [("frozen", "10"), ("partial", "1"), ("partial", "3")] == [model.key for model in models.all()]
    assert [("frozen", "10"), ("partial", "1")] == [model.key for model in models.one_each()]


def test_an_empty_store_is_no_store(tmp_path: Path) -> None:
    """With what was expected in it."""
    with pytest.raises(ArtifactError, match="holds no model"):
        load_models(tmp_path, CPU, 4)


def test_labels_must_fit_the_graph(tmp_path: Path) -> None:
    """A manifest with a label too many is refused, not answered with shifted names."""
    write_store(tmp_path)
    path = tmp_path / "frozen" / "1" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["labels"].append("tram")
    path.write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="6 labels"):
        load_models(tmp_path, CPU, 4)
