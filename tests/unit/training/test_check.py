"""`check` names what would mislead a training before anybody trains."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.unit.training.photographs import encoded, folder, picture
from training.check import run_check
from training.check.findings import Finding
from training.check.report import check
from training.check.shortcuts import find_shortcuts, shortcut_findings
from training.data.archives import Container
from training.data.photographs import Header, Inspected, inspect_all
from training.data.rows import read_rows
from training.split import identified, write_split

GOOD = ["bus/1.jpg", "bus/2.jpg", "car/1.jpg", "car/2.jpg"]


def _findings(root: Path, **kwargs: object) -> dict[str, Finding]:
    return {finding.kind: finding for finding in check(Container(root), "bus", **kwargs).findings}


def test_sound_folder_has_no_problem(tmp_path: Path) -> None:
    """A folder of readable, different photographs is fit to train on: exit code 0."""
    root = folder(tmp_path, [], **{name: encoded(picture(i, 64)) for i, name in enumerate(GOOD)})
    assert {} == _findings(root)
    assert 0 == run_check([root])


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("unreadable", encoded(picture(1, 64))[:-300]),
        ("empty", b""),
        ("unsupported-format", encoded(picture(1), "BMP")),
        ("too-small", encoded(picture(1, 4), "PNG")),
    ],
)
def test_unusable_photograph_is_named(tmp_path: Path, kind: str, data: bytes) -> None:
    """What cannot be read is a problem, named and counted by kind; the rest is looked at all the same."""
    finding = _findings(folder(tmp_path, GOOD, **{"bus/bad.jpg": data}))[kind]
    assert (True, 1, ("bus/bad.jpg",)) == (finding.is_problem, finding.count, finding.examples)


def test_every_unreadable_photograph_is_named(tmp_path: Path) -> None:
    """All unreadable photographs are named, not only the first."""
    bad = {f"bus/bad{i}.jpg": b"no photograph" for i in range(9)}
    assert tuple(bad) == _findings(folder(tmp_path, GOOD, **bad))["unsupported-format"].examples


def test_harmless_oddities_are_notes(tmp_path: Path) -> None:
    """Tiny, EXIF-turned, CMYK and blank photographs are told, and are no problem."""
    exif = Image.Exif()
    exif[0x0112] = 6
    files = {
        "bus/turned.jpg": encoded(picture(11, 64), exif=exif.tobytes()),
        "bus/cmyk.jpg": encoded(picture(12, 64).convert("CMYK")),
        "bus/blank.png": encoded(Image.new("RGB", (64, 64), "grey"), "PNG"),
        "bus/tiny.jpg": encoded(picture(13, 20)),
        "car/1.jpg": encoded(picture(14, 64)),
    }
    found = {
        kind: (finding.is_problem, finding.examples)
        for kind, finding in _findings(folder(tmp_path, [], **files)).items()
    }
    assert {
        "rotated": (False, ("bus/turned.jpg",)),
        "odd-mode": (False, ("bus/cmyk.jpg (CMYK)",)),
        "blank": (False, ("bus/blank.png",)),
        "tiny": (False, ("bus/tiny.jpg",)),
    } == found


def test_empty_class_and_two_of_one_name(tmp_path: Path) -> None:
    """An empty class and two classes of one name are problems, and both are told at once."""
    root = folder(tmp_path, [*GOOD, "Bus/3.jpg"])
    (root / "truck").mkdir()
    found = _findings(root)
    assert (("truck",), ("'Bus' = 'bus'",)) == (found["empty-class"].examples, found["same-name"].examples)
    assert found["empty-class"].is_problem
    assert found["same-name"].is_problem


def test_duplicates_in_one_split_are_notes(tmp_path: Path) -> None:
    """Exact and near-duplicates (here mirrored) are told in pairs."""
    image = picture(9, 64)
    files = {"bus/a.jpg": encoded(image), "bus/b.jpg": encoded(image), "car/c.jpg": encoded(ImageOps.mirror(image))}
    found = _findings(folder(tmp_path, [], **files))
    assert ("bus/a.jpg = bus/b.jpg",) == found["exact-duplicate"].examples
    assert {"bus/a.jpg = car/c.jpg", "bus/b.jpg = car/c.jpg"} == set(found["near-duplicate"].examples)
    assert not found["near-duplicate"].is_problem


def test_one_photograph_in_two_classes(tmp_path: Path) -> None:
    """The same bytes in two classes are a problem."""
    data = encoded(picture(9))
    finding = _findings(folder(tmp_path, GOOD, **{"bus/a.jpg": data, "car/a.jpg": data}))["two-labels"]
    assert ("bus/a.jpg = car/a.jpg (bus, car)",) == finding.examples


def test_duplicate_across_splits_is_a_leak(tmp_path: Path) -> None:
    """A photograph of train saved anew in test is a leak: exit code 1."""
    image = picture(9, 64)
    files = {"train/bus/a.jpg": encoded(image), "test/bus/b.jpg": encoded(image, quality=50)}
    root = folder(tmp_path, ["train/car/1.jpg", "test/car/2.jpg"], **files)
    assert ("test/bus/b.jpg = train/bus/a.jpg (test, train)",) == _findings(root)["leak"].examples
    assert 1 == run_check([root])


def test_given_group_across_splits(tmp_path: Path) -> None:
    """A given group in two splits is a problem even where its pictures differ."""
    table = "path,label,group,split\n1.jpg,bus,g1,train\n2.jpg,bus,g1,test\n3.jpg,car,g2,test\n"
    assert ("g1",) == _findings(folder(tmp_path, ["1.jpg", "2.jpg", "3.jpg"], **{"index.csv": table}))[
        "group-leak"
    ].examples


def test_split_file_is_compared(tmp_path: Path) -> None:
    """With a split file, changed and missing photographs are problems."""
    root = folder(tmp_path / "photos", GOOD)
    container = Container(root)
    rows = read_rows(container)
    made = identified(rows, list(inspect_all([row.path for row in rows], container)))
    write_split(tmp_path / "split.csv", [replace(row, split="fit") for row in made])
    (root / "bus/1.jpg").write_bytes(encoded(picture(50)))
    (root / "car/2.jpg").unlink()
    found = _findings(root, split=tmp_path / "split.csv")
    assert (("bus/1.jpg",), ("car/2.jpg",)) == (found["changed"].examples, found["missing"].examples)


def test_json_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json gives classes, splits, findings and the verdict, and nothing else on stdout."""
    assert 1 == run_check([folder(tmp_path, GOOD, **{"bus/bad.jpg": b""})], as_json=True)
    record = json.loads(capsys.readouterr().out)
    assert (False, 5, {"bus": 3, "car": 2}) == (record["ok"], record["photographs"], record["classes"])
    assert "empty" in [finding["kind"] for finding in record["findings"]]


def test_names_are_no_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file's name is shown as it is, brackets and all."""
    run_check([folder(tmp_path, GOOD, **{"bus/[red]x[/].jpg": b""})])
    assert "bus/[red]x[/].jpg" in capsys.readouterr().out


@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_to_look_at(tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    """A folder that is not there ends with 1 and one sentence."""
    assert 1 == run_check([tmp_path / "absent"], as_json=as_json)
    out, err = capsys.readouterr()
    assert "no such folder" in (out if as_json else err)


def test_new_label_must_be_there(tmp_path: Path) -> None:
    """A collection without the new class is told so, with the classes it has."""
    assert "no photograph of 'bus'; classes: car" == _findings(folder(tmp_path, ["car/1.jpg"]))["no-new-class"].what


def _headers(widths: list[int], sizes: list[int]) -> list[Inspected]:
    blank = np.zeros((64, 64, 3), np.uint8)
    return [
        Inspected(str(i), "", size, Header(w, 100, "RGB", 1), blank)
        for i, (w, size) in enumerate(zip(widths, sizes, strict=True))
    ]


def test_size_that_gives_the_class_away() -> None:
    """Where buses have another width than the rest, width and aspect are problems, and file size is none."""
    random = np.random.default_rng(0)
    is_new = [i % 4 == 0 for i in range(200)]
    photographs = _headers([120 if new else 100 for new in is_new], random.integers(4000, 5000, 200).tolist())
    found = {s.fact: s for s in find_shortcuts(photographs, is_new, [str(i) for i in range(200)])}
    assert [True, True, False, True] == [s.is_telling for s in found.values()]
    assert (1.0, 0.25) == (found["aspect"].average_precision, found["aspect"].base_rate)
    assert 3 == len(shortcut_findings(list(found.values()), "bus"))


def test_too_few_to_tell() -> None:
    """With fewer than twenty groups of the new class nothing is claimed."""
    assert [] == find_shortcuts(
        _headers([100] * 90, [1] * 90), [i < 40 for i in range(90)], [str(i // 4) for i in range(90)]
    )
