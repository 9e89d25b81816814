"""Splits that others have made, kept, with a validation part of our own carved out of their train rows.

train -> fit and val, val -> dev, test -> test.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from training.data.archives import DataError
from training.data.collections import Collections
from training.data.label_sets import LABEL_MAPS
from training.data.photographs import Inspected
from training.data.rows import Row, read_rows
from training.split import Stratum, apportion, check_disjoint, identified, label_text, take

OURS = {"train": "fit", "val": "dev", "test": "test"}
VAL_SHARE = 0.2  # 400 of 500 new photographs to fit, 100 to choose by
NEW_LABEL = "bus"
SHIPPED_SEED = 20
# List file (without .csv) -> collection.
SHIPPED_LISTS = {"street-tiles": "street-tiles", "tiny-imagenet-bus": "tiny-imagenet", "phone-city": "phone-city"}
# In the raw tiles size and noise alone give the bus away; the given tiles hold three others per bus at every size and
# noise level, and a smaller draw must keep that. Limits: thirds and halves of the bus tiles' noise.
_NOISE_LIMITS = {"120": (1.44, 4.23), "100": (6.35,)}
Look = Callable[[Sequence[str], Collections], list[Inspected]]


@dataclass(frozen=True)
class _Adopted:
    rows: list[Row]
    stratum: Stratum


def read_given(path: Path) -> dict[str, dict[str, str]]:
    """A given list `path,split[,...]`: path -> its whole record. Raises DataError."""
    try:
        records = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}). Give a CSV with the columns path,split.") from error
    if not records or not {"path", "split"} <= records[0].keys():
        raise DataError(
            f"{path}: no rows with the columns path,split. Give the list that says which photograph is where."
        )
    unknown = sorted({record["split"] for record in records} - OURS.keys())
    if unknown:
        raise DataError(f"{path}: split {unknown[0]!r} is none of {', '.join(OURS)}. Rename it in the list.")
    return {record["path"]: record for record in records}


def with_given(rows: Sequence[Row], given: dict[str, dict[str, str]], where: str) -> list[Row]:
    """The listed rows alone, each with its given split. Raises DataError for a listed path that is not there."""
    there = {row.path: row for row in rows}
    missing = [path for path in given if path not in there]
    if missing:
        raise DataError(
            f"{missing[0]}: in {where} but not among the photographs ({len(missing)} of {len(given)} missing). "
            "Give the folder or archive the list belongs to."
        )
    return [replace(there[path], split=record["split"]) for path, record in given.items()]


def adopt(rows: Sequence[Row], seed: int, stratum: Stratum = label_text, new_label: str = NEW_LABEL) -> list[Row]:
    """Rows (identified, with given splits) under our names; a fifth of the train rows is val, of new and others alike.

    Raises DataError when a group, or a photograph and its near-duplicate, lies in two given splits.
    """
    ours = [replace(row, split=OURS[row.split]) for row in rows]
    check_disjoint(ours)
    train = [row for row in ours if row.split == "fit"]
    val = _drawn(train, VAL_SHARE, seed, stratum, new_label)
    return [replace(row, split="val") if row.path in val else row for row in ours]


def adopt_shipped(collections: Collections, lists: Path, look: Look) -> dict[str, list[Row]]:
    """Split name -> rows: three collections, and `both` (half of each one's fit and val, all dev and test rows).

    look: inspects the given paths in order. Paths and groups begin with the collection's name.
    """
    made: dict[str, _Adopted] = {}
    for name, collection in SHIPPED_LISTS.items():
        given = read_given(lists / f"{name}.csv")
        inside = with_given(read_rows(collections.container(collection), LABEL_MAPS[collection]), given, f"{name}.csv")
        found = strata(collection, collections, given)
        rows = [_prefixed(row, collection) for row in inside]
        rows = identified(rows, look([row.path for row in rows], collections))
        stratum = _lookup({f"{collection}/{path}": key for path, key in found.items()})
        made[name] = _Adopted(adopt(rows, SHIPPED_SEED, stratum), stratum)
    halves = [row for name in ("street-tiles", "tiny-imagenet-bus") for row in _half(made[name])]
    return {name: adopted.rows for name, adopted in made.items()} | {"both": halves}


def _drawn(rows: Sequence[Row], share: float, seed: int, stratum: Stratum, new_label: str) -> set[str]:
    """Paths of that share of the new label's rows, and of the others', in proportion to the strata."""
    quota: Counter[str] = Counter()
    for is_new in (True, False):
        part = [row for row in rows if (new_label in row.labels) is is_new]
        quota += apportion(map(stratum, part), round(share * len(part)))
    return take(rows, quota, seed, stratum)


def _half(adopted: _Adopted) -> list[Row]:
    kept: set[str] = set()
    for split in ("fit", "val"):
        rows = [row for row in adopted.rows if row.split == split]
        kept |= _drawn(rows, 0.5, SHIPPED_SEED + 1, adopted.stratum, NEW_LABEL)
    return [row for row in adopted.rows if row.split in ("dev", "test") or row.path in kept]


def strata(collection: str, collections: Collections, given: dict[str, dict[str, str]]) -> dict[str, str]:
    """Path -> what a smaller draw must keep in proportion."""
    if collection == "street-tiles":
        text = collections.container(collection).read("index.csv").decode("utf-8-sig")
        return {record["path"]: _tile_stratum(record) for record in csv.DictReader(io.StringIO(text))}
    if collection == "tiny-imagenet":
        return {
            path: record["label"] if record["label"] == "no-vehicle" else record["wnid"]
            for path, record in given.items()
        }
    return dict.fromkeys(given, collection)


def _tile_stratum(record: dict[str, str]) -> str:
    level = sum(float(record["noise"]) > limit for limit in _NOISE_LIMITS[record["width"]])
    return f"{record['label']} {record['width']} noise {level}"


def _lookup(strata: dict[str, str]) -> Stratum:
    return lambda row: strata[row.path]


def _prefixed(row: Row, collection: str) -> Row:
    group = PurePosixPath(row.path).stem if row.group == row.path else row.group
    return replace(row, path=f"{collection}/{row.path}", group=f"{collection}/{group}")
