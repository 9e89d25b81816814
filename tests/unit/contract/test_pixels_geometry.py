"""Which part of a photograph the network sees, and how large."""

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from contract.pixels import DRAFT_FACTOR, Resize, ShortCrop, Stretch, decode_photograph, resize, to_input
from tests.hostile import encoded, picture

RAMP = np.repeat(np.arange(200, dtype=np.uint8)[None, :, None], 100, 0).repeat(3, 2)  # (100, 200, 3), dark to light


@pytest.mark.parametrize("shape", [(100, 200), (200, 100), (33, 33), (8, 500)])
@pytest.mark.parametrize("rule", [Stretch(), Stretch(interpolation="bicubic"), ShortCrop(short=40), ShortCrop(short=8)])
def test_every_rule_gives_the_size_asked_for(shape: tuple[int, int], rule: Resize) -> None:
    """Square, uint8, whatever the aspect and however short the short side."""
    out = resize(np.zeros((*shape, 3), np.uint8), 32, rule)
    assert (np.dtype(np.uint8), (32, 32, 3)) == (out.dtype, out.shape)


def test_stretch_keeps_both_ends() -> None:
    """Nothing is cut off: the first column stays darkest, the last lightest."""
    row = resize(RAMP, 20)[10, :, 0].astype(int)
    assert [5, 195] == pytest.approx([row[0], row[-1]], abs=1)
    assert (np.diff(row) > 0).all()


def test_stretch_is_the_default() -> None:
    """No rule means ours."""
    assert np.array_equal(resize(RAMP, 20, Stretch()), resize(RAMP, 20))


def test_short_crop_keeps_the_aspect_and_cuts_the_centre() -> None:
    """Of a ramp twice as wide as high, the middle half is left, its step unchanged by a stretch."""
    row = resize(RAMP, 100, ShortCrop(short=100))[50, :, 0]
    assert np.array_equal(np.arange(50, 150), row)


def test_short_crop_of_a_tall_photograph_cuts_above_and_below() -> None:
    """The long side may be either."""
    column = resize(RAMP.transpose(1, 0, 2).copy(), 50, ShortCrop(short=50))[:, 25, 0].astype(int)
    assert [50, 148] == pytest.approx([column[0], column[-1]], abs=2)


def test_short_crop_takes_a_margin_off() -> None:
    """256 then 224, as torchvision's models want it: an eighth less on each side."""
    row = resize(RAMP[:, 50:150].copy(), 224, ShortCrop(short=256))[112, :, 0].astype(int)
    assert [50 + 100 * 16 / 256, 50 + 100 * 240 / 256] == pytest.approx([row[0], row[-1]], abs=1)


def test_a_smaller_picture_is_antialiased() -> None:
    """Stripes of one pixel become grey, not one of their colours."""
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert [127, 128] == pytest.approx([resize(stripes, 16)[4:-4, 4:-4].min(), 128], abs=4)


def test_a_size_that_fits_changes_nothing() -> None:
    """No resampling without need."""
    rgb = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    assert np.array_equal(rgb, resize(rgb, 32))


@pytest.mark.parametrize(
    ("side", "hint", "decoded"), [(256, 32, 64), (256, 16, 32), (256, 64, 128), (256, 65, 256), (255, 64, 255)]
)
def test_a_scaled_decode_never_goes_below_the_promised_factor(side: int, hint: int, decoded: int) -> None:
    """The network's side times DRAFT_FACTOR is the least that is left to resize from."""
    data = encoded(picture(size=(side, side)), "JPEG")
    assert decoded == decode_photograph(data, size_hint=hint).rgb.shape[0]
    assert decoded >= DRAFT_FACTOR * hint


def test_the_short_side_decides_how_far_a_decode_is_scaled() -> None:
    """A panorama is not decoded to a strip."""
    data = encoded(picture(size=(1024, 128)), "JPEG")
    assert (64, 512, 3) == decode_photograph(data, size_hint=32).rgb.shape


def test_only_a_jpeg_is_scaled() -> None:
    """PNG, WebP and GIF have no such shortcut."""
    for kind in ("PNG", "WEBP"):
        assert (256, 256, 3) == decode_photograph(encoded(picture(size=(256, 256)), kind), size_hint=16).rgb.shape


def test_short_crop_scales_for_its_own_short_side() -> None:
    """The crop must not be taken from fewer pixels than the rule names."""
    data = encoded(Image.fromarray(RAMP).resize((1600, 800)), "JPEG", quality=95)
    full = resize(decode_photograph(data).rgb, 64, ShortCrop(short=100))
    scaled = to_input(data, 64, ShortCrop(short=100)).rgb
    assert 2 > np.abs(full.astype(int) - scaled).mean()


def test_a_rule_is_told_by_its_name() -> None:
    """What the manifest stores comes back as the same rule; an unknown one or an extra word is refused."""
    adapter: TypeAdapter[Resize] = TypeAdapter(Resize)
    for rule in (Stretch(), ShortCrop(short=256, interpolation="bilinear")):
        assert rule == adapter.validate_python(rule.model_dump())
    for wrong in (
        {"rule": "pad"},
        {"rule": "stretch", "short": 3},
        {"rule": "short_crop"},
        {"rule": "short_crop", "short": 7},
    ):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)
