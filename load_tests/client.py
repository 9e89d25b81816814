"""One connection pool to one server: a prebuilt body goes out, a reply or a fault comes back."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError

from load_tests.answers import SHED_STATUSES, Unreadable, stage_times, top_labels
from load_tests.payloads import Payload
from load_tests.rows import BROKEN, ERROR, OK, SHED, TIMEOUT, UNREADABLE, WRONG


@dataclass(frozen=True, slots=True)
class Reply:
    """outcome: one of rows.OUTCOMES. status 0: no answer came. stages: milliseconds by step, as told."""

    outcome: str
    status: int
    size: int
    label: str
    stages: dict[str, float]
    words: str


class Client:
    """Keeps as many connections as requests may be in flight, so that none waits inside the client unseen."""

    def __init__(self, host: str, path: str, connections: int, timeout_s: float, headers: dict[str, str]) -> None:
        address = urlsplit(host)
        self.path = (address.path.rstrip("/") + path) or "/"
        self.headers = headers
        # idle for longer than servers commonly allow, a connection is found closed and opened anew by the pool
        self.http = HTTPClient(
            address.hostname or "",
            address.port,
            concurrency=connections,
            connection_timeout=timeout_s,
            network_timeout=timeout_s,
            block_size=65_536,
            ssl=address.scheme == "https",
        )

    def post(self, payload: Payload) -> Reply:
        """Send and read to the end; the answer is checked for status, form and label."""
        try:
            response = self.http.post(self.path, payload.body, {**payload.headers, **self.headers})
            body = bytes(response.read())
        except TimeoutError as error:
            return _fault(TIMEOUT, error)
        except (OSError, HTTPConnectionClosed, HTTPParseError) as error:
            return _fault(BROKEN, error)
        timing = str(response.get("server-timing", "") or "")
        outcome, label, words = judge_answer(response.status_code, body, payload.labels)
        return Reply(outcome, response.status_code, len(body), label, stage_times(timing), words)

    def close(self) -> None:
        """Close every connection."""
        self.http.close()


def judge_answer(
    status: int, body: bytes, labels: tuple[str, ...], read: Callable[[bytes], tuple[str, ...]] = top_labels
) -> tuple[str, str, str]:
    """Outcome, top labels joined by "+", and what is wrong. An expected label "" lets any answer pass.

    read: body -> labels; none at all lets the answer pass, as one that carries scores alone.
    """
    if status in SHED_STATUSES:
        return SHED, "", f"refused with {status}"
    if status != 200:
        return ERROR, "", f"status {status}: {body[:120].decode(errors='replace')}"
    if not any(labels):
        return OK, "", ""
    try:
        found = read(body)
    except Unreadable as error:
        return UNREADABLE, "", str(error)
    wanted = "+".join(labels)
    if found and labels != found:
        return WRONG, "+".join(found), f"answered {'+'.join(found)} where {wanted} is right"
    return OK, wanted, ""


def _fault(outcome: str, error: Exception) -> Reply:
    return Reply(outcome, 0, 0, "", {}, f"{type(error).__name__}: {error}")
