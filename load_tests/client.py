"""One server: a payload goes out, a reply or a fault comes back. Sending and judging are apart: judging can wait."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from geventhttpclient.response import HTTPParseError, HTTPResponse

from load_tests.answers import SHED_STATUSES, Unreadable, stage_times, top_labels
from load_tests.connections import Connections, head_of
from load_tests.payloads import Payload
from load_tests.rows import BROKEN, ERROR, OK, SHED, TIMEOUT, UNREADABLE, WRONG


@dataclass(frozen=True, slots=True)
class Reply:
    """outcome: one of rows.OUTCOMES. status 0: no answer came. stages: milliseconds by step, as told."""

    outcome: str
    status: int = 0
    size: int = 0
    label: str = ""
    stages: dict[str, float] | None = None
    words: str = ""


class Client:
    """Whole requests are built once for each payload."""

    def __init__(
        self, host: str, path: str, payloads: tuple[Payload, ...], timeout_s: float, headers: dict[str, str]
    ) -> None:
        address = urlsplit(host)
        self.path = (address.path.rstrip("/") + path) or "/"
        self.connections = Connections(host, timeout_s)
        self.labels = [payload.labels for payload in payloads]
        self.requests = [
            head_of(address, self.path, {**payload.headers, **headers}, len(payload.body)) + payload.body
            for payload in payloads
        ]

    def send(self, place: int) -> HTTPResponse | Reply:
        """Send payload number `place`; an answer of any status, or the reply that tells why none came."""
        try:
            return self.connections.exchange(self.requests[place])
        except TimeoutError as error:
            return Reply(TIMEOUT, words=f"TimeoutError: {error}")
        except (OSError, HTTPParseError) as error:
            return Reply(BROKEN, words=f"{type(error).__name__}: {error}")

    def judge(self, place: int, answer: HTTPResponse | Reply) -> Reply:
        """Check status, form and label of what came for payload number `place`."""
        if isinstance(answer, Reply):
            return answer
        body, timing = bytes(answer._body_buffer), answer.get("server-timing", "")
        outcome, label, words = judge_answer(answer.status_code, body, self.labels[place])
        return Reply(outcome, answer.status_code, len(body), label, stage_times(str(timing or "")), words)


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
