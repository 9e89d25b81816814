"""From a collection's own words to the labels of the shipped models.

Where a collection cannot tell two labels apart, its photographs carry the SET of labels that may be true.
"""

import csv
import io
from pathlib import Path

from training.data.archives import DataError

LABELS = ("bus", "car", "truck", "motorbike", "other")
ANY_OTHER_WORD = "*"  # as a key: what a word that is not listed means
LabelMap = dict[str, frozenset[str]]


def _sets(**words: str) -> LabelMap:
    return {word.replace("_", "-"): frozenset(labels.split("|")) for word, labels in words.items()}


# No truck label there: lorries and vans sit inside `car` and `street`; a street scene may hold any vehicle but a bus.
STREET_TILES = _sets(bus="bus", car="car|truck", street="other|car|truck", motorbike="motorbike", bicycle="other")
# All 65 e-scooters are stand-on kick scooters, no moped among them; all 63 cars are cars (every picture was looked at).
PHONE_CITY = _sets(bus="bus", car="car", e_scooter="other")
# Vans and box trucks are trucks. Tractors, trains, go-karts, boats and everything that is no vehicle are `other`.
TINY_IMAGENET = _sets(
    n04146614="bus",  # school bus
    n04487081="bus",  # trolleybus
    n04285008="car",  # sports car
    n03100240="car",  # convertible
    n03670208="car",  # limousine
    n02814533="car",  # beach wagon
    n03796401="truck",  # moving van
    n03977966="truck",  # police van
) | {ANY_OTHER_WORD: frozenset({"other"})}

LABEL_MAPS: dict[str, LabelMap] = {
    "street-tiles": STREET_TILES,
    "phone-city": PHONE_CITY,
    "tiny-imagenet": TINY_IMAGENET,
}


def read_label_map(path: Path) -> LabelMap:
    """A CSV `word,labels` (labels joined by `|`; word `*` = every other word). Raises DataError."""
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}). Give a UTF-8 CSV with the columns word,labels.") from error
    if not rows or not {"word", "labels"} <= rows[0].keys():
        raise DataError(f"{path}: no rows with the columns word,labels. Write lines such as `minibus,bus`.")
    mapped = {row["word"]: split_labels(row["labels"] or "") for row in rows}
    empty = [word for word, labels in mapped.items() if not labels]
    if empty:
        raise DataError(f"{path}: {empty[0]!r} has no label. Write one, or several joined by `|`.")
    return mapped


def split_labels(text: str) -> frozenset[str]:
    """`car|truck` -> {car, truck}."""
    return frozenset(part.strip() for part in text.split("|") if part.strip())


def labels_of(word: str, label_map: LabelMap | None) -> frozenset[str]:
    """The labels a collection's word stands for; without a map, itself. Raises DataError if unknown."""
    if label_map is None:
        return split_labels(word)
    labels = label_map.get(word) or label_map.get(ANY_OTHER_WORD)
    if labels is None:
        raise DataError(
            f"Label {word!r} is not in the label map, which knows {', '.join(sorted(label_map))}. Add a line for it."
        )
    return labels
