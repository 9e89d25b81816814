"""What Label Studio exports of a classification: JSON, JSON-MIN, CSV or TSV, beside the photographs or above them.

Its forms: labelstud.io/guide/export.html. An export names a photograph by an address of its server
(`/data/upload/3/9f1c2d3e-bus.jpg`, `/data/local-files/?d=photos/bus.jpg`, `https://...`); nothing is fetched, the file
of that name in the folder or zip is meant. A column has the name of its control, mostly `choice`.
"""

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from training.data.archives import Container, DataError

SUFFIXES = (".json", ".csv", ".tsv")
BOOKKEEPING = frozenset(["id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time"])
UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-")  # put before the name of every uploaded file


@dataclass(frozen=True)
class Labelled:
    """One line or task of an export: `where` for messages, `address` of the photograph, `choices` in its words."""

    where: str
    address: str
    choices: tuple[str, ...]


def exports(container: Container, names: Iterable[str]) -> list[str]:
    """The files, at the top or in a first folder, that are exports of Label Studio, by what is in them."""
    lists = [name for name in names if name.count("/") <= 1 and name.endswith(SUFFIXES)]
    return [name for name in lists if _is_export(_records(container, name))]


def labelled(container: Container, name: str, photographs: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """(where, path in the container, class) of each labelled photograph; tasks skipped by the annotator are left out.

    Raises DataError: more or less than one choice, a photograph that is not there, or one that two files may be.
    """
    by_name: dict[str, list[str]] = defaultdict(list)
    for path in photographs:
        by_name[PurePosixPath(path).name].append(path)
    for number, record in enumerate(_records(container, name), start=1):
        where = f"{name}, {'task' if name.endswith('.json') else 'row'} {number}"
        task = _task(where, record) if "data" in record else _line(where, record)
        if task is None:
            continue
        if len(task.choices) != 1:
            found = ", ".join(task.choices) or "none"
            raise DataError(f"{where}: {found} chosen, expected one class. Decide it in Label Studio and export again.")
        yield where, _path(task, by_name), task.choices[0]


def _records(container: Container, name: str) -> list[dict[str, object]]:
    try:
        text = container.read(name).decode("utf-8-sig")
        if name.endswith(".json"):
            found = json.loads(text)
        else:
            found = list(csv.DictReader(io.StringIO(text), delimiter="\t" if name.endswith(".tsv") else ","))
    except (ValueError, csv.Error):
        return []
    is_list = isinstance(found, list) and all(isinstance(record, dict) for record in found)
    return found if is_list else []


def _is_export(records: list[dict[str, object]]) -> bool:
    keys = set(records[0]) if records else set()
    return {"data", "annotations"} <= keys or {"annotation_id", "lead_time"} <= keys


def _task(where: str, record: dict[str, object]) -> Labelled | None:
    """JSON: the last annotation that was not skipped. None when there is none."""
    data, annotations = record["data"], record.get("annotations")
    done = [each for each in annotations if not each.get("was_cancelled")] if isinstance(annotations, list) else []
    if not isinstance(data, dict) or not done:
        return None
    choices = [
        word
        for result in done[-1].get("result", [])
        if result.get("type") == "choices"
        for word in result["value"]["choices"]
    ]
    return Labelled(where, _address(where, data), tuple(map(str, choices)))


def _line(where: str, record: dict[str, object]) -> Labelled | None:
    """JSON-MIN, CSV, TSV: bookkeeping, the photograph, and one column for each control."""
    rest = {key: value for key, value in record.items() if key not in BOOKKEEPING}
    address = _address(where, rest)
    controls = [key for key, value in rest.items() if value != address and value]
    if not controls:
        return None
    if len(controls) > 1:
        controls = [key for key in controls if key in ("choice", "label")] or controls
    if len(controls) > 1:
        raise DataError(
            f"{where}: columns {', '.join(controls)} may all be the class. Name the control `choice` or `label`."
        )
    value = rest[controls[0]]
    words = value["choices"] if isinstance(value, dict) and "choices" in value else value
    return Labelled(where, address, tuple(map(str, words)) if isinstance(words, list) else (str(words),))


def _address(where: str, data: dict[str, object]) -> str:
    found = data.get("image") or next((v for v in data.values() if isinstance(v, str) and "/" in v), None)
    if not isinstance(found, str):
        raise DataError(f"{where}: no address of a photograph, expected one in `image`. Export with the task's data.")
    return found


def _path(task: Labelled, by_name: dict[str, list[str]]) -> str:
    parts = urlsplit(task.address)
    wanted = parse_qs(parts.query).get("d", [unquote(parts.path)])[0]
    name = PurePosixPath(wanted).name
    found = by_name.get(name) or by_name.get(UPLOAD_PREFIX.sub("", name)) or []
    if len(found) > 1:  # the longest path in common with the address decides, when it decides
        alike = [path for path in found if wanted.endswith(path) or path.endswith(wanted.lstrip("/"))]
        found = alike or found
    if len(found) != 1:
        what = "is not there" if not found else "may be any of " + ", ".join(found)
        raise DataError(f"{task.where}: {name} {what}. Put the photographs beside the export, each under its own name.")
    return found[0]
