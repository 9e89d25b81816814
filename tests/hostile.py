"""Pictures that are odd, broken or dangerous, made byte by byte."""

import io
import struct
import zlib
from collections.abc import Iterable

import numpy as np
from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def picture(mode: str = "RGB", size: tuple[int, int] = (48, 40)) -> Image.Image:
    """A smooth picture of any mode; the upper left quarter is bright."""
    width, height = size
    grey = np.full((height, width), 40, np.uint8)
    grey[: height // 2, : width // 2] = 220
    return Image.fromarray(grey).convert("RGB").convert(mode)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The file's bytes."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def deep_png() -> bytes:
    """16 bits of grey."""
    grey = np.asarray(picture("L")).astype(np.uint16) << 8
    return encoded(Image.fromarray(grey), "PNG")


def turned_jpeg(orientation: int) -> bytes:
    """Stored lying, with the EXIF note that turns it upright."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(picture(), "JPEG", exif=exif, quality=95)


def animated_gif() -> bytes:
    """Three frames: a picture, then black ones."""
    black = Image.new("P", (48, 40))
    return encoded(picture("P"), "GIF", save_all=True, append_images=[black, black])


def broken_checksum_png() -> bytes:
    """One bit of the pixels' checksum is wrong."""
    data = bytearray(encoded(picture(), "PNG"))
    at = data.index(b"IDAT")
    length = struct.unpack(">I", data[at - 4 : at])[0]
    data[at + 4 + length] ^= 1
    return bytes(data)


def chunk(kind: bytes, content: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_bomb(side: int = 13_000) -> bytes:
    """169 megapixels of black in two megabytes: real pixels, not only a header that says so."""
    row, packer = bytes(1 + 3 * side), zlib.compressobj(1)
    pixels = b"".join(_packed(packer.compress(row) for _ in range(side))) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def claimed_size(kind: str, width: int, height: int) -> bytes:
    """A small file whose header claims other dimensions."""
    data = bytearray(encoded(picture("P" if kind == "GIF" else "RGB"), kind))
    if kind == "GIF":
        data[6:10] = struct.pack("<HH", width, height)
    elif kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", height, width)
    elif kind == "WEBP":
        at = data.index(b"\x9d\x01\x2a") + 3  # the start code of a lossy frame
        data[at : at + 4] = struct.pack("<HH", width, height)
    else:
        data[16:24] = struct.pack(">II", width, height)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def _packed(parts: Iterable[bytes]) -> list[bytes]:
    return [part for part in parts if part]
