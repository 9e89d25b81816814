"""One row a photograph: where it is, which labels may be true, what it must not be parted from."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from training.data.archives import Container, DataError
from training.data.label_sets import LabelMap, labels_of
from training.data.layouts import Layout, read_layout


@dataclass(frozen=True)
class Row:
    """`labels`: all that may be true. `group`: its rows stay in one split. `word`: the collection's own class."""

    path: str
    labels: frozenset[str]
    group: str
    split: str = ""
    sha256: str = ""
    word: str = ""


def read_rows(container: Container, label_map: LabelMap | None = None) -> list[Row]:
    """Every photograph of a folder or zip in any layout we know (`read_layout(container).describe()` says which).

    Without a label map a class is its own label. A photograph without a given group is a group of its own.
    Raises DataError: no layout recognised, an empty class, two classes of one name, a word the map does not know.
    """
    return rows_of(read_layout(container), label_map)


def rows_of(layout: Layout, label_map: LabelMap | None = None) -> list[Row]:
    """The rows of a layout already read; raises as `read_rows`."""
    if layout.empty_classes:
        names = ", ".join(layout.empty_classes[:5])
        raise DataError(f"Class without a photograph: {names}. Put photographs into its folder, or remove the folder.")
    clashes = same_names(given.word for given in layout.photographs) if label_map is None else []
    if clashes:
        names = " and ".join(map(repr, clashes[0]))
        raise DataError(f"Two classes of one name: {names}. Put them into one folder, or rename one of them.")
    return [
        Row(given.path, labels_of(given.word, label_map), given.group or given.path, given.split, "", given.word)
        for given in layout.photographs
    ]


def same_names(words: Iterable[str]) -> list[tuple[str, ...]]:
    """Names that differ in nothing but case, spaces, hyphens or underscores, together."""
    alike: dict[str, set[str]] = defaultdict(set)
    for word in words:
        alike[re.sub(r"[\s_-]+", "", word.casefold())].add(word)
    return [tuple(sorted(names)) for names in alike.values() if len(names) > 1]
