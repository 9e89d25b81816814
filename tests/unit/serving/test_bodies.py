import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.bodies import check_type, read_photographs
from serving.errors import Refusal

FORM = "multipart/form-data; boundary=b"


def form(*parts: tuple[str, bytes]) -> bytes:
    """A form of (headers, content)."""
    return b"".join(b"--b\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n" for head, data in parts) + b"--b--\r\n"


FILE = 'Content-Disposition: form-data; name="image"; filename="x.jpg"'


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=5))
def test_json_gives_back_the_bytes(photographs: list[bytes]) -> None:
    """Whatever the bytes, in order."""
    body = json.dumps({"images": [base64.b64encode(each).decode() for each in photographs]}).encode()
    assert photographs == read_photographs("application/json; charset=utf-8", body, 9).items


@given(st.lists(st.binary(max_size=200).filter(lambda data: b"--b" not in data), min_size=1, max_size=5))
def test_forms_give_back_the_bytes(photographs: list[bytes]) -> None:
    """Line ends inside a photograph are its own."""
    body = form(*((FILE, each) for each in photographs))
    assert photographs == read_photographs(FORM, body, 9).items


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """No body of any form raises anything but a refusal."""
    for content_type in ("image/png", FORM, "application/json"):
        with suppress(Refusal):
            assert read_photographs(content_type, body, 9).items


@pytest.mark.parametrize(
    "head",
    [
        FILE,
        'Content-Disposition: form-data; name="data"; filename="x"',
        'Content-Disposition: form-data; name="image"',
        'content-disposition: form-data; name="other"\r\nContent-Type: image/png',
    ],
)
def test_what_counts_as_a_file(head: str) -> None:
    """A file name, an image's type, or our field name."""
    assert [b"photo"] == read_photographs(FORM, form((head, b"photo")), 9).items


def test_text_fields_are_no_photographs() -> None:
    """They are left out; alone they are not enough."""
    text = ('Content-Disposition: form-data; name="comment"', b"hello")
    assert [b"photo"] == read_photographs(FORM, form(text, (FILE, b"photo")), 9).items
    with pytest.raises(Refusal, match="holds no file"):
        read_photographs(FORM, form(text), 9)


def test_wrapped_base64_is_read() -> None:
    """As the command base64 prints it."""
    text = base64.encodebytes(b"x" * 200).decode()
    assert "\n" in text.strip()
    assert [b"x" * 200] == read_photographs("application/json", json.dumps({"image": text}).encode(), 9).items


@pytest.mark.parametrize("text", ["data:image/png;base64,AAAA", "A", "AAAA=", "____", "é"])
def test_what_is_no_base64(text: str) -> None:
    """Refused with the name of the entry."""
    with pytest.raises(Refusal, match="`image` is no base64"):
        read_photographs("application/json", json.dumps({"image": text}).encode(), 9)


@pytest.mark.parametrize(
    "kind", ["", "image/jpeg", "IMAGE/PNG; q=1", "application/octet-stream", "application/json", FORM]
)
def test_types_that_are_read(kind: str) -> None:
    """Case and parameters do not matter."""
    check_type(kind, "")
    check_type(kind, "identity")


@pytest.mark.parametrize(
    ("kind", "encoding"), [("text/html", ""), ("video/mp4", ""), ("image/png", "gzip"), ("imagejpeg", "")]
)
def test_types_that_are_not(kind: str, encoding: str) -> None:
    """415 at the headers."""
    with pytest.raises(Refusal) as caught:
        check_type(kind, encoding)
    assert "unsupported-type" == caught.value.kind.name
