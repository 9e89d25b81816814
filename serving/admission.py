"""Slots: the right to be in flight. Counted at the door, before a photograph is decoded."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

from serving.errors import Refusal
from serving.metrics import Metrics

SMOOTHING = 0.05  # weight of the newest photograph in the running mean of its cost: about the last twenty
FIRST_GUESS_S = 0.01  # cost of a photograph before the first was measured


class Slots:
    """At most `total` photographs in flight. Used on the event loop only, so it needs no lock."""

    def __init__(self, total: int, lanes: int, metrics: Metrics) -> None:
        self.total = total
        self.in_use = 0
        self._lanes = lanes
        self._cost_s = FIRST_GUESS_S
        self._metrics = metrics
        metrics.slots.set(total)

    @property
    def full(self) -> bool:
        """Whether the next photograph would be shed."""
        return self.in_use >= self.total

    @property
    def is_idle(self) -> bool:
        """Whether a lane has nothing to do."""
        return self.in_use < self._lanes

    @contextmanager
    def hold(self, wanted: int, budget_s: float) -> Iterator[None]:
        """Take `wanted` slots for the block, all or none.

        Raises Refusal: overloaded when they are not free, or when the work before them would outlast `budget_s`
        (an answer that is surely late is not computed); too-many-photographs when they never can be.
        """
        if wanted > self.total:
            raise Refusal(
                "too-many-photographs", f"{wanted} answers asked for at once; at most {self.total}. Send fewer."
            )
        if self.in_use + wanted > self.total:
            raise self.shed("slots")
        if self.in_use and self.wait_s() > budget_s:
            raise self.shed("time")
        self.in_use += wanted
        self._metrics.slots_in_use.set(self.in_use)
        try:
            yield
        finally:
            self.in_use -= wanted
            self._metrics.slots_in_use.set(self.in_use)

    def shed(self, reason: str) -> Refusal:
        """Count a refusal and word it, with the time after which the present work is done."""
        self._metrics.count_shed(reason)
        seconds = max(1, math.ceil(self.wait_s()))
        detail = f"{self.in_use} of {self.total} slots are taken. Try again in {seconds} s, or send less at once."
        return Refusal("overloaded", detail, retry_after_s=seconds)

    def learn(self, seconds: float) -> None:
        """A lane spent `seconds` on one photograph and one model."""
        self._cost_s += SMOOTHING * (seconds - self._cost_s)

    def wait_s(self) -> float:
        """How long the work in flight will take, by the measured cost."""
        return self.in_use * self._cost_s / self._lanes
