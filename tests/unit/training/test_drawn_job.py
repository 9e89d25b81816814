"""The drawn job: how many pictures, no scene twice, the same bytes each time."""

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.training.tiny import quiet, source_file
from training.drawn import bus_classes, classes, draw, label_of, to_jpeg
from training.drawn_job import (
    ADAPT_SEED,
    BLOCK,
    CLASS_STRIDE,
    HOLDOUT_IMAGES,
    OTHERS_START,
    SIDE,
    SOURCE_IMAGES,
    SOURCE_SEED,
    DrawnPhotographs,
    _drawn_block,
    drawn_job,
)
from training.job import Job
from training.split import check_disjoint


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """On a given source: nothing is pretrained."""
    return drawn_job(tmp_path / "out", quiet(), 1, str(source_file(tmp_path / "tiny.safetensors")))


def place(path: str) -> tuple[str, int, int]:
    """Class, seed, index of scene."""
    _, name, seed, index = path.split("/")
    return name, int(seed), int(index)


def test_it_has_500_buses_validation_among_them(job: Job) -> None:
    """400 to fit, 100 to choose by; three times as many others; the test apart."""
    counts = Counter((row.split, row.labels == {"bus"}) for row in job.train.rows)
    buses, others = ({split: counts[split, new] for split in ("fit", "val", "test")} for new in (True, False))
    assert {"fit": 400, "val": 100, "test": 400} == buses
    assert {"fit": 1200, "val": 300, "test": 1200} == others
    assert len(job.train.rows) == counts.total()


def test_no_scene_is_drawn_twice(job: Job) -> None:
    """Equal seed and index would be one scene: neither two classes nor two splits share one, nor the source."""
    places = [place(row.path) for row in job.train.rows]
    assert len(places) == len({index for _, _, index in places})
    assert {ADAPT_SEED} == {seed for _, seed, _ in places}
    assert SOURCE_SEED != ADAPT_SEED
    check_disjoint(job.train.rows)


def test_classes_stay_within_their_range_of_scenes(job: Job) -> None:
    """Even when more pictures are asked for, up to the stride; a block of neighbours is never of two classes."""
    ranges: dict[str, int] = {}
    for start, names in ((0, bus_classes()), (OTHERS_START, classes())):
        ranges |= {name: start + number * CLASS_STRIDE for number, name in enumerate(names)}
    for row in job.train.rows:
        name, _, index = place(row.path)
        assert ranges[name] <= index < ranges[name] + CLASS_STRIDE
    assert len(bus_classes()) * CLASS_STRIDE <= OTHERS_START
    assert SOURCE_IMAGES + HOLDOUT_IMAGES <= CLASS_STRIDE
    assert 0 == CLASS_STRIDE % BLOCK == OTHERS_START % BLOCK


def test_every_kind_is_in_every_split(job: Job) -> None:
    """Each of the bus family's kinds; each other class as often as the next, within one."""
    for split, smallest in (("fit", 12), ("val", 3), ("test", 12)):
        words = Counter(row.word for row in job.train.rows if row.split == split)
        assert set(words) == {*bus_classes(), *classes()}
        others = [words[name] for name in classes()]
        assert smallest <= min(others)
        assert 1 >= max(others) - min(others)


def test_labels_are_the_classes_own(job: Job) -> None:
    """One label each, as `label_of` says; its own group."""
    assert [row.labels for row in job.train.rows] == [frozenset({label_of(row.word)}) for row in job.train.rows]
    assert [row.group for row in job.train.rows] == [row.path for row in job.train.rows]


def test_pictures_are_jpeg_and_equal_bytes_each_time(job: Job) -> None:
    """Twice the width of the input; drawn in a block or alone, after the cache is gone, the same bytes."""
    reader = DrawnPhotographs()
    for row in (job.train.rows[0], job.train.rows[450], job.train.rows[-1]):
        name, seed, index = place(row.path)
        first = reader.read(row.path)
        _drawn_block.cache_clear()
        assert row.path in reader
        assert first == reader.read(row.path)
        assert first == to_jpeg(draw(seed, name, index, 2 * SIDE))
        with Image.open(io.BytesIO(first)) as image:
            assert ("JPEG", "RGB", (2 * SIDE, 2 * SIDE)) == (image.format, image.mode, image.size)
            assert np.asarray(image).std() > 5


def test_a_picture_is_of_its_own_scene(job: Job) -> None:
    """Neighbours differ."""
    reader, paths = DrawnPhotographs(), [row.path for row in job.train.rows if row.word == bus_classes()[0]][:BLOCK]
    assert BLOCK == len({reader.read(path) for path in paths})


def test_the_three_recipes_are_the_shipped_ones_made_small(job: Job) -> None:
    """Depths 0, 1, 3 on smaller pictures, tested on what is drawn, on the repository's own terms."""
    assert [("frozen", 0), ("partial", 1), ("majority", 3)] == [(r.name, r.depth) for r in job.recipes]
    assert {SIDE} == {recipe.size for recipe in job.recipes}
    assert ("drawn",) == tuple(part.name for part in job.tests)
    assert "Apache-2.0" in job.train.terms
    assert job.old_task is None
