"""Views: decoded and augmented once, laid out view by view, the same for the same recipe."""

import dataclasses

import numpy as np
import pytest

from contract.errors import PhotographError
from contract.pixels import to_input
from tests.unit.training.tiny import QUICK, Squares, rows
from training.augment import augment
from training.data.archives import DataError
from training.data.label_sets import LABELS
from training.data.rows import Row
from training.views import allowed_labels, label_order, plain_pixels, prepare

ROWS = rows(4, 2, 2)


def test_views_lie_view_by_view() -> None:
    """`fit_pixels[v * N + i]` is view v of photograph i, by the key (seed, i, v); labels repeat with them."""
    data = prepare(ROWS, Squares(), QUICK, LABELS, 2)
    count = len(data.fit_rows)
    assert (QUICK.views * count, QUICK.size, QUICK.size, 3) == data.fit_pixels.shape
    for view in range(QUICK.views):
        for i, row in enumerate(data.fit_rows):
            rgb = to_input(Squares().read(row.path), 40).rgb
            expected = augment(rgb, QUICK.size, QUICK.augmentation, (QUICK.seed, i, view))
            assert np.array_equal(expected, data.fit_pixels[view * count + i])
            assert [label in row.labels for label in LABELS] == data.fit_allowed[view * count + i].tolist()


def test_validation_photographs_are_as_served() -> None:
    """No augmentation: what the contract gives for the graph."""
    data = prepare(ROWS, Squares(), QUICK, LABELS, 1)
    assert 2 * 6 == len(data.val_rows) == len(data.val_pixels) == len(data.val_allowed)
    for row, found in zip(data.val_rows, data.val_pixels, strict=True):
        assert np.array_equal(to_input(Squares().read(row.path), QUICK.size).rgb, found)


def test_threads_change_nothing() -> None:
    """A view depends on its key, not on who made it when."""
    one, four = (
        prepare(ROWS, Squares(), dataclasses.replace(QUICK, seed=seed), LABELS, threads)
        for seed, threads in ((0, 1), (0, 4))
    )
    assert np.array_equal(one.fit_pixels, four.fit_pixels)


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"views": 3}, {"size": 40}, {"augmentation": dataclasses.replace(QUICK.augmentation, blur=1)}],
)
def test_another_setting_of_the_views_makes_other_ones(change: dict[str, object]) -> None:
    """A cache never answers for settings it was not made with."""
    first = prepare(ROWS, Squares(), QUICK, LABELS, 1)
    other = prepare(ROWS, Squares(), dataclasses.replace(QUICK, **change), LABELS, 1)
    assert first.fit_pixels.shape != other.fit_pixels.shape or not np.array_equal(first.fit_pixels, other.fit_pixels)


def test_views_are_made_once() -> None:
    """Depth, rates and steps have no part in them: a second recipe reads no photograph."""
    reader = Squares()
    prepare(ROWS, reader, QUICK, LABELS, 1)
    made = reader.reads
    prepare(ROWS, reader, dataclasses.replace(QUICK, name="majority", depth=3, rates=(1.0,), steps=9), LABELS, 1)
    assert made == reader.reads


def test_other_bytes_make_other_views() -> None:
    """A row's hash is part of the key."""
    reader = Squares()
    for digest in ("1", "2"):
        prepare([dataclasses.replace(row, sha256=digest) for row in ROWS], reader, QUICK, LABELS, 1)
    assert 2 * 6 * 6 == reader.reads


def test_a_photograph_that_cannot_be_read_stops_the_work() -> None:
    """And leaves no half cache behind: repaired, it goes on."""

    class Broken(Squares):
        def read(self, name: str) -> bytes:
            return b"" if name == "car/5" else super().read(name)

    with pytest.raises(PhotographError):
        prepare(ROWS, Broken(), QUICK, LABELS, 2)
    assert 2 * 6 == len(prepare(ROWS, Squares(), QUICK, LABELS, 2).val_pixels)


def test_labels_of_the_shipped_models_keep_their_order() -> None:
    """Even where the rows have fewer; else the rows' own, the new one first."""
    assert LABELS == label_order(ROWS, "bus")
    assert LABELS == label_order([Row("a", frozenset({"bus"}), "a"), Row("b", frozenset({"car"}), "b")], "bus")
    own = [Row(word, frozenset({word}), word) for word in ("zebra", "tram", "car")]
    assert ("tram", "car", "zebra") == label_order(own, "tram")


def test_a_label_that_nobody_knows_is_refused() -> None:
    """With the known ones."""
    with pytest.raises(DataError, match=r"Labels tram are none of bus, car"):
        allowed_labels([Row("a", frozenset({"tram"}), "a")], LABELS)


def test_plain_pixels_are_mapped_from_one_file() -> None:
    """Read-only: nobody changes what the next one reads."""
    found = plain_pixels(ROWS, Squares(), 32, 1)
    assert isinstance(found, np.memmap)
    assert not found.flags.writeable
