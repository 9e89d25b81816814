"""Containers refuse what is no archive, what points outside itself and what is not there."""

import zipfile
from pathlib import Path

import pytest

from training.data.archives import Container, DataError


def _zip(path: Path, names: list[str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"bytes")
    return path


def test_missing_source_is_named(tmp_path: Path) -> None:
    """A folder that does not exist is refused by its name."""
    with pytest.raises(DataError, match=r"absent: no such folder or archive.*Give"):
        Container(tmp_path / "absent")


def test_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    """A file that is no zip is refused, whatever its suffix."""
    (tmp_path / "photos.zip").write_bytes(b"not a zip")
    with pytest.raises(DataError, match=r"photos.zip: not a zip archive"):
        Container(tmp_path / "photos.zip")


@pytest.mark.parametrize("name", ["../evil.jpg", "/etc/evil.jpg", "bus/../../evil.jpg"])
def test_path_outside_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    """An archive that holds a path outside itself is not used at all."""
    with pytest.raises(DataError, match=r"a path outside itself"):
        Container(_zip(tmp_path / "photos.zip", ["bus/good.jpg", name]))


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A file that no source holds is named together with the sources."""
    container = Container(_zip(tmp_path / "photos.zip", ["bus/1.jpg"]))
    with pytest.raises(DataError, match=r"bus/2.jpg: not in .*photos.zip"):
        container.read("bus/2.jpg")


def test_damaged_member_is_named(tmp_path: Path) -> None:
    """A member whose checksum is wrong is named, and the archive with it."""
    path = _zip(tmp_path / "photos.zip", ["bus/1.jpg"])
    path.write_bytes(path.read_bytes().replace(b"bytes", b"bites", 1))
    with pytest.raises(DataError, match=r"bus/1.jpg in .*photos.zip: cannot be read"):
        Container(path).read("bus/1.jpg")


def test_several_archives_are_one(tmp_path: Path) -> None:
    """Archives laid over each other hold the names of all, sorted."""
    first, second = _zip(tmp_path / "1.zip", ["b.jpg"]), _zip(tmp_path / "2.zip", ["a.jpg", "b.jpg"])
    assert ["a.jpg", "b.jpg"] == list(Container([first, second]).names())
