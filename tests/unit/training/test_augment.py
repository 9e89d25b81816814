"""A view is a function of a photograph and a key, and nothing else."""

import dataclasses

import numpy as np
import pytest

from tests.unit.training.tiny import square
from training.augment import Augmentation, augment

PHOTOGRAPH = np.concatenate([square("bus", 1, 60), square("car", 1, 60)], axis=1)  # (60, 120, 3), two halves
ALWAYS = Augmentation(grey=1, coarse=1, blur=1, noise=1, jpeg=1, erase=1)
NEVER = Augmentation(area=(1, 1), aspect=1, jitter=0, hue=0, grey=0, coarse=0, blur=0, noise=0, jpeg=0, erase=0)


@pytest.mark.parametrize("settings", [Augmentation(), ALWAYS, NEVER], ids=["default", "always", "never"])
def test_the_same_key_gives_the_same_view(settings: Augmentation) -> None:
    """Bit for bit, and the photograph itself stays untouched."""
    before = PHOTOGRAPH.copy()
    one, two = (augment(PHOTOGRAPH, 32, settings, (3, 4, 5)) for _ in range(2))
    assert np.array_equal(one, two)
    assert np.array_equal(before, PHOTOGRAPH)
    assert (np.dtype(np.uint8), (32, 32, 3)) == (one.dtype, one.shape)


def test_every_part_of_the_key_counts() -> None:
    """Seed, photograph, view: change one, and the view is another."""
    keys = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    views = {augment(PHOTOGRAPH, 32, Augmentation(), key).tobytes() for key in keys}
    assert 4 == len(views)


def test_a_view_without_changes_is_the_photograph_or_its_mirror() -> None:
    """With every setting off, only the flip is left."""
    views = {augment(PHOTOGRAPH, 32, NEVER, (key,)).tobytes() for key in range(20)}
    assert 2 == len(views)
    one, two = (np.frombuffer(view, np.uint8).reshape(32, 32, 3) for view in views)
    assert 1.5 > np.abs(one.astype(int) - two[:, ::-1]).mean()


def mean_change(**settings: object) -> float:
    """Mean difference from the plain view, over keys; the same crop and flip on both sides."""
    changed = dataclasses.replace(NEVER, **settings)
    pairs = [(augment(PHOTOGRAPH, 32, NEVER, (k,)), augment(PHOTOGRAPH, 32, changed, (k,))) for k in range(8)]
    return float(np.mean([np.abs(a.astype(int) - b).mean() for a, b in pairs]))


@pytest.mark.parametrize(
    "setting",
    [{"jitter": 0.35}, {"hue": 0.04}, {"grey": 1}, {"coarse": 1}, {"blur": 1}, {"noise": 1}, {"jpeg": 1}, {"erase": 1}],
    ids=str,
)
def test_every_setting_changes_something_and_not_everything(setting: dict[str, float]) -> None:
    """An option that did nothing, or that left nothing of the photograph, would be a mistake."""
    assert 0.2 < mean_change(**setting) < 80


def test_a_crop_keeps_a_part_of_the_photograph() -> None:
    """A tenth of a ramp spans a tenth to a half of its levels, wherever it was cut."""
    ramp = np.repeat(np.arange(0, 250, 2, dtype=np.uint8)[None, :, None], 125, 0).repeat(3, 2)
    spans = []
    for key in range(30):
        view = augment(ramp, 32, dataclasses.replace(NEVER, area=(0.1, 0.1), aspect=1.33), (key,)).astype(int)
        spans.append(int(view.max()) - int(view.min()))
    assert 60 < min(spans)
    assert max(spans) < 110


def test_a_grey_view_has_no_colour() -> None:
    """Three equal channels."""
    view = augment(PHOTOGRAPH, 32, dataclasses.replace(NEVER, grey=1), (1,)).astype(int)
    assert 0 == np.ptp(view, axis=2).max()


@pytest.mark.parametrize("shape", [(8, 8), (8, 400), (300, 9), (32, 32)])
def test_any_photograph_gives_a_view(shape: tuple[int, int]) -> None:
    """The smallest and the thinnest that decoding lets through."""
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    for key in range(5):
        assert (64, 64, 3) == augment(rgb, 64, ALWAYS, (key,)).shape
