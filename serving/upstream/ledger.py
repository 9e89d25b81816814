"""What was seen so far: counters for Prometheus, recent latencies and differences for the page."""

import hashlib
import time
from collections import deque
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from serving.upstream.compare import OUTCOMES, SAME, Verdict
from serving.upstream.tap import Exchange

UPSTREAM, OURS = "upstream", "ours"
# Why a request was passed on and not compared.
LEFT_OUT = {
    "busy": "ours was behind: the copy was dropped, the request was not",
    "share": "left out by --share",
    "large": "its body is too large to keep a copy of",
    "other": "no prediction and no explanation",
}
RECENT = 2000  # latencies of each server that the page's quantiles are of
DIFFERENCES = 50  # that the page shows
SECONDS = (0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2.5, 5)
SIZES = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1)
WORDS = 200  # characters of an answer that the page repeats


@dataclass(frozen=True)
class Difference:
    """For a person to look into. The photograph is known by its SHA-256 alone: it is not kept."""

    moment: str
    request: str
    photograph: str
    outcome: str
    theirs: str
    ours: str


class Ledger:
    """On the event loop only."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.outcomes = dict.fromkeys(OUTCOMES, 0)
        self.left_out = dict.fromkeys(LEFT_OUT, 0)
        self.latencies: dict[str, deque[float]] = {name: deque(maxlen=RECENT) for name in (UPSTREAM, OURS)}
        self.differences: deque[Difference] = deque(maxlen=DIFFERENCES)
        self.largest = 0.0
        compared = Counter(
            "thaw_upstream_compared", "Requests that both servers answered.", ["outcome"], registry=self.registry
        )
        passed = Counter("thaw_upstream_not_compared", "Requests passed on alone.", ["reason"], registry=self.registry)
        seconds = Histogram(
            "thaw_upstream_seconds", "From a request's last byte to its answer's.", ["server"],
            buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self._sizes = Histogram(
            "thaw_upstream_difference", "Largest difference of a probability in one answer.",
            buckets=SIZES, registry=self.registry,
        )  # fmt: skip
        self._compared = {outcome: compared.labels(outcome) for outcome in OUTCOMES}
        self._passed = {reason: passed.labels(reason) for reason in LEFT_OUT}
        self._seconds = {name: seconds.labels(name) for name in self.latencies}

    def leave_out(self, reason: str) -> None:
        """One request went to the old server alone."""
        self.left_out[reason] += 1
        self._passed[reason].inc()

    def note(self, exchange: Exchange, ours: tuple[int, bytes] | None, seconds: float, verdict: Verdict) -> None:
        """One request was answered by both. seconds: of our answer."""
        self.outcomes[verdict.outcome] += 1
        self._compared[verdict.outcome].inc()
        for name, taken in ((UPSTREAM, exchange.answered - exchange.sent), (OURS, seconds)):
            if name == UPSTREAM or ours is not None:
                self.latencies[name].append(taken)
                self._seconds[name].observe(taken)
        if verdict.difference is not None:
            self.largest = max(self.largest, verdict.difference)
            self._sizes.observe(verdict.difference)
        if verdict.outcome != SAME:
            self.differences.append(
                Difference(
                    moment=time.strftime("%T"),
                    request=f"{exchange.method} {exchange.path}"[:WORDS],
                    photograph=hashlib.sha256(exchange.body).hexdigest()[:12],
                    outcome=verdict.outcome,
                    theirs=_shown(exchange.status, exchange.answer),
                    ours=_shown(*ours) if ours else "no answer",
                )
            )

    def exposition(self) -> bytes:
        """Prometheus text format."""
        return generate_latest(self.registry)


def _shown(status: int, body: bytes) -> str:
    return f"{status} {' '.join(body.decode('utf-8', 'replace').split())[:WORDS]}"
