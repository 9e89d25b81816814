"""Publishing counts versions on, moves `stable`, and changes nothing that is there."""

from pathlib import Path

import pytest

from contract.aliases import STABLE, Alias, read_aliases, write_aliases
from contract.artifact import CARD, GOLDEN, MODEL, Artifact, list_versions, read_artifact, write_artifact
from contract.errors import ArtifactError
from tests.unit.training.tiny import quiet
from training.job import Job
from training.publish import publish

Finished = tuple[Job, list[Artifact]]


def content(folder: Path) -> dict[str, bytes]:
    """Every file below, by its place."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_versions_count_on_and_old_ones_stay(finished: Finished, tmp_path: Path) -> None:
    """1, then 2: the first publication is untouched by the second."""
    out = finished[0].out
    first = publish(out, tmp_path, quiet())
    before = content(tmp_path)
    publish(out, tmp_path, quiet())
    assert {"frozen": [1, 2], "partial": [1, 2]} == list_versions(tmp_path)
    assert {"frozen", "partial"} == {artifact.manifest.name for artifact in first}
    after = content(tmp_path)
    assert all(after[name] == data for name, data in before.items() if name != "aliases.json")


def test_what_is_published_is_the_jobs_model(finished: Finished, tmp_path: Path) -> None:
    """Graph and goldens byte for byte; the card names its own version."""
    out = finished[0].out
    publish(out, tmp_path, quiet())
    publish(out, tmp_path, quiet())
    for name in ("frozen", "partial"):
        ours, theirs = out / name / "1", tmp_path / name / "2"
        assert [(ours / file).read_bytes() for file in (MODEL, GOLDEN)] == [
            (theirs / file).read_bytes() for file in (MODEL, GOLDEN)
        ]
        assert f"# {name}, version 2" in (theirs / CARD).read_text()
        manifests = [
            read_artifact(folder).manifest.model_dump(exclude={"version", "files"}) for folder in (ours, theirs)
        ]
        assert manifests[0] == manifests[1]


def test_stable_follows_the_choice_and_other_aliases_stay(finished: Finished, tmp_path: Path) -> None:
    """The job chose one on validation; a canary that an operator set is not ours to move."""
    chosen = read_aliases(finished[0].out)[STABLE].model
    canary = Alias(model="frozen", version="1", share=0.1)
    publish(finished[0].out, tmp_path, quiet())
    assert {STABLE: Alias(model=chosen, version="1")} == read_aliases(tmp_path)
    write_aliases(tmp_path, {**read_aliases(tmp_path), "canary": canary})
    publish(finished[0].out, tmp_path, quiet())
    assert {STABLE: Alias(model=chosen, version="2"), "canary": canary} == read_aliases(tmp_path)


def test_a_damaged_job_is_not_published(finished: Finished, tmp_path: Path) -> None:
    """Hashes are checked on the way."""
    job_store, store = tmp_path / "job", tmp_path / "store"
    (job_store / "frozen" / "1").mkdir(parents=True)
    for path in (finished[0].out / "frozen" / "1").iterdir():
        data = path.read_bytes()
        (job_store / "frozen" / "1" / path.name).write_bytes(data + b"x" if path.name == MODEL else data)
    with pytest.raises(ArtifactError, match=r"model\.onnx: SHA-256"):
        publish(job_store, store, quiet())
    assert {} == list_versions(store)


def test_a_version_beyond_the_last_is_taken(finished: Finished, tmp_path: Path) -> None:
    """Version 1 may have gone: numbers are never used again."""
    out = finished[0].out
    for _ in range(2):
        publish(out, tmp_path, quiet())
    for path in (tmp_path / "frozen" / "1").iterdir():
        path.unlink()
    (tmp_path / "frozen" / "1").rmdir()
    publish(out, tmp_path, quiet())
    assert {"frozen": [2, 3], "partial": [1, 2, 3]} == list_versions(tmp_path)


def test_a_contrast_never_takes_stable(finished: Finished, tmp_path: Path) -> None:
    """Its source has seen the new class: it joins the store, and `stable` stays where it was."""
    store, contrast = tmp_path / "store", tmp_path / "contrast"
    publish(finished[0].out, store, quiet())
    before = read_aliases(store)[STABLE]
    artifact = finished[1][0]
    seen = artifact.manifest.source.model_copy(update={"seen_new_class": "yes"})
    manifest = artifact.manifest.model_copy(update={"name": "contrast", "source": seen})
    write_artifact(contrast, manifest, {name: (artifact.folder / name).read_bytes() for name in manifest.files})
    write_aliases(contrast, {STABLE: Alias(model="contrast", version="1")})
    publish(contrast, store, quiet())
    assert [1] == list_versions(store)["contrast"]
    assert before == read_aliases(store)[STABLE]
