"""Every form a photograph arrives in becomes upright RGB uint8."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from contract.pixels import decode_photograph, to_input
from tests.hostile import animated_gif, deep_png, encoded, picture, turned_jpeg

HEIGHT, WIDTH = 40, 48
BRIGHT, DARK = 220, 40
ANIMATED = ("first frame of an animation",)
LOSS = 12  # grey levels that JPEG, lossy WebP and a palette may cost inside a flat quarter


def quarters(data: bytes) -> tuple[int, int]:
    """Grey levels inside the bright quarter and inside the dark one across; fails on wrong shape or type."""
    rgb = decode_photograph(data).rgb
    assert (np.dtype(np.uint8), (HEIGHT, WIDTH, 3)) == (rgb.dtype, rgb.shape)
    return round(rgb[4:14, 4:18].mean()), round(rgb[26:36, 30:44].mean())


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGB", "JPEG"),
        ("L", "JPEG"),
        ("CMYK", "JPEG"),
        ("YCbCr", "JPEG"),
        ("RGB", "PNG"),
        ("L", "PNG"),
        ("P", "PNG"),
        ("RGBA", "PNG"),
        ("LA", "PNG"),
        ("RGB", "WEBP"),
        ("RGBA", "WEBP"),
        ("P", "GIF"),
        ("L", "GIF"),
    ],
)
def test_every_mode_and_format_becomes_rgb(mode: str, kind: str) -> None:
    """The bright quarter stays bright, the dark one dark, whatever the file's own colours were."""
    assert (BRIGHT, DARK) == pytest.approx(quarters(encoded(picture(mode), kind)), abs=LOSS)


def test_sixteen_bits_of_grey_become_eight() -> None:
    """The high byte is kept: nothing clips to white."""
    assert (BRIGHT, DARK) == quarters(deep_png())


def test_one_bit_becomes_black_and_white() -> None:
    """A scan of two levels has two levels."""
    assert {0, 255} == set(np.unique(decode_photograph(encoded(picture("1"), "PNG")).rgb))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_lies_on_white(kind: str) -> None:
    """A clear pixel is white, an opaque one keeps its colour, half of each is their mean."""
    rgba = np.zeros((32, 48, 4), np.uint8)
    rgba[:, 16:32, 3], rgba[:, 32:, 3] = 128, 255
    options = {"lossless": True} if kind == "WEBP" else {}
    rgb = decode_photograph(encoded(Image.fromarray(rgba), kind, **options)).rgb
    assert [255, 127, 0] == [int(rgb[16, column, 1]) for column in (8, 24, 40)]


def test_grey_with_alpha_lies_on_white() -> None:
    """LA is treated as RGBA."""
    pixels = np.dstack([np.full((16, 16), 100, np.uint8), np.repeat(np.uint8([[0] * 8 + [255] * 8]), 16, 0)])
    rgb = decode_photograph(encoded(Image.fromarray(pixels, "LA"), "PNG")).rgb
    assert [255, 100] == [int(rgb[8, column, 0]) for column in (2, 14)]


def test_a_transparent_colour_of_a_palette_lies_on_white() -> None:
    """Without the note a palette keeps its colour; with it that colour is white."""
    palette = Image.new("P", (16, 16), 1)
    palette.putpalette([0, 0, 0, 200, 10, 10])
    palette.paste(0, (0, 0, 8, 16))
    opaque = decode_photograph(encoded(palette, "PNG")).rgb
    clear = decode_photograph(encoded(palette, "PNG", transparency=1)).rgb
    assert [[0, 0, 0], [200, 10, 10]] == opaque[8, [2, 14]].tolist()
    assert [[0, 0, 0], [255, 255, 255]] == clear[8, [2, 14]].tolist()


def test_a_transparent_colour_without_a_palette_lies_on_white() -> None:
    """PNG may name one grey level as clear."""
    rgb = decode_photograph(encoded(picture("L"), "PNG", transparency=DARK)).rgb
    assert [BRIGHT, 255] == [int(rgb[8, 8, 0]), int(rgb[30, 40, 0])]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_all_eight_orientations_are_turned_upright(kind: str, orientation: int) -> None:
    """What a viewer shows is what the network gets, mirrored forms too."""
    noted = Image.Exif()
    noted[0x0112] = orientation
    data = encoded(picture(), kind, exif=noted) if kind != "JPEG" else turned_jpeg(orientation)
    plain = Image.open(io.BytesIO(data))
    bright_corner = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}
    rgb = decode_photograph(data).rgb
    assert np.array_equal(np.asarray(ImageOps.exif_transpose(plain).convert("RGB")), rgb)
    assert ((HEIGHT, WIDTH) if orientation < 5 else (WIDTH, HEIGHT)) == rgb.shape[:2]
    bottom, right = bright_corner[orientation]
    corner = rgb[-10:, :] if bottom else rgb[:10, :]
    assert BRIGHT == pytest.approx((corner[:, -10:] if right else corner[:, :10]).mean(), abs=LOSS)


@pytest.mark.parametrize("note", [0, 9, 65_535])
def test_an_impossible_orientation_is_ignored(note: int) -> None:
    """Notes are often wrong; the pixels are still there."""
    assert (HEIGHT, WIDTH) == decode_photograph(turned_jpeg(note)).rgb.shape[:2]


def test_a_damaged_note_does_not_cost_the_photograph() -> None:
    """EXIF that is none is skipped."""
    data = encoded(picture(), "JPEG", exif=b"Exif\0\0no such thing")
    assert (BRIGHT, DARK) == pytest.approx(quarters(data), abs=LOSS)


def test_the_first_frame_of_an_animation_is_used_and_noted() -> None:
    """Later frames are black here; the answer says that they were left out."""
    assert (BRIGHT, DARK) == pytest.approx(quarters(animated_gif()), abs=LOSS)
    assert ANIMATED == decode_photograph(animated_gif()).notes
    assert ANIMATED == to_input(animated_gif(), 32).notes


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_other_animations_give_their_first_frame_too(kind: str) -> None:
    """APNG and animated WebP."""
    data = encoded(picture(), kind, save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))])
    assert (BRIGHT, DARK) == pytest.approx(quarters(data), abs=LOSS)
    assert ANIMATED == decode_photograph(data).notes


def test_a_still_picture_has_no_note() -> None:
    """A note means that something was done."""
    assert () == decode_photograph(encoded(picture(), "JPEG")).notes


def test_the_second_picture_of_a_phone_is_no_animation() -> None:
    """MPO (a JPEG with a depth map or a preview behind it) is one photograph, at a scaled decode too."""
    large = picture(size=(480, 400))
    data = encoded(large, "MPO", save_all=True, append_images=[Image.new("RGB", (480, 400))])
    photograph = decode_photograph(data, size_hint=32)
    assert ((), (100, 120, 3)) == (photograph.notes, photograph.rgb.shape)
    assert BRIGHT == pytest.approx(photograph.rgb[:40, :50].mean(), abs=LOSS)


def test_the_same_bytes_give_the_same_pixels_from_anywhere(tmp_path: Path) -> None:
    """Decoding depends on the bytes alone: no file is left behind, none is read."""
    data = encoded(picture(), "JPEG")
    assert np.array_equal(decode_photograph(data).rgb, decode_photograph(bytes(bytearray(data))).rgb)
    assert [] == list(tmp_path.iterdir())
