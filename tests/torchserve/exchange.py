"""Requests that TorchServe's clients send; the answer to each as data, from whichever server is asked."""

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from tests.sources import ROOT

RECORDED = Path(__file__).parent / "recorded.json"
STORE = ROOT / "model_store" / "drawn"  # drawn vehicles: no photograph's terms
SAMPLES = sorted((ROOT / "serving" / "page" / "samples").glob("*.jpg"))
BUS = (ROOT / "serving" / "page" / "samples" / "bus.jpg").read_bytes()
TIMEOUT_S = 60
# Of one request, connection or moment; the rest is what a client may rely on.
NOT_COMPARED = ("x-request-id", "date", "content-length", "server-timing")


@dataclass(frozen=True)
class Case:
    """One request. `name` is its key in the recording."""

    name: str
    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def _jpeg(name: str, path: str, body: bytes = BUS, method: str = "POST") -> Case:
    return Case(name, method, path, body, {"Content-Type": "image/jpeg"})


def _form(field_name: str) -> tuple[bytes, dict[str, str]]:
    head = f'--b\r\nContent-Disposition: form-data; name="{field_name}"; filename="bus.jpg"\r\n'
    body = head.encode() + b"Content-Type: image/jpeg\r\n\r\n" + BUS + b"\r\n--b--\r\n"
    return body, {"Content-Type": "multipart/form-data; boundary=b"}


_IN_BASE64 = json.dumps({"image": base64.b64encode(BUS).decode()}).encode()
CASES = (
    _jpeg("a photograph", "/predictions/frozen"),
    _jpeg("a photograph for a version", "/predictions/frozen/1"),
    _jpeg("a photograph by PUT", "/predictions/partial", method="PUT"),
    Case("a photograph without a type", "PUT", "/predictions/majority", BUS),
    Case("a form", "POST", "/predictions/majority", *_form("data")),
    Case("a form with a field of another name", "POST", "/predictions/majority", *_form("image")),
    Case("base64 in JSON", "POST", "/predictions/frozen", _IN_BASE64, {"Content-Type": "application/json"}),
    *(_jpeg(f"sample {path.stem}", "/predictions/majority", path.read_bytes()) for path in SAMPLES),
    _jpeg("an explanation", "/explanations/frozen"),
    _jpeg("half a photograph", "/predictions/frozen", BUS[: len(BUS) // 2]),
    _jpeg("no photograph", "/predictions/frozen", b"this is text"),
    _jpeg("nothing", "/predictions/frozen", b""),
    _jpeg("an unknown model", "/predictions/nosuch"),
    _jpeg("an unknown version", "/predictions/frozen/9"),
    _jpeg("an explanation by an unknown model", "/explanations/nosuch"),
    _jpeg("no model", "/predictions"),
    Case("health", "GET", "/ping"),
    Case("an unknown route", "GET", "/nothing"),
)


def ask(port: int, case: Case) -> dict[str, object]:
    """Send it on a new connection; returns status, headers by lower-case name, and the body as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request(case.method, case.path, case.body or None, dict(case.headers))
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders() if name.lower() not in NOT_COMPARED}
        return {"status": response.status, "headers": headers, "body": json.loads(response.read())}
    finally:
        connection.close()


def read_recorded() -> dict[str, dict[str, object]]:
    """Case name -> TorchServe's answer. Order of keys is kept: clients show the first label."""
    recorded: dict[str, dict[str, object]] = json.loads(RECORDED.read_text())["answers"]
    return recorded
