"""A version is whole, true to its hashes and never changed, or it is not there."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from contract.artifact import (
    CARD,
    GOLDEN,
    MANIFEST,
    MODEL,
    REQUIRED,
    Artifact,
    file_sha256,
    list_versions,
    read_artifact,
    read_manifest,
    write_artifact,
)
from contract.errors import ArtifactError
from contract.golden import Golden, golden_bytes
from tests.fakes import manifest, photograph, write_model

GOLDENS = Golden((photograph(1), photograph(2)), np.full((2, 5), 0.2, np.float32))
FILES = {MODEL: b"a graph", GOLDEN: golden_bytes(GOLDENS), CARD: b"# Card\n"}


def written(store: Path, version: str = "1", **more: bytes) -> Artifact:
    """partial, with files that only look like a model."""
    return write_artifact(store, manifest("partial", version), {**FILES, **more})


def edit(folder: Path, old: str, new: str) -> None:
    """Another text in the manifest."""
    path = folder / MANIFEST
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """Folder, manifest, every file with its hash, the goldens."""
    artifact = written(tmp_path)
    assert tmp_path / "partial" / "1" == artifact.folder
    assert artifact == read_artifact(artifact.folder)
    assert {*FILES, MANIFEST} == {path.name for path in artifact.folder.iterdir()}
    assert artifact.manifest.files == {name: file_sha256(artifact.folder / name) for name in FILES}
    assert GOLDENS.photographs == artifact.golden().photographs
    assert np.array_equal(GOLDENS.probabilities, artifact.golden().probabilities)


def test_a_version_never_changes(tmp_path: Path) -> None:
    """Writing it again is refused, and the first one stays."""
    artifact = written(tmp_path)
    before = {path.name: path.read_bytes() for path in artifact.folder.iterdir()}
    with pytest.raises(ArtifactError, match="never changes"):
        written(tmp_path, **{CARD: b"another"})
    assert before == {path.name: path.read_bytes() for path in artifact.folder.iterdir()}
    assert {"partial": [1]} == list_versions(tmp_path)


@pytest.mark.parametrize("failing", [0, 1, 3])
def test_a_failure_in_the_middle_leaves_nothing(tmp_path: Path, failing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk at any file: no version, no rest, and the next try succeeds."""
    calls = iter(range(9))
    sync = os.fsync

    def full(descriptor: int) -> None:
        if next(calls) == failing:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            written(tmp_path)
    assert [] == list((tmp_path / "partial").iterdir())
    assert {} == list_versions(tmp_path)
    assert "1" == written(tmp_path).manifest.version


KILLED_WRITER = """
import os, sys
from pathlib import Path
from contract.artifact import write_artifact
from tests.unit.contract.test_artifact import FILES, manifest
calls = iter(range(9))
os.fsync = lambda descriptor: os._exit(9) if next(calls) == 2 else None
write_artifact(Path(sys.argv[1]), manifest("partial"), FILES)
"""


def test_a_killed_writer_leaves_no_version(tmp_path: Path) -> None:
    """What it leaves is hidden: no reader sees it, no later writer stumbles over it."""
    ended = subprocess.run([sys.executable, "-c", KILLED_WRITER, str(tmp_path)], check=False, timeout=15)
    assert 9 == ended.returncode
    left = [path.name for path in (tmp_path / "partial").iterdir()]
    assert (1, True) == (len(left), left[0].startswith("."))
    assert {} == list_versions(tmp_path)
    assert "1" == written(tmp_path).manifest.version
    assert {"partial": [1]} == list_versions(tmp_path)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_changed_file_is_refused(tmp_path: Path, name: str) -> None:
    """One bit in any file, and the sentence names it."""
    path = written(tmp_path).folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=f"{name}: SHA-256"):
        read_artifact(path.parent)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    """The manifest names it, so it must be there."""
    path = written(tmp_path).folder / name
    path.unlink()
    with pytest.raises(ArtifactError, match=f"{name}: missing"):
        read_artifact(path.parent)


@pytest.mark.parametrize("name", REQUIRED)
def test_every_required_file_is_listed(tmp_path: Path, name: str) -> None:
    """An artifact without a model, goldens or a card is none, and says which is not there."""
    files = {key: data for key, data in FILES.items() if key != name}
    with pytest.raises(ArtifactError, match=f"lists no {name}"):
        write_artifact(tmp_path, manifest("partial"), files)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('"depth": 1', '"depth": 9', "depth"),
        ('"schema_version": 2', '"schema_version": 3', "schema_version"),
        ('"recipe"', '"receipt"', "recipe"),
        ("{", "", "manifest.json"),
        ("model.onnx", "../model.onnx", "model.onnx"),
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path: Path, old: str, new: str, word: str) -> None:
    """The message names the field, and what to do."""
    folder = written(tmp_path).folder
    edit(folder, old, new)
    with pytest.raises(ArtifactError, match=word):
        read_artifact(folder)


@pytest.mark.parametrize("outside", ["../elsewhere.bin", "/tmp/elsewhere.bin", ".hidden", "sub/file"])
def test_a_file_outside_the_folder_is_refused(tmp_path: Path, outside: str) -> None:
    """A manifest may come from anybody."""
    folder = written(tmp_path, **{"extra.bin": b"x"}).folder
    edit(folder, "extra.bin", outside)
    with pytest.raises(ArtifactError, match="outside its folder"):
        read_manifest(folder)


def test_a_moved_artifact_is_refused(tmp_path: Path) -> None:
    """A folder that says version 1 does not become version 2 by being renamed."""
    folder = written(tmp_path).folder
    for place in (tmp_path / "partial" / "2", tmp_path / "frozen" / "1"):
        place.parent.mkdir(exist_ok=True)
        folder.rename(place)
        with pytest.raises(ArtifactError, match=f"lies in {place.parent.name}/{place.name}"):
            read_artifact(place)
        folder = place


def test_a_folder_without_a_manifest_is_no_artifact(tmp_path: Path) -> None:
    """The sentence names the file that is missing."""
    with pytest.raises(ArtifactError, match=r"manifest\.json: cannot be read"):
        read_artifact(tmp_path)


def test_a_variant_is_there_or_named_as_missing(tmp_path: Path) -> None:
    """Without an int8 file there is no int8, and the refusal lists what there is."""
    artifact = write_model(tmp_path, "partial", lighter=("fp16",))
    assert [MODEL, "model.fp16.onnx"] == [artifact.model_path(kind).name for kind in ("float32", "fp16")]
    for kind in ("int8", "nonsense"):
        with pytest.raises(ArtifactError, match="float32, fp16"):
            artifact.model_path(kind)


def test_versions_are_numbers_in_order(tmp_path: Path) -> None:
    """10 comes after 9; hidden, refused and foreign folders are no models."""
    for version in ("2", "10", "1"):
        written(tmp_path, version)
    for other in ("source/1", "drawn/1", "torchserve/1", ".hidden/1", "partial/.3-abc", "partial/next", "Loud/1"):
        (tmp_path / other).mkdir(parents=True)
        (tmp_path / other / MANIFEST).write_text("{}")
    (tmp_path / "empty").mkdir()
    (tmp_path / "README.md").write_text("words")
    assert {"partial": [1, 2, 10]} == list_versions(tmp_path)


def test_a_store_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    """A wrong path is an error, not an empty store."""
    with pytest.raises(ArtifactError, match="no such folder"):
        list_versions(tmp_path / "nowhere")
