"""The photograph collections of one folder, read by paths that begin with the collection's name."""

from pathlib import Path
from typing import Protocol

from training.data.archives import Container, DataError
from training.data.label_sets import LABEL_MAPS


class Reader(Protocol):
    """Files by name: a `Container`, or `Collections`."""

    def __contains__(self, name: str) -> bool: ...

    def read(self, name: str) -> bytes:
        """The file's bytes. Raises DataError when it is missing or damaged."""
        ...


class Collections:
    """`street-tiles/images/bus/x.jpg` -> bytes of `images/bus/x.jpg` in street-tiles.zip (or the folder street-tiles).

    A collection may be several archives: `tiny-imagenet-*.zip`. Each is opened when first asked for.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise DataError(
                f"{root}: no such folder. Give the folder that holds the collections ({', '.join(LABEL_MAPS)})."
            )
        self.root = root
        self._opened: dict[str, Container] = {}

    def container(self, name: str) -> Container:
        """One collection, its paths without the prefix. Raises DataError when nothing in the folder has its name."""
        if name not in self._opened:
            sources = [self.root / name] if (self.root / name).is_dir() else []
            sources += [*sorted(self.root.glob(f"{name}.zip")), *sorted(self.root.glob(f"{name}-*.zip"))]
            if not sources:
                raise DataError(
                    f"{self.root}: holds neither {name}.zip, {name}-*.zip nor a folder {name}. Put one there."
                )
            self._opened[name] = Container(sources)
        return self._opened[name]

    def __contains__(self, path: str) -> bool:
        name, _, inner = path.partition("/")
        return inner in self.container(name)

    def read(self, path: str) -> bytes:
        """The file's bytes. Raises DataError when the collection or the file is missing."""
        name, _, inner = path.partition("/")
        return self.container(name).read(inner)


def open_collections(root: Path) -> Collections:
    """The collections under `root`. Raises DataError when there is no such folder."""
    return Collections(root)
