"""A split is a file: by group, stratified, seeded, and refused when anything in it no longer holds."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.training.photographs import encoded, folder, picture
from training.data.archives import Container, DataError
from training.data.photographs import inspect_all
from training.data.rows import Row, read_rows
from training.split import (
    Shares,
    apportion,
    check_disjoint,
    digest,
    identified,
    label_text,
    make_split,
    read_split,
    take,
    verify_split,
    write_split,
)
from training.split_job import SplitOptions, run_split

HEADER = "path,split,labels,group,sha256,word\n"


def _rows(count: int, label: str, group_size: int = 1) -> list[Row]:
    return [
        Row(f"{label}/{i}.jpg", frozenset({label}), f"{label}{i // group_size}", "", f"{label}{i}")
        for i in range(count)
    ]


def _looked(root: Path, **kwargs: object) -> list[Row]:
    container = Container(root)
    rows = read_rows(container)
    return identified(rows, list(inspect_all([row.path for row in rows], container)), **kwargs)


def _counts(rows: list[Row]) -> Counter[tuple[str, str]]:
    return Counter((label_text(row), row.split) for row in rows)


def test_shares_are_kept_in_each_class() -> None:
    """Test and val hold their share of each class to the photograph where groups are single."""
    made = make_split(_rows(100, "bus") + _rows(300, "car"), seed=0)
    expected = {
        ("bus", "fit"): 60,
        ("bus", "val"): 20,
        ("bus", "test"): 20,
        ("car", "fit"): 180,
        ("car", "val"): 60,
        ("car", "test"): 60,
    }
    assert expected == _counts(made)


def test_groups_stay_whole() -> None:
    """No group lies in two splits, and shares are met as far as whole groups allow."""
    made = make_split(_rows(90, "bus", 3) + _rows(90, "car", 3), seed=1)
    check_disjoint(made)
    assert all(16 <= _counts(made)[label, "test"] <= 18 for label in ("bus", "car"))


def test_seed_decides() -> None:
    """The same seed gives the same split whatever the order of rows; another seed another."""
    rows = _rows(50, "bus") + _rows(50, "car")
    first = {row.path: row.split for row in make_split(rows, seed=0)}
    assert first == {row.path: row.split for row in make_split(rows[::-1], seed=0)}
    assert first != {row.path: row.split for row in make_split(rows, seed=1)}


def test_test_is_cut_first() -> None:
    """The share of val does not change which photographs are test."""
    rows = _rows(50, "bus") + _rows(50, "car")
    cut = [{r.path for r in make_split(rows, 0, Shares(val=val)) if r.split == "test"} for val in (0.1, 0.3)]
    assert cut[0] == cut[1]


def test_class_too_small_for_a_split() -> None:
    """A class whose photographs are one group cannot be split: it is named, with its count of groups."""
    with pytest.raises(DataError, match=r"Class 'bus': 1 groups of photographs leave none for"):
        make_split(_rows(9, "bus", 9) + _rows(50, "car"), seed=0)


@pytest.mark.parametrize("shares", [Shares(0, 0.2), Shares(0.5, 0.5), Shares(0.2, 0)])
def test_impossible_shares(shares: Shares) -> None:
    """Shares that leave a split empty are refused."""
    with pytest.raises(DataError, match=r"Shares test .* both under 1 together"):
        make_split(_rows(50, "bus"), 0, shares)


def test_places_add_up() -> None:
    """Largest remainder: the places of all strata sum to the total exactly."""
    assert Counter(a=3, b=3, c=1) == apportion("a" * 10 + "b" * 10 + "c" * 3, 7)


def test_mixed_group_fills_both_strata() -> None:
    """A group with two labels is taken only when both have room."""
    rows = [replace(row, group="mixed") for row in _rows(1, "bus") + _rows(1, "car")]
    assert set() == take(rows, Counter(bus=1), 0, label_text)
    assert {"bus/0.jpg", "car/0.jpg"} == take(rows, Counter(bus=1, car=1), 0, label_text)


def test_file_comes_back(tmp_path: Path) -> None:
    """Written and read again, rows are the same, and the file's bytes do not depend on their order."""
    rows = [replace(row, labels=frozenset({"car", "truck"}), word="van") for row in make_split(_rows(20, "car"), 0)]
    write_split(tmp_path / "a.csv", rows)
    write_split(tmp_path / "b.csv", rows[::-1])
    assert set(rows) == set(read_split(tmp_path / "a.csv"))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_digest_is_of_one_split() -> None:
    """A split's digest changes with its own rows only."""
    rows = make_split(_rows(20, "car"), 0)
    moved = [replace(row, sha256="other") if row.split == "fit" else row for row in rows]
    assert digest(rows, "test") == digest(moved, "test")
    assert digest(rows, "fit") != digest(moved, "fit")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,split\na.jpg,fit\n", r"needs the columns path, split, labels, group, sha256; found path, split"),
        (HEADER, r"found no row"),
        (HEADER + "a.jpg,train,bus,g,h,\n", r"line 2: split 'train'.*Expected one of fit, val, dev, test"),
        (HEADER + "a.jpg,fit,,g,h,\n", r"line 2: .*labels ''"),
        (HEADER + "a.jpg,fit,bus,g,h,\na.jpg,fit,bus,g,h,\n", r"line 3: .*each path once"),
    ],
)
def test_wrong_file_names_its_line(tmp_path: Path, text: str, said: str) -> None:
    """A split file that is not whole is refused with its line."""
    (tmp_path / "split.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        read_split(tmp_path / "split.csv")


def test_missing_split_file(tmp_path: Path) -> None:
    """A split file that is not there is named, with the verb that makes it."""
    with pytest.raises(DataError, match=r"absent.csv: cannot be read .*python -m training split"):
        read_split(tmp_path / "absent.csv")


def test_verified_when_whole(tmp_path: Path) -> None:
    """A split of untouched photographs verifies."""
    root = folder(tmp_path, [f"{label}/{i}.jpg" for label in ("bus", "car") for i in range(6)])
    verify_split(make_split(_looked(root), 0), Container(root))


def test_changed_photograph_is_named(tmp_path: Path) -> None:
    """A photograph whose hash differs from the split's is named with both hashes."""
    root = folder(tmp_path, ["bus/1.jpg", "bus/2.jpg"])
    rows = [replace(row, split="fit") for row in _looked(root)]
    (root / "bus/2.jpg").write_bytes(encoded(picture(99)))
    with pytest.raises(DataError, match=r"bus/2.jpg: SHA-256 is .*the split says .*The photograph has changed"):
        verify_split(rows, Container(root))


def test_missing_photographs_are_counted(tmp_path: Path) -> None:
    """Photographs that are gone are counted, the first is named."""
    root = folder(tmp_path, ["bus/1.jpg", "bus/2.jpg"])
    rows = [replace(row, split="fit") for row in _looked(root)]
    (root / "bus/2.jpg").unlink()
    with pytest.raises(DataError, match=r"bus/2.jpg: listed in the split but not there \(1 of 2 missing\)"):
        verify_split(rows, Container(root))


@pytest.mark.parametrize("field", ["group", "sha256"])
def test_leak_is_refused(field: str) -> None:
    """A group, or the same bytes, in two splits is refused with both paths."""
    first, second = (replace(row, split=name) for row, name in zip(_rows(2, "bus"), ("fit", "test"), strict=True))
    with pytest.raises(DataError, match=r"bus/1.jpg \(test\) and bus/0.jpg \(fit\) share the"):
        check_disjoint([first, replace(second, **{field: getattr(first, field)})])


def test_copies_are_one_group(tmp_path: Path) -> None:
    """The same bytes, and the same picture saved anew, are one group."""
    image = picture(7, 64)
    files = {"bus/a.jpg": encoded(image), "bus/b.jpg": encoded(image), "bus/c.jpg": encoded(image, quality=50)}
    rows = _looked(folder(tmp_path, ["bus/d.jpg"], **files))
    assert ["bus/a.jpg", "bus/a.jpg", "bus/a.jpg", "bus/d.jpg"] == [row.group for row in rows]


def test_one_photograph_under_two_labels(tmp_path: Path) -> None:
    """The same bytes in two classes are refused: one of them is wrong."""
    data = encoded(picture(7))
    with pytest.raises(
        DataError, match=r"bus/a.jpg \(bus\) and car/a.jpg \(car\) are the same photograph under two labels"
    ):
        _looked(folder(tmp_path, [], **{"bus/a.jpg": data, "car/a.jpg": data}))


def test_unreadable_photograph_is_named_and_counted(tmp_path: Path) -> None:
    """A truncated photograph stops the split with its name and the count, unless it is to be skipped."""
    root = folder(tmp_path, ["bus/a.jpg"], **{"bus/b.jpg": encoded(picture(3, 64))[:-200]})
    with pytest.raises(DataError, match=r"bus/b.jpg: .*truncated or damaged.* \(1 of 2 photographs cannot be used"):
        _looked(root)
    assert ["bus/a.jpg"] == [row.path for row in _looked(root, skip_unreadable=True)]


def test_verb_writes_a_split_that_verifies(tmp_path: Path) -> None:
    """`split DIR` ends with 0 and a file that verifies against the folder."""
    root = folder(tmp_path / "photos", [f"{label}/{i}.jpg" for label in ("bus", "car") for i in range(10)])
    assert 0 == run_split([root], tmp_path / "split.csv")
    rows = read_split(tmp_path / "split.csv")
    verify_split(rows, Container(root))
    assert {("bus", "fit"): 6, ("bus", "val"): 2, ("bus", "test"): 2} == {
        key: n for key, n in _counts(rows).items() if key[0] == "bus"
    }


def test_verb_keeps_given_splits(tmp_path: Path) -> None:
    """Folders train, val and test become fit with val, dev and test."""
    names = [
        f"{split}/{label}/{i}.jpg" for split in ("train", "val", "test") for label in ("bus", "car") for i in range(5)
    ]
    assert 0 == run_split([folder(tmp_path / "photos", names)], tmp_path / "split.csv")
    expected = {("bus", "fit"): 4, ("bus", "val"): 1, ("bus", "dev"): 5, ("bus", "test"): 5}
    assert expected == {key: n for key, n in _counts(read_split(tmp_path / "split.csv")).items() if key[0] == "bus"}


def test_verb_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake ends with 1, one sentence on stderr, and no file."""
    assert 1 == run_split([tmp_path / "absent"], tmp_path / "split.csv", options=SplitOptions())
    assert "error: " in capsys.readouterr().err
    assert not (tmp_path / "split.csv").exists()
