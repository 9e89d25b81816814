"""Which versions of a store answer."""

import json
import shutil
from pathlib import Path

import pytest

from contract.aliases import ALIASES, Alias, write_aliases
from contract.errors import ArtifactError
from serving.engine import CPU
from serving.loading import EVERYDAY, Keep, Source, load_models, renew
from serving.store import Models
from tests.damage import DAMAGES, complete, flip_a_byte, leave_out_graph, put
from tests.fakes import write_model, write_store


def source(store: Path, keep: Keep = EVERYDAY) -> Source:
    """On the CPU."""
    return Source(store, CPU, 4, keep)


def keys(models: Models) -> list[str]:
    """name/version of all that is loaded."""
    return ["/".join(model.key) for model in models.all()]


def refused(models: Models) -> dict[str, str]:
    """Subject -> reason, of what is certain."""
    return {each.subject: each.reason for each in models.refused if each.is_certain}


def alias(version: str, model: str = "partial", **rest: float) -> Alias:
    """Of partial unless told."""
    return Alias(model=model, version=version, **rest)


def test_the_newest_versions_and_what_aliases_mean(tmp_path: Path) -> None:
    """Version 10 is newer than 9; an old one is loaded when an alias or its way back wants it."""
    for version in ("8", "9", "10"):
        write_model(tmp_path, "frozen", version)
    for version in ("1", "2", "3", "4", "5"):
        write_model(tmp_path, "partial", version)
    write_aliases(tmp_path, {"stable": Alias(model="partial", version="2", previous="1")})
    models = load_models(tmp_path, CPU, 4)
    assert ["frozen/9", "frozen/10", "partial/1", "partial/2", "partial/4", "partial/5"] == keys(models)
    assert [("frozen", "10"), ("partial", "2")] == [model.key for model in models.one_each()]


def test_memory_is_bounded(tmp_path: Path) -> None:
    """At most so many versions: aliases first, then the newest of each name; who gets none is named."""
    write_store(tmp_path)
    write_model(tmp_path, "partial", "2")
    assert ["frozen/1", "majority/1", "partial/1"] == keys(load_models(tmp_path, CPU, 4, Keep(2, 3)))
    models = renew(Models((), {}), source(tmp_path, Keep(2, 2)), is_patient=False)
    assert ["frozen/1", "partial/1"] == keys(models)
    assert {"majority": "limit"} == refused(models)


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


def test_a_start_needs_what_stable_means(tmp_path: Path) -> None:
    """Another answer than the one that was asked for would be a lie."""
    write_store(tmp_path)
    put(tmp_path, "partial", "2", flip_a_byte)
    write_aliases(tmp_path, {"stable": alias("2")})
    with pytest.raises(ArtifactError, match=r"partial/2.*SHA-256"):
        load_models(tmp_path, CPU, 4)
    write_aliases(tmp_path, {"stable": alias("7")})
    with pytest.raises(ArtifactError, match=r"partial/7, which is not there"):
        load_models(tmp_path, CPU, 4)


def test_a_start_goes_on_without_a_damaged_newer_version_or_canary(tmp_path: Path) -> None:
    """A restart must not end what was served before: the older version answers, the canary's share stays with it."""
    write_store(tmp_path)
    put(tmp_path, "partial", "2", flip_a_byte)
    write_aliases(tmp_path, {"stable": alias("1"), "canary": alias("2", share=0.5)})
    models = load_models(tmp_path, CPU, 4)
    assert ["frozen/1", "majority/1", "partial/1"] == keys(models)
    assert {"partial/2": "files", "alias canary": "aliases"} == refused(models)
    assert {"1"} == {models.find(None, request_id=str(i)).key[1] for i in range(50)}


@pytest.mark.parametrize(("damage", "reason"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_version_is_refused_with_its_reason(tmp_path: Path, damage: object, reason: str) -> None:
    """Whatever is wrong with it, the models that answered are the same objects; clients are told no path."""
    before = load_models(write_store(tmp_path), CPU, 4)
    put(tmp_path, "partial", "2", damage)  # type: ignore[arg-type] # a function, whatever its name
    after = renew(before, source(tmp_path), is_patient=False)
    assert before.all() == after.all()
    assert {"partial/2": reason} == refused(after)
    assert str(tmp_path) not in after.refused[0].detail


def test_a_refused_version_is_tried_again_only_when_its_files_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First it may be half-written, then it is certain; hashing it at every look would cost for nothing."""
    before = load_models(write_store(tmp_path), CPU, 4)
    folder = put(tmp_path, "partial", "2", leave_out_graph)
    first = renew(before, source(tmp_path), is_patient=True)
    assert {} == refused(first)
    with monkeypatch.context() as patch:
        patch.setattr("serving.loading.prove", lambda *_: pytest.fail("tried again"))
        second = renew(first, source(tmp_path), is_patient=True)
    assert {"partial/2": "files"} == refused(second)
    complete(folder)
    third = renew(second, source(tmp_path), is_patient=True)
    assert ({}, "partial/2") == (refused(third), keys(third)[-1])


def test_stable_stays_where_it_was_when_its_new_version_is_damaged(tmp_path: Path) -> None:
    """The alias moves only when what it means has been proved."""
    before = load_models(write_store(tmp_path), CPU, 4)
    put(tmp_path, "partial", "2", flip_a_byte)
    write_aliases(tmp_path, {"stable": alias("2")})
    after = renew(before, source(tmp_path), is_patient=False)
    assert ("partial", "1") == after.find(None).key
    assert {"partial/2": "files", "alias stable": "aliases"} == refused(after)


def test_latest_follows_the_newest_whole_version(tmp_path: Path) -> None:
    """Past a damaged one to the one before it."""
    write_store(tmp_path)
    write_model(tmp_path, "partial", "2")
    put(tmp_path, "partial", "3", flip_a_byte)
    write_aliases(tmp_path, {"stable": alias("latest")})
    models = load_models(tmp_path, CPU, 4)
    assert (("partial", "2"), "2") == (models.find(None).key, models.aliases["stable"].version)


@pytest.mark.parametrize("content", [b"{", b'{"stable": {"model": "partial", "version": "1", "share": 2}}', None])
def test_aliases_that_cannot_be_read_stay_as_they_were(tmp_path: Path, content: bytes | None) -> None:
    """Damaged or gone: the file is refused, traffic stays."""
    before = load_models(write_store(tmp_path), CPU, 4)
    path = tmp_path / ALIASES
    path.unlink() if content is None else path.write_bytes(content)
    after = renew(before, source(tmp_path), is_patient=True)
    assert before.aliases == after.aliases
    assert {ALIASES: "missing" if content is None else "aliases"} == refused(after)


def test_an_alias_must_not_take_a_model_s_name(tmp_path: Path) -> None:
    """`frozen` cannot mean partial."""
    write_store(tmp_path)
    write_aliases(tmp_path, {"stable": alias("1"), "frozen": alias("1")})
    models = load_models(tmp_path, CPU, 4)
    assert {"alias frozen": "aliases"} == refused(models)
    assert ("frozen", "1") == models.find("frozen").key


def test_versions_that_are_gone_are_let_go_unless_an_alias_means_them(tmp_path: Path) -> None:
    """A removed folder ends its version; the one that stable means answers on from memory, and that is said."""
    before = load_models(write_store(tmp_path), CPU, 4)
    shutil.rmtree(tmp_path / "frozen")
    shutil.rmtree(tmp_path / "partial")
    after = renew(before, source(tmp_path), is_patient=True)
    assert ["majority/1", "partial/1"] == keys(after)
    assert {"partial/1": "missing"} == refused(after)


def test_a_store_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    """An unmounted folder is no order to forget everything; when it is back, all is well again."""
    store = write_store(tmp_path / "store")
    before = load_models(store, CPU, 4)
    store.rename(tmp_path / "away")
    without = renew(before, source(store), is_patient=True)
    assert (before.all(), before.aliases, {"store": "missing"}) == (without.all(), without.aliases, refused(without))
    store.mkdir()
    assert before.all() == renew(without, source(store), is_patient=True).all()
    store.rmdir()
    (tmp_path / "away").rename(store)
    again = renew(without, source(store), is_patient=True)
    assert (before.all(), {}) == (again.all(), refused(again))


def test_a_name_keeps_its_last_version_when_all_that_is_left_is_damaged(tmp_path: Path) -> None:
    """Version 1 was deleted and 2 is broken: 1 answers on."""
    before = load_models(write_store(tmp_path), CPU, 4)
    shutil.rmtree(tmp_path / "frozen" / "1")
    put(tmp_path, "frozen", "2", flip_a_byte)
    after = renew(before, source(tmp_path), is_patient=False)
    assert "frozen/1" in keys(after)
    assert {"frozen/2": "files"} == refused(after)
