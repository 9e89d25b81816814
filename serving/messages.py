"""A request as handlers see it, a response as they give it, and its bytes."""

import asyncio
import json
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus

JSON = "application/json"
PROBLEM = "application/problem+json"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")  # what may go into logs and headers as it came
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
# Version, trace, parent, flags, and in later versions more. No version ff, no trace or parent of zeros alone.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]{0,64})?")
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(slots=True, eq=False)
class Request:
    """Headers by lower-case name. `body` is complete when a handler sees the request."""

    method: str
    path: str  # percent-decoded
    query: str
    headers: Mapping[str, str]
    keep_alive: bool = True
    version: str = "1.1"
    body: bytes = b""
    request_id: str = ""
    traceparent: str = ""  # W3C trace context as the client gave it; empty when it gave none that is valid
    begun: float = field(default_factory=time.perf_counter)  # headers complete
    received: float = 0.0  # body complete
    computed: float = 0.0  # results there
    model: tuple[str, str] = ("", "")  # name and version it was about, for the metrics
    steps: dict[str, float] = field(default_factory=dict)  # seconds by step, for Server-Timing and the log
    socket: int = -1  # descriptor of its connection, to see whether the client is still there
    transport: asyncio.BaseTransport | None = None

    def __post_init__(self) -> None:
        trace = self.headers.get("traceparent", "")
        if trace and _TRACEPARENT.fullmatch(trace):
            self.traceparent = trace
        given = self.headers.get("x-request-id", "")
        # os.urandom would give up the interpreter's lock, and the loop would queue for it behind the lanes: 50 us
        self.request_id = given if _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(96):024x}"

    @property
    def identity(self) -> dict[str, str]:
        """Fields of each line that the log has about this request."""
        trace = {"traceparent": self.traceparent} if self.traceparent else {}
        return {"request_id": self.request_id, **trace}

    @property
    def client(self) -> str:
        """Address of the client, or of the proxy before it. Asked of the kernel: only those few who want it pay."""
        peer = self.transport.get_extra_info("peername") if self.transport else None
        return str(peer[0]) if peer else ""

    def header(self, name: str) -> str:
        """Empty when absent."""
        return self.headers.get(name, "")


@dataclass(slots=True)
class Response:
    """`headers` beside content type and length, which every response has."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False


def json_response(
    document: object, status: int = 200, headers: tuple[tuple[str, str], ...] = (), content_type: str = JSON
) -> Response:
    """Compact UTF-8 JSON. Raises ValueError for values that are no JSON, such as NaN."""
    return Response(status, json_bytes(document), content_type, headers)


def json_bytes(document: object) -> bytes:
    """Compact UTF-8. Raises ValueError for values that are no JSON, such as NaN."""
    return _ENCODER.encode(document).encode()


def render(response: Response, request: Request, date: str, *, close: bool) -> bytes:
    """One buffer: an answer in two writes costs a packet more, and a delayed one without TCP_NODELAY."""
    lines = [
        f"HTTP/1.1 {response.status} {_PHRASES.get(response.status, 'Unknown')}",
        f"content-type: {response.content_type}",
        f"content-length: {len(response.body)}",
        f"date: {date}",
        f"x-request-id: {request.request_id}",
        "x-content-type-options: nosniff",
    ]
    if request.traceparent:
        lines.append(f"traceparent: {request.traceparent}")
    lines += [f"{name}: {value}" for name, value in response.headers]
    if close:
        lines.append("connection: close")
    elif request.version == "1.0":
        lines.append("connection: keep-alive")  # not the default there
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + (
        b"" if request.method == "HEAD" else response.body
    )


def http_date() -> str:
    """Now, as in a Date header."""
    return formatdate(usegmt=True)
