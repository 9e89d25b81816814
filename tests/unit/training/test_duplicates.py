"""The same photograph is recognised however it was saved; different ones are not."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from contract.pixels import to_input
from tests.unit.training.photographs import encoded, picture
from training.data.duplicates import FINGERPRINT_SIDE, feature_duplicates, fingerprints, join_groups, near_duplicates


def _pairs(*files: bytes) -> list[tuple[int, int]]:
    return near_duplicates(fingerprints(to_input(data, FINGERPRINT_SIDE).rgb for data in files))


@pytest.mark.parametrize(
    "changed",
    [
        lambda image: encoded(image, quality=40),
        lambda image: encoded(image.resize((48, 48))),
        lambda image: encoded(image.convert("L")),
        lambda image: encoded(ImageEnhance.Brightness(image).enhance(1.15)),
        lambda image: encoded(ImageOps.mirror(image), quality=70),
    ],
    ids=["saved anew", "smaller", "grey", "brighter", "mirrored"],
)
def test_changed_copy_is_found(changed: Callable[[Image.Image], bytes]) -> None:
    """A copy saved at low quality, halved, greyed, brightened or mirrored is a near-duplicate of its original only."""
    image = picture(1, 96)
    assert [(0, 2)] == _pairs(encoded(image), encoded(picture(2, 96)), changed(image))


def test_different_pictures_are_not_joined() -> None:
    """Among 200 different pictures there is no near-duplicate."""
    assert [] == _pairs(*(encoded(picture(seed, 64)) for seed in range(200)))


def test_blank_pictures_are_not_joined() -> None:
    """Blank pictures have nothing in common but being blank."""
    assert [] == _pairs(encoded(Image.new("RGB", (64, 64), "white")), encoded(Image.new("RGB", (64, 64), "grey")))


def test_features_join_by_direction() -> None:
    """Feature rows of one direction are duplicates whatever their length."""
    features = np.array([[1, 0], [0, 1], [3, 0.1]], np.float32)
    assert [(0, 2)] == feature_duplicates(features)


def test_groups_join_through_chains() -> None:
    """What a chain of pairs connects is one group; the smallest name stays."""
    assert ["a", "a", "c", "a", "a"] == join_groups(["d", "a", "c", "d", "b"], [(1, 3), (3, 4)])
