"""What is no photograph is refused by name, before it costs anything."""

import io
import struct
import tracemalloc
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from contract.errors import PhotographError
from contract.pixels import FORMATS, MAX_PIXELS, MIN_SIDE, decode_photograph, to_input
from tests.hostile import animated_gif, broken_checksum_png, claimed_size, encoded, picture

SIDE = 13_000  # squared 169 megapixels


def refusal(data: bytes, **options: int) -> PhotographError:
    """The error that the bytes raise."""
    with pytest.raises(PhotographError) as caught:
        decode_photograph(data, **options)
    return caught.value


def test_nothing_is_empty() -> None:
    """No bytes at all have their own name."""
    assert "empty" == refusal(b"").kind


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PPM", "ICO", "TGA", "JPEG2000"])
def test_other_formats_are_named_as_such(kind: str) -> None:
    """Pillow could read them; we promise four formats and say which."""
    error = refusal(encoded(picture(), kind))
    assert "unsupported-format" == error.kind
    assert all(name in str(error) for name in FORMATS)


@pytest.mark.parametrize("data", [b"\0", b"no photograph", b"<svg/>", b"%PDF-1.7", bytes(range(256)) * 40])
def test_random_bytes_are_no_photograph(data: bytes) -> None:
    """Text, other documents, noise."""
    assert "unsupported-format" == refusal(data).kind


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_half_a_file_is_unreadable(kind: str, share: float) -> None:
    """Never a photograph with a grey lower half, and never called another format."""
    noise = Image.effect_noise((96, 64), 80).convert("P" if kind == "GIF" else "RGB")
    data = encoded(noise, kind)
    assert "unreadable" == refusal(data[: int(len(data) * share)]).kind


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("lost", [1, 2, 4, 12])
def test_a_file_without_its_last_bytes_is_unreadable(kind: str, lost: int) -> None:
    """The end of a file is its promise that nothing is missing, even where every pixel is there."""
    assert "unreadable" == refusal(encoded(picture(), kind)[:-lost]).kind


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.4, 0.7, 0.99])
def test_an_animation_cut_off_behind_its_first_frame_is_unreadable(kind: str, share: float) -> None:
    """What is shown is whole, but the file is not: every format has the same answer to that."""
    frames = [Image.effect_noise((96, 64), 80).convert("P" if kind == "GIF" else "RGB") for _ in range(3)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert "unreadable" == refusal(data[: int(len(data) * share)]).kind
    assert ("first frame of an animation",) == decode_photograph(data).notes


def test_bytes_behind_the_end_do_no_harm() -> None:
    """Phones and editors append their own."""
    for kind in ("JPEG", "PNG", "GIF"):
        assert (40, 48, 3) == decode_photograph(encoded(picture("L"), kind) + b"trailer" * 9).rgb.shape


@pytest.mark.parametrize("chunk", [b"IHDR", b"IDAT", b"IEND"])
def test_a_broken_checksum_of_any_chunk_is_unreadable(chunk: bytes) -> None:
    """Pillow's plain load skips the one over the pixels."""
    data = bytearray(encoded(picture(), "PNG"))
    at = data.index(chunk)
    data[at + 4 + struct.unpack(">I", data[at - 4 : at])[0]] ^= 1
    assert ("unreadable", "unreadable") == (refusal(bytes(data)).kind, refusal(broken_checksum_png()).kind)


def claimed_webp(width: int, height: int) -> bytes:
    """A lossless WebP whose header claims other dimensions (14 bits each, minus one)."""
    data = bytearray(encoded(picture(), "WEBP", lossless=True))
    at = data.index(b"VP8L") + 9
    flags = int.from_bytes(data[at : at + 4], "little") & ~0xFFFFFFF
    data[at : at + 4] = (flags | (width - 1) | (height - 1) << 14).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_169_megapixels_are_refused_before_a_pixel_is_decoded(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The header alone decides: nothing is loaded, no memory is taken, the sentence has the numbers."""

    def loaded(image: Image.Image) -> None:
        raise AssertionError(f"{image.format} was decoded")

    data = claimed_webp(SIDE, SIDE) if kind == "WEBP" else claimed_size(kind, SIDE, SIDE)
    monkeypatch.setattr(ImageFile.ImageFile, "load", loaded)
    tracemalloc.start()
    try:
        error = refusal(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "too-many-pixels" == error.kind
    assert "169,000,000" in str(error)
    assert f"{MAX_PIXELS:,}" in str(error)
    assert 1_000_000 > peak


def test_the_limit_itself_passes() -> None:
    """At most, not less than."""
    data = encoded(picture(size=(50, 40)), "PNG")
    assert (40, 50, 3) == decode_photograph(data, max_pixels=2_000).rgb.shape
    assert "too-many-pixels" == refusal(data, max_pixels=1_999).kind
    with pytest.raises(PhotographError, match="2,000 pixels; the limit is 1,999"):
        to_input(data, 32, max_pixels=1_999)


@pytest.mark.parametrize("size", [(5, 5), (MIN_SIDE - 1, 500), (500, MIN_SIDE - 1)])
def test_under_eight_pixels_there_is_nothing_to_see(size: tuple[int, int]) -> None:
    """Either side counts."""
    assert "too-small" == refusal(encoded(picture(size=size), "PNG")).kind


def test_eight_pixels_are_enough() -> None:
    """The smallest photograph is answered."""
    assert (MIN_SIDE, MIN_SIDE, 3) == decode_photograph(encoded(picture(size=(MIN_SIDE, MIN_SIDE)), "PNG")).rgb.shape


@pytest.mark.parametrize(
    "data", [b"", b"noise", encoded(picture(), "JPEG")[:-30], encoded(picture(size=(5, 5)), "PNG"), b"GIF89a"]
)
def test_a_refusal_says_what_to_do(data: bytes) -> None:
    """Two sentences or more, the last an instruction; no address, no path, no decoder's own words."""
    message = str(refusal(data))
    assert any(verb in message for verb in ("Send ", "Convert "))
    assert all(leak not in message for leak in ("0x", "/", "Error", "PIL"))


def test_no_memory_is_not_the_photographs_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own shortage is passed on, never called a damaged file."""

    def exhausted(image: Image.Image) -> None:
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", exhausted)
    with pytest.raises(MemoryError):
        decode_photograph(encoded(picture(), "GIF"))


def decodes_or_refuses(data: bytes) -> None:
    """uint8 RGB or a PhotographError of a known kind; anything else fails the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own, about metadata
        try:
            rgb = decode_photograph(data, size_hint=32, max_pixels=100_000).rgb
            outcome: object = (rgb.dtype.name, rgb.ndim, rgb.shape[2])
        except PhotographError as error:
            outcome = error.kind
    assert outcome in (("uint8", 3, 3), "empty", "unsupported-format", "too-many-pixels", "too-small", "unreadable")


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF"]))
def test_any_bytes_decode_or_are_refused(data: bytes, start: bytes) -> None:
    """No input makes the decoder raise anything but a PhotographError."""
    decodes_or_refuses(start + data)


WHOLE = {
    "JPEG": encoded(picture(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"),
    "PNG": encoded(picture("P"), "PNG", transparency=b"\x10\x20"),
    "WEBP": encoded(picture("RGBA"), "WEBP"),
    "GIF": animated_gif(),
}


@given(st.sampled_from(sorted(WHOLE)), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8))
def test_any_damage_decodes_or_is_refused(kind: str, changes: list[tuple[int, int]]) -> None:
    """Bytes of a real photograph changed anywhere."""
    data = bytearray(WHOLE[kind])
    for place, value in changes:
        data[place % len(data)] = value
    decodes_or_refuses(bytes(data))


@pytest.mark.parametrize("kind", sorted(WHOLE))
def test_the_whole_ones_decode(kind: str) -> None:
    """The files that the damage starts from are sound, read by us and by Pillow alike."""
    assert Image.open(io.BytesIO(WHOLE[kind])).size[::-1] == decode_photograph(WHOLE[kind]).rgb.shape[:2]
