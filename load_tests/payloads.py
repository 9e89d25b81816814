"""Photographs -> request bodies, built once: a body encoded for each request would cost more than sending it."""

import base64
import csv
import json
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PHOTOGRAPHS = Path(__file__).parent / "photographs"
LABELS = "labels.csv"
NO_LABELS = "none"
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
_BOUNDARY = (
    "photographs-of-a-load-test"  # one for all bodies; it is in no photograph, since it would be 26 letters in a row
)


@dataclass(frozen=True)
class Photograph:
    """A file as it is, and the label that a right answer names; "" when any will do."""

    name: str
    body: bytes
    content_type: str
    label: str


@dataclass(frozen=True)
class Payload:
    """A request body, its headers, and the labels of the photographs in it, in their order."""

    body: bytes
    headers: dict[str, str]
    labels: tuple[str, ...]


def read_photographs(folder: Path, labels: str = LABELS) -> tuple[Photograph, ...]:
    """Every photograph of a folder with its label, by name.

    labels: a CSV `file,label`, relative to the folder or not, or "none". Raises ValueError for a folder without
    photographs, a missing CSV, or one that leaves a file out.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise ValueError(f"{folder} has no photographs ({', '.join(sorted(_SUFFIXES))}). Name a folder that has some.")
    known = _read_labels(folder, labels)
    names = [path.relative_to(folder).as_posix() for path in files]
    absent = [name for name in names if known is not None and name not in known]
    if absent:
        raise ValueError(
            f"{labels} has no label for {len(absent)} of {len(files)} photographs, {absent[0]} among them. "
            "Add them, or check no labels: --labels none."
        )
    return tuple(
        Photograph(name, path.read_bytes(), _content_type(path), known[name] if known else "")
        for name, path in zip(names, files, strict=True)
    )


def raw(photograph: Photograph) -> Payload:
    """The file itself."""
    return Payload(photograph.body, {"Content-Type": photograph.content_type}, (photograph.label,))


def form(photographs: Sequence[Photograph], field: str = "image") -> Payload:
    """One or many files as multipart/form-data."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{Path(photograph.name).name}"\r\n'
        f"Content-Type: {photograph.content_type}\r\n\r\n".encode()
        + photograph.body
        + b"\r\n"
        for photograph in photographs
    ]
    body = b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()
    return Payload(body, {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}, _labels(photographs))


def base64_json(photograph: Photograph) -> Payload:
    """`{"image": "<base64>"}`."""
    body = json.dumps({"image": base64.b64encode(photograph.body).decode()}).encode()
    return Payload(body, {"Content-Type": "application/json"}, (photograph.label,))


def inference_binary(photographs: Sequence[Photograph], name: str, output: str) -> Payload:
    """Open Inference Protocol v2 with its binary extension: files as BYTES elements, each after its length.

    name, output: of the model's input and of its scores, as GET /v2/models/{model} tells them. The best label of each
    photograph is asked for by the classification extension.
    """
    data = b"".join(len(photograph.body).to_bytes(4, "little") + photograph.body for photograph in photographs)
    tensor = {"name": name, "shape": [len(photographs)], "datatype": "BYTES"}
    inputs = [tensor | {"parameters": {"binary_data_size": len(data)}}]
    outputs = [{"name": output, "parameters": {"classification": 1, "binary_data": False}}]
    head = json.dumps({"inputs": inputs, "outputs": outputs}).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return Payload(head + data, headers, _labels(photographs))


def damaged(photograph: Photograph) -> Payload:
    """The first half of a file: a server owes it a refusal (4xx), and its neighbours an answer."""
    return Payload(photograph.body[: len(photograph.body) // 2], {"Content-Type": photograph.content_type}, ("",))


def _labels(photographs: Sequence[Photograph]) -> tuple[str, ...]:
    return tuple(photograph.label for photograph in photographs)


def _read_labels(folder: Path, labels: str) -> dict[str, str] | None:
    if labels == NO_LABELS:
        return None
    path = folder / labels
    if not path.is_file():
        raise ValueError(f"{path} is no file. Give a CSV `file,label`, or check no labels: --labels none.")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"file", "label"} <= rows[0].keys():
        raise ValueError(f"{path} lacks the columns `file,label` or any row. Write them, or say --labels none.")
    return {row["file"]: row["label"] for row in rows}


def _content_type(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"
