"""Every layout a user may come with is recognised, and a wrong one is explained."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.unit.training.photographs import folder, zipped
from training.data.archives import Container, DataError
from training.data.layouts import Given, read_layout

CLASSES = ["bus/1.jpg", "bus/2.JPG", "car/1.png"]
SPLIT = ["train/bus/1.jpg", "train/car/1.jpg", "valid/bus/2.jpg", "test/bus/3.jpg"]


def _words(source: Path) -> list[tuple[str, str]]:
    return [(given.word, given.split) for given in read_layout(Container(source)).photographs]


@pytest.mark.parametrize("form", ["folder", "zip", "zip with a top folder"])
def test_image_folder(tmp_path: Path, form: str) -> None:
    """class/*.jpg is read from a folder, from a zip, and from a zip with one top folder."""
    root = folder(tmp_path / "photos", CLASSES)
    source = root if form == "folder" else zipped(root, "photos/" if "top" in form else "")
    assert [("bus", ""), ("bus", ""), ("car", "")] == _words(source)


@pytest.mark.parametrize("prefix", ["", "photos/"])
def test_image_folder_with_splits(tmp_path: Path, prefix: str) -> None:
    """train|val|test/class/*.jpg gives each photograph its split; `valid` is val."""
    source = zipped(folder(tmp_path / "photos", SPLIT), prefix)
    assert {("bus", "train"), ("car", "train"), ("bus", "val"), ("bus", "test")} == set(_words(source))


def test_paths_stay_those_of_the_container(tmp_path: Path) -> None:
    """A stripped top folder is still part of a photograph's path: the container reads it."""
    container = Container(zipped(folder(tmp_path / "photos", CLASSES), "photos/"))
    assert all(container.read(given.path) for given in read_layout(container).photographs)


def test_single_class_is_no_top_folder(tmp_path: Path) -> None:
    """One folder that holds photographs is a class."""
    assert [("bus", "")] == _words(folder(tmp_path, ["bus/1.jpg"]))


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    """What a system adds to a zip is no class."""
    assert [("bus", "")] == _words(folder(tmp_path, ["bus/1.jpg", "__MACOSX/bus/._1.jpg", ".git/a/1.jpg"]))


def test_tiny_imagenet(tmp_path: Path) -> None:
    """Tiny-ImageNet's own layout: classes of train from folders, of val from its annotations, test passed over."""
    names = ["train/n01/images/n01_0.JPEG", "val/images/val_0.JPEG", "test/images/test_0.JPEG"]
    texts = {"wnids.txt": "n01\nn02\n", "val/val_annotations.txt": "val_0.JPEG\tn02\t0\t0\t9\t9\n"}
    layout = read_layout(Container(folder(tmp_path, names, **texts)))
    assert (Given(names[0], "n01", "train"), Given(names[1], "n02", "val")) == layout.photographs
    assert ("Tiny-ImageNet", (), (names[2],)) == (layout.kind, layout.empty_classes, layout.ignored)


def test_index_csv(tmp_path: Path) -> None:
    """index.csv: path, label and group; other columns do no harm."""
    texts = {"index.csv": "path,label,group,width\nimages/1.jpg,bus,g1,16\n"}
    assert (Given("images/1.jpg", "bus", "", "g1"),) == read_layout(
        Container(folder(tmp_path, ["images/1.jpg"], **texts))
    ).photographs


def test_metadata_csv_of_each_split(tmp_path: Path) -> None:
    """metadata.csv in a split's folder: names relative to it, the folder says the split."""
    texts = {
        "train/metadata.csv": "\ufefffile_name,label\n1.jpg,bus\n",
        "test/metadata.csv": "file_name,label\n2.jpg,car\n",
    }
    layout = read_layout(Container(folder(tmp_path, ["train/1.jpg", "test/2.jpg"], **texts)))
    assert {Given("train/1.jpg", "bus", "train"), Given("test/2.jpg", "car", "test")} == set(layout.photographs)


def test_metadata_jsonl(tmp_path: Path) -> None:
    """metadata.jsonl: one object a line; photographs it does not list are passed over."""
    texts = {"metadata.jsonl": json.dumps({"file_name": "1.jpg", "label": "bus"}) + "\n\n"}
    layout = read_layout(Container(folder(tmp_path, ["1.jpg", "2.jpg"], **texts)))
    assert ((Given("1.jpg", "bus"),), ("2.jpg",)) == (layout.photographs, layout.ignored)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("path,label\n1.jpg,bus\n9.jpg,bus\n", r"index.csv, line 3: 9.jpg is not there"),
        ("path,label\n../1.jpg,bus\n", r"line 2: ../1.jpg is not there"),
        ("path,label\n1.jpg,bus\n1.jpg,car\n", r"line 3: 1.jpg is listed twice"),
        ("path,kind\n1.jpg,bus\n", r"line 2: needs file_name \(or path\) and label, found path, kind"),
        ("path,label\n1.jpg,\n", r"line 2: needs .* and label"),
    ],
)
def test_wrong_table_names_its_line(tmp_path: Path, table: str, said: str) -> None:
    """A table's mistake is told with its line and what to do."""
    with pytest.raises(DataError, match=said):
        read_layout(Container(folder(tmp_path, ["1.jpg"], **{"index.csv": table})))


@pytest.mark.parametrize(
    ("name", "text"),
    [("metadata.csv", b"path\xff,label"), ("metadata.jsonl", b"{not json"), ("metadata.jsonl", b"[1]")],
)
def test_unreadable_table_is_named(tmp_path: Path, name: str, text: bytes) -> None:
    """A table that is no text of its kind is named."""
    (folder(tmp_path, ["1.jpg"]) / name).write_bytes(text)
    with pytest.raises(DataError, match=rf"{name}: cannot be read"):
        read_layout(Container(tmp_path))


def test_photograph_outside_any_class(tmp_path: Path) -> None:
    """A photograph at the root has no class: it is named, with the layout that was expected."""
    with pytest.raises(DataError, match=r"2.jpg: lies outside any class. Expected class/photograph.jpg"):
        read_layout(Container(folder(tmp_path, ["bus/1.jpg", "2.jpg"])))


def test_nothing_there(tmp_path: Path) -> None:
    """A folder without a photograph is refused with the layout to use."""
    with pytest.raises(DataError, match=r"holds no photograph. Give a folder or zip with one folder per class"):
        read_layout(Container(tmp_path))


@pytest.mark.parametrize("archive", [False, True])
def test_empty_class_is_seen(tmp_path: Path, archive: bool) -> None:
    """A class folder without a photograph is reported, in a folder and in a zip, whether bare or with other files."""
    root = folder(tmp_path / "photos", CLASSES, **{"van/notes.txt": "none yet"})
    (root / "truck").mkdir()
    source = zipped(root) if archive else root
    if archive:
        with zipfile.ZipFile(source, "a") as made:
            made.mkdir("truck")
    assert ("truck", "van") == read_layout(Container(source)).empty_classes


def test_description_counts(tmp_path: Path) -> None:
    """One sentence says what was understood."""
    said = read_layout(Container(folder(tmp_path, SPLIT))).describe()
    assert "image folder with splits: 4 photographs in 2 classes (bus 3, car 1); splits: test 1, train 2, val 1" == said
