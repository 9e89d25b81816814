"""What has arrived of a request, and its head -> a `Request`, by HTTP's rules and our limits."""

from urllib.parse import unquote

import httptools

from serving.errors import Refusal
from serving.messages import Request, Response

MOST_HEADERS = 100


class Incoming:
    """A request that is being received, and what became of it."""

    def __init__(self) -> None:
        self.url = b""
        self.pairs: list[tuple[bytes, bytes]] = []
        self.head_bytes = 0
        self.parts: list[bytes] = []
        self.body_bytes = 0
        self.request: Request | None = None
        self.refused: Response | None = None
        self.is_complete = False
        self.is_answered = False


def read_head(incoming: Incoming, parser: httptools.HttpRequestParser, max_bytes: int) -> Request:
    """Raises Refusal for what breaks HTTP's own rules or our limits on the head."""
    if incoming.head_bytes + len(incoming.url) > max_bytes or len(incoming.pairs) > MOST_HEADERS:
        raise head_too_large(max_bytes)
    headers: dict[str, str] = {}
    for raw_name, raw_value in incoming.pairs:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    version = parser.get_http_version()
    if version == "1.1" and sum(name.lower() == b"host" for name, _ in incoming.pairs) != 1:
        raise Refusal("malformed-http", "HTTP/1.1 needs exactly one Host header. Any name is accepted.")
    if headers.get("expect", "100-continue").lower() != "100-continue":
        raise Refusal("expectation-failed", "The only expectation that is met is 100-continue. Leave the header out.")
    try:
        url = httptools.parse_url(incoming.url)
    except httptools.HttpParserInvalidURLError:
        raise Refusal("malformed-http", "The request's target is no URL. Expected a path such as /predict.") from None
    return Request(
        method=parser.get_method().decode("latin-1"),
        path=unquote((url.path or b"/").decode("latin-1")),
        query=(url.query or b"").decode("latin-1"),
        headers=headers,
        keep_alive=parser.should_keep_alive(),
        version=version,
    )


def head_too_large(max_bytes: int) -> Refusal:
    """The request line and headers, together or in number."""
    return Refusal(
        "headers-too-large", f"Request line and headers exceed {max_bytes} bytes or {MOST_HEADERS} lines. Send fewer."
    )
