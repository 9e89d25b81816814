"""Closed loops on Locust's fast client: a user sends again when the answer is there."""

import itertools
import time
from collections.abc import Callable

from locust import FastHttpUser

from load_tests.answers import stage_times, top_labels
from load_tests.client import judge_answer
from load_tests.payloads import Payload
from load_tests.rows import BROKEN, TIMEOUT, Row

Reader = Callable[[bytes], tuple[str, ...]]  # body -> top labels


class CheckedUser(FastHttpUser):
    """Checks every answer's status, form and label."""

    abstract = True
    headers: dict[str, str] = {}  # noqa: RUF012 # a class attribute is how Locust configures its users

    def exchange(self, path: str, payload: Payload, name: str = "", labels: Reader = top_labels) -> Row:
        """Send a prebuilt body; a wrong answer is a failure in Locust's statistics too. Times: time.perf_counter()."""
        start = time.perf_counter()
        with self.client.post(
            path, data=payload.body, headers={**payload.headers, **self.headers}, name=name or path, catch_response=True
        ) as response:
            end = time.perf_counter()
            if response.status_code == 0:
                late = isinstance(response.error, TimeoutError)
                words = f"{type(response.error).__name__}: {response.error}"
                response.failure(words)
                return Row(start, start, end, TIMEOUT if late else BROKEN, words=words)
            outcome, label, words = judge_answer(response.status_code, response.content or b"", payload.labels, labels)
            if outcome == "ok":
                response.success()
            else:
                response.failure(words)
            stages = stage_times(str(response.headers.get("server-timing") or ""))
            return Row(start, start, end, outcome, response.status_code, -1, label, stages, words=words)

    def refused(self, path: str, payload: Payload, name: str) -> None:
        """Send what no server should accept: 4xx is right, everything else is a failure."""
        with self.client.post(
            path, data=payload.body, headers={**payload.headers, **self.headers}, name=name, catch_response=True
        ) as response:
            if 400 <= response.status_code < 500:
                response.success()
            else:
                response.failure(f"a damaged photograph was answered with {response.status_code}; 4xx is right")


class Turns:
    """Payloads in turn, shared by all users of a process: each starts where the last one stopped."""

    def __init__(self, payloads: tuple[Payload, ...]) -> None:
        self.endless = itertools.cycle(payloads)

    def next(self) -> Payload:
        """The next body."""
        return next(self.endless)
