"""Bodies of every accepted form -> encoded photographs, in order. Nothing is decoded here."""

import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from serving.errors import Refusal

# What curl sends for --data-binary, what libraries send for bytes, or nothing: the bytes decide.
RAW_TYPES = ("", "application/octet-stream", "application/x-www-form-urlencoded", "binary/octet-stream")
_ACCEPTED = "Send the photograph's bytes, multipart/form-data with files, or JSON with `image` or `images` in base64."
FILE_FIELDS = (b"image", b"data", b"body")
_CLIENT_WORDS = 60  # characters of a client's own words that an error repeats


@dataclass
class Photographs:
    """`items`: encoded bytes, uint8 (S, S, 3) as the graph takes it, or a refusal. `many`: the answer is a list."""

    items: Sequence[bytes | NDArray[np.uint8] | Refusal]
    many: bool = False


def check_type(content_type: str, content_encoding: str) -> None:
    """At the headers, before the body is read. Raises Refusal: unsupported-type."""
    if content_encoding not in ("", "identity"):
        raise Refusal(
            "unsupported-type",
            f"Content-Encoding {content_encoding[:_CLIENT_WORDS]!r} is not read. Send the body plain.",
        )
    kind = _media_type(content_type)
    if not (kind.startswith("image/") or kind in (*RAW_TYPES, "multipart/form-data", "application/json")):
        raise Refusal("unsupported-type", f"Content type {kind[:_CLIENT_WORDS]!r} is no photograph. {_ACCEPTED}")


def read_photographs(content_type: str, body: bytes, limit: int) -> Photographs:
    """limit: most photographs in one request. Raises Refusal: empty, malformed-body or too-many-photographs."""
    if not body:
        raise Refusal("empty", f"The body is empty. {_ACCEPTED}")
    kind = _media_type(content_type)
    if kind == "multipart/form-data":
        photographs = _multipart(content_type, body)
    elif kind == "application/json":
        photographs = _json(body)
    else:
        photographs = Photographs([body])
    if not photographs.items:
        raise Refusal("empty", f"The request holds no photograph. {_ACCEPTED}")
    if len(photographs.items) > limit:
        raise Refusal(
            "too-many-photographs", f"{len(photographs.items)} photographs in one request; at most {limit}. Send fewer."
        )
    return photographs


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _json(body: bytes) -> Photographs:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(
            "malformed-body", 'The body is no JSON. Expected {"image": "<base64>"} or {"images": [...]}.'
        ) from None
    if not isinstance(document, dict) or len(document) != 1 or not document.keys() <= {"image", "images"}:
        raise Refusal(
            "malformed-body", 'Expected a JSON object with exactly `image`: "<base64>" or `images`: ["<base64>", ...].'
        )
    if "image" in document:
        item = read_base64(document["image"], "image")
        if isinstance(item, Refusal):
            raise item
        return Photographs([item])
    images = document["images"]
    if not isinstance(images, list):
        raise Refusal("malformed-body", "`images` is no list. Expected a list of base64 strings.")
    return Photographs([read_base64(image, f"images[{i}]") for i, image in enumerate(images)], many=True)


def read_base64(text: object, where: str) -> bytes | Refusal:
    """where: how the client wrote it. A string that is no base64 is returned as a refusal: in a list it fails alone."""
    if not isinstance(text, str):
        raise Refusal("malformed-body", f"`{where}` is no string. Expected the photograph in base64.")
    if re.search(r"\s", text):  # what `base64 FILE` prints is wrapped
        text = "".join(text.split())
    try:
        if len(text) % 4 == 0:  # strict_mode lets padding after a whole group pass
            return binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        pass
    return Refusal(
        "malformed-body", f"`{where}` is no base64. Use the standard alphabet with padding, without a data: prefix."
    )


@dataclass
class _Part:
    headers: dict[str, bytes] = field(default_factory=dict)
    name: bytes = b""
    value: bytes = b""
    content: list[bytes] = field(default_factory=list)

    def is_file(self) -> bool:
        """A part with a file name, an image's type, or a field's name that we or TorchServe's clients use."""
        _, options = parse_options_header(self.headers.get("content-disposition", b""))
        kind = self.headers.get("content-type", b"").lower()
        return b"filename" in options or kind.startswith(b"image/") or options.get(b"name") in FILE_FIELDS


class _PartCollector:
    """Callbacks of the multipart parser."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.is_whole = False

    def on_part_begin(self) -> None:
        self.parts.append(_Part())

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].value += data[start:end]

    def on_header_end(self) -> None:
        part = self.parts[-1]
        part.headers[part.name.decode("latin-1").lower()] = part.value
        part.name = part.value = b""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].content.append(data[start:end])

    def on_end(self) -> None:
        self.is_whole = True


def _multipart(content_type: str, body: bytes) -> Photographs:
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise Refusal(
            "malformed-body", "The multipart content type names no boundary. Let the HTTP library write the header."
        )
    collector = _PartCollector()
    names = ("on_part_begin", "on_header_field", "on_header_value", "on_header_end", "on_part_data", "on_end")
    try:
        parser = MultipartParser(boundary, {name: getattr(collector, name) for name in names})  # type: ignore[arg-type] # a TypedDict of optional keys
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise Refusal("malformed-body", "The multipart body cannot be parsed. Let the HTTP library build it.") from None
    if not collector.is_whole:
        raise Refusal("malformed-body", "The multipart body ends before its closing boundary. Send it whole.")
    files: list[bytes | Refusal] = [b"".join(part.content) for part in collector.parts if part.is_file()]
    if not files:
        raise Refusal("empty", "The form holds no file. Put the photograph in a file field, `image` for example.")
    return Photographs(files, many=len(files) > 1)
