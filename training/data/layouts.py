"""Which layout a folder or zip has, and what it says about each photograph. Reads lists and names, never pixels."""

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from training.data import label_studio
from training.data.archives import Container, DataError

SPLIT_FOLDERS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
TABLES = ("metadata.csv", "metadata.jsonl", "index.csv")
PATH_COLUMNS = ("file_name", "path")
# Formats that we cannot read are listed too: `check` shall name them rather than pass over them.
PHOTOGRAPH_SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif"]
)
TINY_ANNOTATIONS = "val/val_annotations.txt"


@dataclass(frozen=True)
class Given:
    """What a collection itself says of one photograph; `path` as inside the container, `word` its class there."""

    path: str
    word: str
    split: str = ""
    group: str = ""


@dataclass(frozen=True)
class Layout:
    """A collection as understood: `kind` in words, its photographs, classes without any, files passed over."""

    kind: str
    photographs: tuple[Given, ...]
    empty_classes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = field(default=(), repr=False)

    def describe(self) -> str:
        """One sentence for people: kind, classes with counts, splits with counts."""
        words = Counter(given.word for given in self.photographs)
        shown = ", ".join(f"{word} {count:,}" for word, count in sorted(words.items())[:12])
        more = f" and {len(words) - 12} more" if len(words) > 12 else ""
        splits = Counter(given.split for given in self.photographs if given.split)
        parts = (
            "; splits: " + ", ".join(f"{name} {count:,}" for name, count in sorted(splits.items())) if splits else ""
        )
        return f"{self.kind}: {len(self.photographs):,} photographs in {len(words):,} classes ({shown}{more}){parts}"


def read_layout(container: Container) -> Layout:
    """Detect the layout: Tiny-ImageNet, a table, Label Studio's export, or an image folder. Raises DataError."""
    names = [name for name in container.names() if not _is_hidden(name)]
    photographs = [name for name in names if PurePosixPath(name).suffix.lower() in PHOTOGRAPH_SUFFIXES]
    if not photographs:
        where = ", ".join(map(str, container.sources))
        raise DataError(f"{where}: holds no photograph. Give a folder or zip with one folder per class.")
    top = _top_folder(names)
    if f"{top}wnids.txt" in container:
        return _tiny_imagenet(container, top, photographs)
    tables = _tables(container, top, names)
    if tables:
        return _from_tables(container, top, tables, photographs)
    exported = label_studio.exports(container, names)
    if exported:
        return _from_exports(container, exported, photographs)
    return _image_folder(container, top, names, photographs)


def _tiny_imagenet(container: Container, top: str, photographs: list[str]) -> Layout:
    rows, ignored = [], []
    annotated: dict[str, str] = {}
    if top + TINY_ANNOTATIONS in container:
        lines = container.read(top + TINY_ANNOTATIONS).decode().splitlines()
        annotated = dict(line.split("\t")[:2] for line in lines if "\t" in line)
    for name in photographs:
        parts = name[len(top) :].split("/")
        if parts[0] == "train" and len(parts) == 4:
            rows.append(Given(name, parts[1], "train"))
        elif parts[:2] == ["val", "images"] and parts[-1] in annotated:
            rows.append(Given(name, annotated[parts[-1]], "val"))
        else:
            ignored.append(name)
    wnids = container.read(f"{top}wnids.txt").decode().split()
    empty = sorted(set(wnids) - {given.word for given in rows})
    return Layout("Tiny-ImageNet", tuple(rows), tuple(empty), tuple(ignored))


def _from_tables(container: Container, top: str, tables: list[str], photographs: list[str]) -> Layout:
    rows: dict[str, Given] = {}
    for table in tables:
        folder = str(PurePosixPath(table).parent) + "/" if "/" in table else ""
        split = SPLIT_FOLDERS.get(folder[len(top) :].rstrip("/"), "")
        for line, record in _records(container, table):
            given = _given(container, table, line, folder, record)
            if given.path in rows:
                raise DataError(
                    f"{table}, line {line}: {given.path} is listed twice. Keep one line for each photograph."
                )
            rows[given.path] = given if given.split else Given(given.path, given.word, split, given.group)
    ignored = tuple(name for name in photographs if name not in rows)
    return Layout(f"table {', '.join(tables)}", tuple(rows.values()), (), ignored)


def _from_exports(container: Container, exported: list[str], photographs: list[str]) -> Layout:
    rows: dict[str, Given] = {}
    for name in exported:
        for where, path, word in label_studio.labelled(container, name, photographs):
            if path in rows and rows[path].word != word:
                raise DataError(f"{where}: {path} is {word} here and {rows[path].word} above. Decide which, once.")
            rows[path] = Given(path, word)
    ignored = tuple(name for name in photographs if name not in rows)
    return Layout(f"Label Studio's export {', '.join(exported)}", tuple(rows.values()), (), ignored)


def _given(container: Container, table: str, line: int, folder: str, record: dict[str, str]) -> Given:
    where = f"{table}, line {line}"
    name = next((record[column] for column in PATH_COLUMNS if record.get(column)), None)
    word = record.get("label")
    if not name or not word:
        known = ", ".join(record) or "nothing"
        raise DataError(
            f"{where}: needs file_name (or path) and label, found {known}. Add the column or fill the cell."
        )
    if folder + name not in container:
        raise DataError(
            f"{where}: {name} is not there. Paths are relative to the table's folder; remove the line or add the file."
        )
    split = record.get("split") or ""
    return Given(folder + name, word.strip(), SPLIT_FOLDERS.get(split, split), record.get("group") or "")


def _records(container: Container, table: str) -> list[tuple[int, dict[str, str]]]:
    try:
        text = container.read(table).decode("utf-8-sig")
        if table.endswith(".csv"):
            return [(i, row) for i, row in enumerate(csv.DictReader(io.StringIO(text)), start=2)]
        lines = [(i, line) for i, line in enumerate(text.splitlines(), start=1) if line.strip()]
        return [(i, {key: str(value) for key, value in json.loads(line).items()}) for i, line in lines]
    except (ValueError, AttributeError, csv.Error) as error:
        raise DataError(f"{table}: cannot be read ({error}). Save it as UTF-8 with one photograph a line.") from error


def _image_folder(container: Container, top: str, names: list[str], photographs: list[str]) -> Layout:
    folders = [(name[len(top) :] + "/").split("/") for name in _folders(container) if name.startswith(top)]
    first = {name[len(top) :].split("/")[0] for name in photographs} | {parts[0] for parts in folders if parts[0]}
    first = {name for name in first if not _is_hidden(name)}
    is_split = bool(first) and first <= SPLIT_FOLDERS.keys()
    depth = 1 if is_split else 0
    rows = []
    for name in photographs:
        parts = name[len(top) :].split("/")
        if len(parts) < depth + 2:
            expected = "train/class/photograph.jpg" if is_split else "class/photograph.jpg"
            raise DataError(
                f"{name}: lies outside any class. Expected {expected}; move it into the folder of its class."
            )
        rows.append(Given(name, parts[depth], SPLIT_FOLDERS[parts[0]] if is_split else ""))
    found = {given.word for given in rows}
    there = {parts[depth] for parts in folders if len(parts) > depth + 1 and parts[depth]}
    there |= {name[len(top) :].split("/")[depth] for name in names if name[len(top) :].count("/") > depth}
    empty = sorted(word for word in there - found if not _is_hidden(word))
    kind = "image folder with splits" if is_split else "image folder"
    return Layout(kind, tuple(rows), tuple(empty), tuple(sorted(set(names) - set(photographs))))


def _tables(container: Container, top: str, names: Iterable[str]) -> list[str]:
    """The table at the root, else one in each split's folder."""
    for table in TABLES:
        if top + table in container:
            return [top + table]
    inner = [name for name in names if PurePosixPath(name).name in TABLES]
    return [name for name in inner if str(PurePosixPath(name).parent)[len(top) :] in SPLIT_FOLDERS]


def _top_folder(names: list[str]) -> str:
    """`photos/` when everything lies in that one folder and it is neither a split nor itself a class."""
    first = {name.split("/")[0] for name in names}
    if len(first) != 1:
        return ""
    only = first.pop()
    rest = [name[len(only) + 1 :] for name in names if "/" in name]
    if only in SPLIT_FOLDERS or len(rest) < len(names):
        return ""
    holds_list = any(name in (*TABLES, "wnids.txt") for name in rest)
    is_class = any("/" not in name and PurePosixPath(name).suffix.lower() in PHOTOGRAPH_SUFFIXES for name in rest)
    return f"{only}/" if holds_list or not is_class else ""


def _folders(container: Container) -> list[str]:
    """Every folder's name inside the sources, empty ones too (archives list those they hold as `name/`)."""
    found: list[str] = []
    for source in container.sources:
        if source.is_dir():
            found += [path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_dir()]
        else:
            with zipfile.ZipFile(source) as archive:
                found += [name.rstrip("/") for name in archive.namelist() if name.endswith("/")]
    return found


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part in ("__MACOSX", "Thumbs.db") for part in name.split("/"))
