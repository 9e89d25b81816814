"""Photographs by name, from folders and zip archives alike."""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


class DataError(RuntimeError):
    """The data cannot be used as they are; the message names the file and says what to do."""


class Container:
    """Files by their path inside one or several folders or zips, laid over each other.

    Names are POSIX paths relative to the folder or archive root. A name that several sources hold must
    hold the same bytes everywhere only if it is read: the first source wins (the five Tiny-ImageNet zips
    repeat `words.txt`).
    """

    def __init__(self, sources: Path | list[Path]) -> None:
        self.sources = [sources] if isinstance(sources, Path) else list(sources)
        self._zips: dict[Path, zipfile.ZipFile] = {}
        self._where: dict[str, Path] = {}
        for source in self.sources:
            for name in _names(source, self._zips):
                self._where.setdefault(name, source)

    def __contains__(self, name: str) -> bool:
        return name in self._where

    def names(self) -> Iterator[str]:
        """Every file's name, sorted."""
        return iter(sorted(self._where))

    def read(self, name: str) -> bytes:
        """The file's bytes. Raises DataError when it is missing or its archive is damaged."""
        source = self._where.get(name)
        if source is None:
            raise DataError(
                f"{name}: not in {', '.join(map(str, self.sources))}. Check the list or the folder you gave."
            )
        try:
            archive = self._zips.get(source)
            return archive.read(name) if archive else (source / name).read_bytes()
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
            raise DataError(f"{name} in {source}: cannot be read ({error}). Fetch it again.") from error


def sha256(data: bytes) -> str:
    """Hex SHA-256."""
    return hashlib.sha256(data).hexdigest()


def _names(source: Path, zips: dict[Path, zipfile.ZipFile]) -> Iterator[str]:
    if source.is_dir():
        for path in source.rglob("*"):
            if path.is_file():
                yield path.relative_to(source).as_posix()
        return
    if not source.exists():
        raise DataError(
            f"{source}: no such folder or archive. Give the path of a folder of photographs or a zip of one."
        )
    try:
        archive = zipfile.ZipFile(source)
    except zipfile.BadZipFile as error:
        raise DataError(f"{source}: not a zip archive. Give a folder or a .zip.") from error
    zips[source] = archive
    for name in archive.namelist():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name:
            raise DataError(f"{source}: holds {name!r}, a path outside itself. Do not use this archive.")
        if not name.endswith("/"):
            yield name
