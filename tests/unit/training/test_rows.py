"""Rows carry the set of labels that may be true; wrong classes are refused by name."""

from pathlib import Path

import pytest

from training.data.archives import Container, DataError
from training.data.collections import open_collections
from training.data.label_sets import (
    LABEL_MAPS,
    LABELS,
    PHONE_CITY,
    STREET_TILES,
    TINY_IMAGENET,
    labels_of,
    read_label_map,
)
from training.data.rows import Row, read_rows, same_names


def _folder(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def test_row_of_an_image_folder(tmp_path: Path) -> None:
    """Without a map a class is its own label, and a photograph its own group."""
    assert [Row("bus/1.jpg", frozenset({"bus"}), "bus/1.jpg", word="bus")] == read_rows(
        Container(_folder(tmp_path, "bus/1.jpg"))
    )


def test_map_gives_sets(tmp_path: Path) -> None:
    """A street tile called car may be a truck; a street scene may be anything but a bus."""
    rows = read_rows(Container(_folder(tmp_path, "car/1.jpg", "street/1.jpg")), STREET_TILES)
    assert [frozenset({"car", "truck"}), frozenset({"other", "car", "truck"})] == [row.labels for row in rows]


def test_word_unknown_to_the_map(tmp_path: Path) -> None:
    """A word the map does not know is refused, and the known ones are listed."""
    with pytest.raises(DataError, match=r"'tram' is not in the label map, which knows bicycle, bus, car"):
        read_rows(Container(_folder(tmp_path, "tram/1.jpg")), STREET_TILES)


def test_two_classes_of_one_name(tmp_path: Path) -> None:
    """Names that differ by case, space or hyphen only are refused together."""
    with pytest.raises(DataError, match=r"Two classes of one name: 'Fire Truck' and 'fire-truck'"):
        read_rows(Container(_folder(tmp_path, "Fire Truck/1.jpg", "fire-truck/2.jpg")))


def test_same_names() -> None:
    """Case, spaces, hyphens and underscores do not make another name; other letters do."""
    assert [("BUS", "bus")] == same_names(["bus", "BUS", "bus", "minibus"])


def test_empty_class(tmp_path: Path) -> None:
    """A class without a photograph is refused by name."""
    (_folder(tmp_path, "bus/1.jpg", "car/1.jpg") / "truck").mkdir()
    with pytest.raises(DataError, match=r"Class without a photograph: truck"):
        read_rows(Container(tmp_path))


def test_shipped_maps_use_the_shipped_labels() -> None:
    """Every set of the shipped maps lies within the five labels, and only a bus word means bus."""
    used = [labels for label_map in LABEL_MAPS.values() for labels in label_map.values()]
    assert all(labels <= set(LABELS) for labels in used)
    assert all(labels == {"bus"} for labels in used if "bus" in labels)


@pytest.mark.parametrize(
    ("wnid", "label"), [("n04487081", "bus"), ("n03977966", "truck"), ("n04465501", "other"), ("n01443537", "other")]
)
def test_tiny_imagenet_labels(wnid: str, label: str) -> None:
    """Both bus classes are bus, a van is a truck, a tractor and a goldfish are other."""
    assert {label} == labels_of(wnid, TINY_IMAGENET)


def test_kick_scooter_is_no_motorbike() -> None:
    """A stand-on scooter is other."""
    assert {"other"} == PHONE_CITY["e-scooter"]


def test_label_map_file(tmp_path: Path) -> None:
    """A user's map is a CSV; `*` stands for every word that is not listed."""
    (tmp_path / "map.csv").write_text("word,labels\nminibus,bus\nvan,car|truck\n*,other\n")
    label_map = read_label_map(tmp_path / "map.csv")
    assert [{"bus"}, {"car", "truck"}, {"other"}] == [
        set(labels_of(word, label_map)) for word in ("minibus", "van", "tree")
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [("a,b\n1,2\n", "no rows with the columns word,labels"), ("word,labels\nvan,\n", "'van' has no label")],
)
def test_wrong_label_map_file(tmp_path: Path, text: str, said: str) -> None:
    """A map without its columns, or a word without a label, is refused."""
    (tmp_path / "map.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        read_label_map(tmp_path / "map.csv")


def test_missing_label_map_file(tmp_path: Path) -> None:
    """A map that is not there is named."""
    with pytest.raises(DataError, match=r"absent.csv: cannot be read"):
        read_label_map(tmp_path / "absent.csv")


def test_collections_read_by_prefix(tmp_path: Path) -> None:
    """A path's first part names the collection; the rest is a path inside it."""
    _folder(tmp_path, "street-tiles/images/bus/1.jpg")
    reader = open_collections(tmp_path)
    assert "street-tiles/images/bus/1.jpg" in reader
    assert b"street-tiles/images/bus/1.jpg" == reader.read("street-tiles/images/bus/1.jpg")


def test_missing_collection_is_named(tmp_path: Path) -> None:
    """A collection that is not there is refused with the names that were looked for."""
    with pytest.raises(DataError, match=r"holds neither phone-city.zip, phone-city-\*.zip nor a folder phone-city"):
        open_collections(tmp_path).read("phone-city/images/1.jpg")


def test_missing_collections_folder(tmp_path: Path) -> None:
    """A folder that is not there is refused with what it should hold."""
    with pytest.raises(
        DataError, match=r"absent: no such folder. Give the folder that holds the collections \(street-tiles"
    ):
        open_collections(tmp_path / "absent")
