"""bytes -> upright RGB uint8 -> S x S. The only copy: trainer, evaluation and both servers call it.

A resize that differs between training and serving lowers accuracy without any error, so nothing else
may decode or resize a photograph. Normalisation lives in the graph.
"""

import io
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pydantic import BaseModel, ConfigDict, Field

from contract.errors import (
    EmptyPhotographError,
    TooManyPixelsError,
    TooSmallError,
    UnreadablePhotographError,
    UnsupportedFormatError,
)

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 50_000_000  # a 50-megapixel phone photograph still passes; decoded it is 150 MB
MIN_SIDE = 8  # pixels; below this there is nothing to see
# A JPEG may be decoded at 1/2, 1/4 or 1/8 while both sides stay at least this many times the network's
# input: the antialiased resize that follows then differs by about two grey levels of 255 from a full decode.
DRAFT_FACTOR = 2
# Our own limit is checked on the header, before a pixel is decoded. Pillow's would only warn up to 179 Mpx.
Image.MAX_IMAGE_PIXELS = None

_INTERPOLATION = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
_EXIF_ORIENTATION = 0x0112
_PNG_END = b"IEND\xaeB`\x82"  # the last chunk of every whole PNG, with its CRC
_GIF_IMAGE, _GIF_EXTENSION, _GIF_TRAILER = b",!;"  # what a block begins with
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8")

Pixels = NDArray[np.uint8]


class Stretch(BaseModel):
    """Resize to S x S whatever the aspect: nothing is cut off."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rule: Literal["stretch"] = "stretch"
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"


class ShortCrop(BaseModel):
    """Resize the short side to `short` pixels, keep the aspect, cut the S x S centre."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rule: Literal["short_crop"] = "short_crop"
    short: int = Field(ge=MIN_SIDE, le=4096, description="Short side before the crop, pixels.")
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"


Resize = Annotated[Stretch | ShortCrop, Field(discriminator="rule")]


@dataclass(frozen=True)
class Photograph:
    """A decoded photograph: `rgb` uint8 (H, W, 3), upright; `notes` say what was done to it."""

    rgb: Pixels
    notes: tuple[str, ...] = ()


def decode_photograph(data: bytes, *, size_hint: int | None = None, max_pixels: int = MAX_PIXELS) -> Photograph:
    """Encoded bytes -> upright RGB.

    size_hint: the network's input side S; a JPEG may then be decoded at a fraction of its size, never
    below DRAFT_FACTOR * S on either side. Raises a PhotographError; a decoder's own words are never
    passed on, since they may hold addresses or paths.
    """
    image, notes = _decoded(data, size_hint, max_pixels)
    return Photograph(np.asarray(image), notes)


def _decoded(data: bytes, size_hint: int | None, max_pixels: int) -> tuple[Image.Image, tuple[str, ...]]:
    """An upright RGB image and what was done to it."""
    image = _open(data, max_pixels)
    try:
        notes = ("first frame of an animation",) if getattr(image, "n_frames", 1) > 1 and image.format != "MPO" else ()
        if image.format == "PNG":
            _open(data, max_pixels).verify()  # checks every chunk's CRC; a plain load skips the pixels' own
            data.index(_PNG_END)  # the last chunk's too, which Pillow takes unread
        if image.format == "GIF":
            _walk_to_the_end_of_gif(data)
        if image.format in ("JPEG", "MPO") and size_hint:
            image.draft("RGB", (DRAFT_FACTOR * size_hint, DRAFT_FACTOR * size_hint))
        image.load()
        return _on_white(_upright(image)), notes
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - decoders raise anything: OSError, SyntaxError, struct.error, IndexError
        raise UnreadablePhotographError(
            f"The {image.format} data is truncated or damaged. Send the whole file again, or save it anew."
        ) from None


def resize(rgb: Pixels, size: int, rule: Resize | None = None) -> Pixels:
    """rgb: uint8 (H, W, 3). Returns uint8 (size, size, 3), antialiased, by the manifest's rule (default stretch)."""
    return _resized(Image.fromarray(rgb), size, rule or Stretch())


def _resized(image: Image.Image, size: int, rule: Resize) -> Pixels:
    interpolation = _INTERPOLATION[rule.interpolation]
    if isinstance(rule, Stretch):
        return np.asarray(image.resize((size, size), interpolation))
    scale = rule.short / min(image.size)
    width, height = (max(size, round(side * scale)) for side in image.size)
    left, top = (width - size) // 2, (height - size) // 2
    scaled = image.resize((width, height), interpolation)
    return np.asarray(scaled.crop((left, top, left + size, top + size)))


def to_input(data: bytes, size: int, rule: Resize | None = None, *, max_pixels: int = MAX_PIXELS) -> Photograph:
    """Encoded bytes -> what the graph takes: uint8 (size, size, 3). Raises a PhotographError."""
    hint = size if rule is None or isinstance(rule, Stretch) else rule.short
    image, notes = _decoded(data, hint, max_pixels)  # an array in between would cost two copies
    return Photograph(_resized(image, size, rule or Stretch()), notes)


def _open(data: bytes, max_pixels: int) -> Image.Image:
    if not data:
        raise EmptyPhotographError("No photograph: the body is empty. Send the bytes of a JPEG, PNG, WebP or GIF file.")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Exception:  # noqa: BLE001 - as above
        if data.startswith(_MAGIC) or data[8:12] == b"WEBP":
            raise UnreadablePhotographError(
                "The file starts like a photograph but its header is damaged. Send the whole file again."
            ) from None
        raise UnsupportedFormatError(
            f"Not a photograph in a format we read ({', '.join(FORMATS)}). Convert it, for example to JPEG."
        ) from None
    width, height = image.size
    if width * height > max_pixels:
        raise TooManyPixelsError(
            f"Photograph has {width} x {height} = {width * height:,} pixels; the limit is {max_pixels:,}. "
            "Send it smaller."
        )
    if min(width, height) < MIN_SIDE:
        raise TooSmallError(
            f"Photograph is {width} x {height} pixels; each side needs at least {MIN_SIDE}. Send it larger."
        )
    return image


def _walk_to_the_end_of_gif(data: bytes) -> None:
    """Block by block to the trailer, since Pillow reads the first frame and no further. Raises IndexError before it."""

    def palette_bytes(flags: int) -> int:
        return 6 << (flags & 7) if flags & 0x80 else 0

    at = 13 + palette_bytes(data[10])
    while (kind := data[at]) != _GIF_TRAILER:
        if kind not in (_GIF_IMAGE, _GIF_EXTENSION):
            at += 1  # padding, which decoders skip
            continue
        at += 2 if kind == _GIF_EXTENSION else 11 + palette_bytes(data[at + 9])
        while length := data[at]:
            at += length + 1
        at += 1


def _upright(image: Image.Image) -> Image.Image:
    turned = "exif" in image.info or image.format in ("PNG", "WEBP")
    if turned and image.getexif().get(_EXIF_ORIENTATION, 1) != 1:
        return ImageOps.exif_transpose(image)
    return image


def _on_white(image: Image.Image) -> Image.Image:
    """Any mode -> RGB; transparency is laid on white; 16 bits become 8."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):  # 16-bit grey, as I;16 or widened to I
        grey = np.asarray(image).astype(np.int64)
        return Image.fromarray(np.clip(grey >> 8, 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")
