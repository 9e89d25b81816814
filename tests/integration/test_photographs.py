"""Odd photographs are answered, bad ones refused with a sentence, and the server goes on."""

import io
import time

import pytest
from PIL import Image

from tests.fakes import FakeEngine, photograph
from tests.hostile import (
    animated_gif,
    broken_checksum_png,
    claimed_size,
    deep_png,
    encoded,
    picture,
    png_bomb,
    turned_jpeg,
)
from tests.integration.running import Running

ANSWERED = {
    "grey JPEG": encoded(picture("L"), "JPEG"),
    "CMYK JPEG": encoded(picture("CMYK"), "JPEG"),
    "progressive JPEG": encoded(picture(), "JPEG", progressive=True),
    "grey PNG": encoded(picture("L"), "PNG"),
    "black and white PNG": encoded(picture("1"), "PNG"),
    "grey PNG with alpha": encoded(picture("LA"), "PNG"),
    "16-bit PNG": deep_png(),
    "palette PNG": encoded(picture("P"), "PNG"),
    "palette PNG with a transparent colour": encoded(picture("P"), "PNG", transparency=0),
    "RGBA PNG": encoded(picture("RGBA"), "PNG"),
    "WebP": encoded(picture(), "WEBP"),
    "lossless WebP with alpha": encoded(picture("RGBA"), "WEBP", lossless=True),
    "GIF": encoded(picture("P"), "GIF"),
    "8 pixels": encoded(picture(size=(8, 8)), "PNG"),
}
REFUSED = {
    "nothing": (b"", 400, "empty"),
    "text": (b"Hello, I am no picture.", 415, "unsupported-format"),
    "BMP": (encoded(picture(), "BMP"), 415, "unsupported-format"),
    "TIFF": (encoded(picture(), "TIFF"), 415, "unsupported-format"),
    "ICO": (encoded(picture(), "ICO"), 415, "unsupported-format"),
    "PPM": (encoded(picture(), "PPM"), 415, "unsupported-format"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported-format"),
    "5 pixels": (encoded(picture(size=(5, 5)), "PNG"), 422, "too-small"),
    "thin": (encoded(picture(size=(500, 7)), "JPEG"), 422, "too-small"),
    "truncated JPEG": (photograph(1)[:-100], 422, "unreadable"),
    "JPEG header alone": (photograph(1)[:30], 422, "unreadable"),
    "truncated PNG": (encoded(picture(), "PNG")[:-30], 422, "unreadable"),
    "broken checksum": (broken_checksum_png(), 422, "unreadable"),
    "truncated WebP": (encoded(picture(), "WEBP")[:-40], 422, "unreadable"),
    "truncated GIF": (encoded(picture("P"), "GIF")[:-60], 422, "unreadable"),
    "a JPEG that claims 60,000 x 60,000": (claimed_size("JPEG", 60_000, 60_000), 413, "too-many-pixels"),
    "a PNG that claims 2 billion x 2": (claimed_size("PNG", 2_000_000_000, 2), 413, "too-many-pixels"),
    "a GIF that claims 60,000 x 60,000": (claimed_size("GIF", 60_000, 60_000), 413, "too-many-pixels"),
    "a WebP that claims 16,383 x 16,383": (claimed_size("WEBP", 16_383, 16_383), 413, "too-many-pixels"),
    "a PNG larger inside than out": (claimed_size("PNG", 64, 64), 422, "unreadable"),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_odd_photographs_are_answered(real: Running, name: str) -> None:
    """Any mode and format that a camera or a program may write."""
    reply = real.post("/predict", ANSWERED[name])
    assert (200, 5) == (reply.status, len(reply.json["predictions"]))
    assert "notes" not in reply.json


@pytest.mark.parametrize("name", REFUSED)
def test_bad_photographs_are_refused(real: Running, name: str) -> None:
    """The status says whose fault it is, the sentence what to do; a good one is answered right after."""
    data, status, kind = REFUSED[name]
    reply = real.post("/predict", data)
    assert (status, f"/docs#{kind}") == (reply.status, reply.json["type"])
    assert any(word in reply.json["detail"] for word in ("Send", "Convert"))
    assert 200 == real.post("/predict", photograph(1)).status


def test_transparency_lies_on_white(fake: Running) -> None:
    """What shows through is white, as on a page; FakeEngine sees brightness."""
    clear = encoded(Image.new("RGBA", (32, 32), (0, 0, 0, 0)), "PNG")
    assert {"label": "bus", "score": 1.0} == fake.post("/predict", clear).json["predictions"][0]


def test_sixteen_bits_become_eight(real: Running) -> None:
    """The same picture in 16 and in 8 bits gets the same answer."""
    expected = real.post("/predict", encoded(picture("L"), "PNG")).json["predictions"]
    assert expected == real.post("/predict", deep_png()).json["predictions"]


@pytest.mark.parametrize(("orientation", "turn"), [(3, 180), (6, 270), (8, 90)])
def test_a_lying_photograph_is_turned_upright(real: Running, orientation: int, turn: int) -> None:
    """The EXIF note is obeyed: same answer as for the same pixels stored upright."""
    with Image.open(io.BytesIO(turned_jpeg(orientation))) as image:
        image.info.pop("exif")
        upright = encoded(image.convert("RGB").rotate(turn, expand=True), "PNG")
    expected = real.post("/predict", upright).json["predictions"]
    turned = real.post("/predict", turned_jpeg(orientation)).json["predictions"]
    assert [item["label"] for item in expected] == [item["label"] for item in turned]
    assert [item["score"] for item in expected] == pytest.approx([item["score"] for item in turned], abs=0.02)


def test_the_first_frame_of_an_animation_is_used_and_noted(real: Running) -> None:
    """An animated GIF is answered for its first frame, and the answer says so."""
    reply = real.post("/predict", animated_gif())
    assert ["first frame of an animation"] == reply.json["notes"]
    assert real.post("/predict", encoded(picture("P"), "GIF")).json["predictions"] == reply.json["predictions"]


def test_a_bomb_is_refused_before_it_is_unpacked(fake: Running, engine: FakeEngine) -> None:
    """169 megapixels in two megabytes: 413 without decoding, while others are answered."""
    bomb = png_bomb()
    started = time.process_time()
    assert 413 == fake.post("/predict", bomb).status
    assert 0.5 > time.process_time() - started  # unpacking takes seconds; this only tells the two apart
    assert 200 == fake.post("/predict", photograph(1)).status


def test_a_damaged_photograph_among_good_ones(real: Running) -> None:
    """Many bad bodies between good ones change no good answer."""
    expected = real.post("/predict", photograph(1)).json["predictions"]
    for data, status, _ in REFUSED.values():
        assert status == real.post("/predict", data).status
        assert expected == real.post("/predict", photograph(1)).json["predictions"]
