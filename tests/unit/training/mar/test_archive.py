"""Zips from anywhere: what must not be unpacked is not; what an archive does not say must be told."""

import json
import stat
import zipfile
from pathlib import Path

import pytest

from training.data.archives import DataError
from training.mar import archive as module
from training.mar.archive import open_mar, unpack
from training.mar.importing import Told, import_mar

MANIFEST = {"model": {"modelName": "cars", "serializedFile": "model.onnx", "handler": "mine.py", "modelVersion": "1"}}


def make(folder: Path, entries: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> Path:
    """An archive with a manifest, a graph and whatever else."""
    path = folder / "cars.mar"
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr(module.MANIFEST, json.dumps(MANIFEST))
        for name, data in ({"model.onnx": b"graph"} | entries).items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil", "a/../../evil", "a\\..\\evil"])
def test_a_name_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    """Whatever the unpacker would make of it."""
    with pytest.raises(DataError, match="leads out of its folder"):
        open_mar(make(tmp_path, {name: b""}))


def test_a_link_is_refused(tmp_path: Path) -> None:
    """What it points at is not in the archive."""
    path = make(tmp_path, {})
    link = zipfile.ZipInfo("labels.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="is a link"):
        open_mar(path)


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    """By its header, before a byte is unpacked."""
    path = make(tmp_path, {"zeros": bytes(5_000_000)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match="unpacks to 5,000,000 bytes"):
        open_mar(path)


def test_too_many_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All entries together."""
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    with pytest.raises(DataError, match="bytes unpacked"):
        open_mar(make(tmp_path, {"weights": bytes(2000)}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    """One reader takes the first, another the last."""
    path = make(tmp_path, {})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("model.onnx", b"another")
    with pytest.raises(DataError, match="occurs twice"):
        open_mar(path)


def test_no_archive_is_said(tmp_path: Path) -> None:
    """Text, a zip without a manifest, a manifest without its file."""
    (tmp_path / "text.mar").write_text("hello")
    with zipfile.ZipFile(tmp_path / "empty.mar", "w"):
        pass
    for name in ("text.mar", "empty.mar", "missing.mar"):
        with pytest.raises(DataError, match="no TorchServe archive"):
            open_mar(tmp_path / name)


def test_files_are_unpacked_by_name(tmp_path: Path) -> None:
    """The handler stays where it is."""
    path = make(tmp_path, {"mine.py": b"raise SystemExit"})
    unpack(open_mar(path), ("model.onnx",), tmp_path / "out")
    assert ["model.onnx"] == [path.name for path in (tmp_path / "out").rglob("*")]


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        (Told(Path("store")), "--size S"),
        (Told(Path("store"), size=64, short=0), "--threshold"),
        (Told(Path("store"), size=64, short=0, threshold=0.5, at_fpr=0.1), "--labels"),
    ],
)
def test_what_the_archive_does_not_say_is_asked_for(tmp_path: Path, told: Told, missing: str) -> None:
    """A foreign handler's preparation, a threshold, labels: each by the option that gives it."""
    with pytest.raises(DataError, match=missing):
        import_mar(make(tmp_path, {"mine.py": b""}), told)
