"""Given splits are kept, and the committed split files hold what the recipes count on."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.unit.training.photographs import encoded, folder, picture
from training.adopt import adopt, read_given, with_given
from training.data.archives import DataError
from training.data.label_sets import LABELS
from training.data.rows import Row
from training.split import check_disjoint, read_split
from training.split_job import run_split

SPLITS = Path(__file__).parents[3] / "training" / "splits"
NAMES = ("street-tiles", "tiny-imagenet-bus", "phone-city", "both")
PREFIXES = {
    "street-tiles": {"street-tiles"},
    "tiny-imagenet-bus": {"tiny-imagenet"},
    "phone-city": {"phone-city"},
    "both": {"street-tiles", "tiny-imagenet"},
}
BUSES_AND_OTHERS = {
    "street-tiles": {"fit": (400, 1200), "val": (100, 300), "dev": (160, 480), "test": (404, 1208)},
    "tiny-imagenet-bus": {"fit": (400, 1200), "val": (100, 300), "dev": (150, 450), "test": (450, 1350)},
    "phone-city": {"test": (36, 128)},
    "both": {"fit": (400, 1200), "val": (100, 300), "dev": (310, 930), "test": (854, 2558)},
}


def _given(count: int, label: str, split: str) -> list[Row]:
    return [
        Row(f"{split}/{label}/{i}", frozenset({label}), f"{split}{label}{i}", split, f"{split}{label}{i}")
        for i in range(count)
    ]


def test_fifth_of_train_becomes_val() -> None:
    """A fifth of the new label's train rows, and of the others', is val; dev and test are the given val and test."""
    made = adopt(
        _given(50, "bus", "train") + _given(155, "car", "train") + _given(9, "bus", "val") + _given(8, "bus", "test"),
        seed=0,
    )
    expected = {
        ("bus", "fit"): 40,
        ("bus", "val"): 10,
        ("car", "fit"): 124,
        ("car", "val"): 31,
        ("bus", "dev"): 9,
        ("bus", "test"): 8,
    }
    assert expected == Counter((*row.labels, row.split) for row in made)


def test_group_across_given_splits_is_refused() -> None:
    """Given splits that part a group are not adopted."""
    rows = [Row(f"{split}.jpg", frozenset({"bus"}), "g", split, split) for split in ("train", "test")]
    with pytest.raises(DataError, match=r"share the group g"):
        adopt(rows, seed=0)


def test_verb_adopts_a_list(tmp_path: Path) -> None:
    """`split DIR --adopt LIST` takes the listed photographs alone."""
    root = folder(tmp_path / "photos", [f"{label}/{i}.jpg" for label in ("bus", "car") for i in range(8)])
    lines = [f"{label}/{i}.jpg,{'train' if i < 5 else 'test'}" for label in ("bus", "car") for i in range(7)]
    (tmp_path / "list.csv").write_text("path,split\n" + "\n".join(lines))
    assert 0 == run_split([root], tmp_path / "split.csv", tmp_path / "list.csv")
    assert {"fit": 8, "val": 2, "test": 4} == Counter(row.split for row in read_split(tmp_path / "split.csv"))


def test_verb_refuses_a_leaking_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A near-duplicate in train and test of the given list is named."""
    files = {"bus/a.jpg": encoded(picture(1, 64)), "bus/b.jpg": encoded(picture(1, 64), quality=50)}
    (tmp_path / "list.csv").write_text("path,split\nbus/a.jpg,train\nbus/b.jpg,test\n")
    assert 1 == run_split([folder(tmp_path / "photos", [], **files)], tmp_path / "split.csv", tmp_path / "list.csv")
    assert "bus/b.jpg (test) and bus/a.jpg (fit) share the group" in capsys.readouterr().err


def test_listed_photograph_must_be_there() -> None:
    """A listed path without a photograph is named, and the count told."""
    with pytest.raises(DataError, match=r"9.jpg: in list.csv but not among the photographs \(1 of 1 missing\)"):
        with_given([], {"9.jpg": {"split": "test"}}, "list.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [("path\n1.jpg\n", "columns path,split"), ("path,split\n1.jpg,fold1\n", "'fold1' is none of train, val, test")],
)
def test_wrong_list(tmp_path: Path, text: str, said: str) -> None:
    """A list without its columns, or with an unknown split, is refused."""
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        read_given(tmp_path / "list.csv")


@pytest.mark.parametrize("name", NAMES)
def test_committed_split_counts(name: str) -> None:
    """500 buses to learn from: 400 to fit, 100 to choose by, three others to each; dev and test as given."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in read_split(SPLITS / f"{name}.csv"):
        counts[row.split]["bus" not in row.labels] += 1
    assert BUSES_AND_OTHERS[name] == {split: tuple(pair) for split, pair in counts.items()}


@pytest.mark.parametrize("name", NAMES)
def test_committed_split_is_sound(name: str) -> None:
    """No group and no hash in two splits; labels are ours; paths and groups name their collection."""
    rows = read_split(SPLITS / f"{name}.csv")
    check_disjoint(rows)
    assert all(len(row.sha256) == 64 and row.labels <= set(LABELS) for row in rows)
    assert PREFIXES[name] == {row.path.split("/")[0] for row in rows} == {row.group.split("/")[0] for row in rows}


def test_both_is_half_of_each() -> None:
    """`both`: 250 street, 125 school, 125 trolley buses of each collection's fit and val; dev and test whole."""
    both = {row.path: row for row in read_split(SPLITS / "both.csv")}
    learned = Counter(row.word for row in both.values() if row.split in ("fit", "val") and "bus" in row.labels)
    assert {"bus": 250, "n04146614": 125, "n04487081": 125} == learned
    single = [row for name in ("street-tiles", "tiny-imagenet-bus") for row in read_split(SPLITS / f"{name}.csv")]
    assert set(both.values()) <= set(single)
    assert {row.path for row in single if row.split in ("dev", "test")} <= both.keys()
