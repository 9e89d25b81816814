"""Open-loop traffic: requests leave on a schedule, whatever the answers do, each on a connection of its own."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType

from tests.image.containers import ask


@dataclass
class Traffic:
    """Photographs to a port on loopback at `rate` per second, from `with` to its end. `outcomes`: (sent at, status)."""

    port: int
    photograph: bytes
    rate: float
    outcomes: list[tuple[float, int]] = field(default_factory=list)

    def __enter__(self) -> "Traffic":
        self._leave = threading.Event()
        self._senders: list[threading.Thread] = []
        self._clock = threading.Thread(target=self._run)
        self._clock.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._leave.set()
        self._clock.join()
        for sender in self._senders:
            sender.join()

    def statuses(self, *, before: float = float("inf")) -> Counter[int]:
        """How often each status came; 0: no answer. before: only requests sent before this moment."""
        return Counter(status for sent, status in self.outcomes if sent < before)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._leave.wait(max(0.0, due - time.monotonic())):
            sender = threading.Thread(target=self._send)
            sender.start()
            self._senders.append(sender)
            due += 1 / self.rate

    def _send(self) -> None:
        sent = time.monotonic()
        status, _ = ask(self.port, "POST", "/predict", self.photograph)
        self.outcomes.append((sent, status))
