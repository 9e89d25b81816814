"""Splits are files, made once: path, split, labels, group, hash. A group never lies in two splits.

`fit` is trained on, `val` chooses (epoch, rate, threshold, temperature), `dev` is an open development test that
chooses nothing that ships, `test` is opened once per study.
"""

import csv
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.archives import DataError, sha256
from training.data.collections import Reader
from training.data.duplicates import feature_duplicates, fingerprints, join_groups, near_duplicates
from training.data.label_sets import split_labels
from training.data.photographs import Inspected
from training.data.rows import Row

SPLITS = ("fit", "val", "dev", "test")
COLUMNS = ("path", "split", "labels", "group", "sha256", "word")
_REQUIRED = set(COLUMNS) - {"word"}
Stratum = Callable[[Row], str]


@dataclass(frozen=True)
class Shares:
    """Parts of the photographs: test is cut first, val from what is left, the rest is fit."""

    test: float = 0.2
    val: float = 0.2


def label_text(row: Row) -> str:
    """`car|truck`: the labels in one string, sorted."""
    return "|".join(sorted(row.labels))


def read_split(path: Path) -> list[Row]:
    """The rows of a split file. Raises DataError: no file, missing columns, unknown split, a path listed twice."""
    try:
        records = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}). Make it with `python -m training split`.") from error
    if not records or not _REQUIRED <= records[0].keys():
        found = ", ".join(records[0]) if records else "no row"
        raise DataError(
            f"{path}: needs the columns {', '.join(COLUMNS[:5])}; found {found}. Make it anew with `split`."
        )
    seen: set[str] = set()
    rows = []
    for line, record in enumerate(records, start=2):
        row = Row(
            record["path"],
            split_labels(record["labels"] or ""),
            record["group"],
            record["split"],
            record["sha256"],
            record.get("word") or "",
        )
        if row.split not in SPLITS or not row.labels or row.path in seen:
            raise DataError(
                f"{path}, line {line}: split {row.split!r}, labels {record['labels']!r}, path {row.path!r}. "
                f"Expected one of {', '.join(SPLITS)}, at least one label, each path once. "
                "Correct the line or make the file anew."
            )
        seen.add(row.path)
        rows.append(row)
    return rows


def write_split(path: Path, rows: Iterable[Row]) -> None:
    """Write rows sorted by split and path: the same rows give the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda row: (SPLITS.index(row.split), row.path)):
        writer.writerow([row.path, row.split, label_text(row), row.group, row.sha256, row.word])
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(text.getvalue(), encoding="utf-8")
    partial.replace(path)


def verify_split(rows: Sequence[Row], reader: Reader) -> None:
    """Every file is there with its hash; no group and no hash lies in two splits. Raises DataError."""
    check_disjoint(rows)
    missing = [row.path for row in rows if row.path not in reader]
    if missing:
        raise DataError(
            f"{missing[0]}: listed in the split but not there ({len(missing)} of {len(rows)} missing). "
            "Give the folder the split was made from, or make the split anew."
        )
    for row in rows:
        found = sha256(reader.read(row.path))
        if found != row.sha256:
            raise DataError(
                f"{row.path}: SHA-256 is {found[:12]}..., the split says {row.sha256[:12]}.... "
                "The photograph has changed: restore it, or make the split anew."
            )


def check_disjoint(rows: Iterable[Row]) -> None:
    """No group and no photograph in two splits. Raises DataError."""
    home: dict[tuple[str, str], Row] = {}
    for row in rows:
        for key in (("group", row.group), ("hash", row.sha256)):
            other = home.setdefault(key, row)
            if key[1] and other.split != row.split:
                raise DataError(
                    f"{row.path} ({row.split}) and {other.path} ({other.split}) share the {key[0]} {key[1][:40]}: "
                    "a group lies in one split only. Make the split anew."
                )


def digest(rows: Iterable[Row], split: str) -> str:
    """SHA-256 of one split's paths, labels and hashes: what a manifest says it was trained or tested on."""
    lines = sorted(f"{row.path},{label_text(row)},{row.sha256}\n" for row in rows if row.split == split)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def identified(
    rows: Sequence[Row],
    inspected: Sequence[Inspected],
    features: NDArray[np.float32] | None = None,
    skip_unreadable: bool = False,
) -> list[Row]:
    """Rows with hash, near-duplicates joined into one group. `inspected`, `features` (N, D): one of each row, in order.

    Raises DataError: unreadable photographs (unless skipped), the same photograph under two labels.
    """
    bad = [photograph for photograph in inspected if photograph.rgb is None]
    if bad and not skip_unreadable:
        raise DataError(
            f"{bad[0].path}: {bad[0].problem} ({len(bad)} of {len(rows)} photographs cannot be used; "
            "`check` names them all.) Repair or remove them, or pass --skip-unreadable."
        )
    kept = [i for i, photograph in enumerate(inspected) if photograph.rgb is not None]
    hashed = [replace(rows[i], sha256=inspected[i].sha256) for i in kept]
    first: dict[str, int] = {}
    pairs = [(first.setdefault(row.sha256, i), i) for i, row in enumerate(hashed)]
    for i, j in pairs:
        if hashed[i].labels != hashed[j].labels:
            a, b = hashed[i], hashed[j]
            raise DataError(
                f"{a.path} ({label_text(a)}) and {b.path} ({label_text(b)}) are the same photograph under two labels. "
                "Keep the right one."
            )
    pairs += near_duplicates(fingerprints(p.rgb for p in inspected if p.rgb is not None))
    if features is not None:
        pairs += feature_duplicates(features[kept])
    groups = join_groups([row.group for row in hashed], pairs)
    return [replace(row, group=group) for row, group in zip(hashed, groups, strict=True)]


def make_split(
    rows: Sequence[Row], seed: int, shares: Shares | None = None, stratum: Stratum = label_text
) -> list[Row]:
    """Rows (identified) -> fit, val, test, by group, stratified by label. A function of the rows' set and the seed.

    Raises DataError when a label gets no photograph in a split.
    """
    shares = shares or Shares()
    if not 0 < shares.test < 1 or not 0 < shares.val < 1 - shares.test:
        raise DataError(f"Shares test {shares.test} and val {shares.val}: each must be over 0, both under 1 together.")
    test = take(rows, apportion(map(stratum, rows), round(shares.test * len(rows))), seed, stratum)
    rest = [row for row in rows if row.path not in test]
    val = take(rest, apportion(map(stratum, rest), round(shares.val * len(rows))), seed, stratum)
    names = dict.fromkeys(test, "test") | dict.fromkeys(val, "val")
    made = [replace(row, split=names.get(row.path, "fit")) for row in rows]
    counts = Counter((label_text(row), row.split) for row in made)
    for label in sorted({label_text(row) for row in made}):
        empty = [name for name in ("fit", "val", "test") if not counts[label, name]]
        if empty:
            groups = len({row.group for row in made if label_text(row) == label})
            raise DataError(
                f"Class {label!r}: {groups} groups of photographs leave none for {' and '.join(empty)}. "
                "Add photographs that are not near-duplicates, or join the class with another."
            )
    return made


def apportion(strata: Iterable[str], total: int) -> Counter[str]:
    """`total` places shared out in proportion to the strata, by largest remainder: sums to `total` exactly."""
    counts = Counter(strata)
    everyone = sum(counts.values())
    exact = {name: total * count / max(1, everyone) for name, count in counts.items()}
    quota = Counter({name: int(share) for name, share in exact.items()})
    by_remainder = sorted(exact, key=lambda name: (quota[name] - exact[name], name))
    quota.update(by_remainder[: total - sum(quota.values())])
    return quota


def take(rows: Iterable[Row], quota: Counter[str], seed: int, stratum: Stratum) -> set[str]:
    """Paths of whole groups that fill the quota and never exceed it.

    A group's turn is a hash of the seed and its name, so that added photographs move few of the others.
    """
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    left = Counter(quota)
    taken: set[str] = set()
    for name in sorted(groups, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest()):
        need = Counter(map(stratum, groups[name]))
        if all(left[key] >= count for key, count in need.items()):
            left -= need
            taken |= {row.path for row in groups[name]}
    return taken
