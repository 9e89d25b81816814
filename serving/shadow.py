"""A copy of the traffic of `stable` through another version: compared, counted, never returned.

On a thread of its own with low priority, and only while a lane has nothing to do: the answers that clients wait for are
neither delayed nor shed. What does not fit is skipped, and counted.
"""

import logging
import random
import threading
import time
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.admission import Slots
from serving.lanes import Job, Result
from serving.metrics import Metrics
from serving.niceness import be_nice
from serving.store import Model

log = logging.getLogger("thaw.shadow")

MOST_WAITING = 4  # photographs; each may be as large as a body
NICENESS = 10


@dataclass(frozen=True)
class _Pair:
    """Whose answers are compared with whose."""

    stable: Model
    copy: Model
    share: float


class Shadow:
    """`use` and `offer` on the event loop; the work in a thread that starts with the first photograph."""

    def __init__(self, slots: Slots, max_pixels: int, metrics: Metrics) -> None:
        self._slots = slots
        self._max_pixels = max_pixels
        self._metrics = metrics
        self._pair: _Pair | None = None
        self._waiting: deque[tuple[_Pair, bytes, Result]] = deque()
        self._work_or_end = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closing = False
        self._has_failed = False

    def use(self, pair: tuple[Model, Model, float] | None) -> None:
        """stable, the version that gets copies, and the share of photographs that is copied; None for nobody."""
        same = self._pair and pair and (self._pair.stable, self._pair.copy, self._pair.share) == pair
        if same:
            return
        with self._work_or_end:
            self._pair = _Pair(*pair) if pair else None
            self._has_failed = False
            self._waiting.clear()  # they hold the versions that were compared before

    def offer(self, job: Job) -> None:
        """A photograph was answered. It is taken if stable alone did it, by chance of the share, when there is room.

        What came as pixels is not: they are gone by now.
        """
        pair = self._pair
        if pair is None or not job.data or len(job.results) != 1 or job.results[0].model is not pair.stable:
            return
        if random.random() >= pair.share:
            return
        with self._work_or_end:
            has_room = self._slots.is_idle and len(self._waiting) < MOST_WAITING and not self._is_closing
            if has_room:
                self._waiting.append((pair, job.data, job.results[0]))
                self._work_or_end.notify()
        if not has_room:
            self._count("skipped")
        elif self._thread is None:
            self._thread = threading.Thread(target=self._life, name="thaw-shadow", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End after the photograph that is in work."""
        with self._work_or_end:
            self._is_closing = True
            self._waiting.clear()
            self._work_or_end.notify()
        if self._thread is not None:
            self._thread.join(timeout=1.0)

    def _life(self) -> None:
        be_nice(NICENESS)
        while True:
            with self._work_or_end:
                while not self._waiting and not self._is_closing:
                    self._work_or_end.wait()
                if self._is_closing:
                    return
                pair, data, given = self._waiting.popleft()
            self._answer(pair, data, given)
            del pair, data, given  # an idle thread must not keep a version in memory

    def _answer(self, pair: _Pair, data: bytes, given: Result) -> None:
        if not self._slots.is_idle:  # read without a lock: a moment's mistake costs one photograph's time
            self._count("skipped")
            return
        try:
            scores, seconds_more = self._both(pair, data)
        except Exception:
            if not self._has_failed:  # once for each pair, or it would fill the log at the rate of the traffic
                log.exception("shadow %s failed on a photograph that stable answered", "/".join(pair.copy.key))
            self._has_failed = True
            self._count("failed")
            return
        label = pair.stable.manifest.decision.label
        before, now = _by_label(pair.stable, given.probabilities), _by_label(pair.copy, scores)
        self._count("agree" if _top(before) == _top(now) else "differ")
        self._metrics.shadow_seconds_difference.observe(seconds_more)
        if label in now:
            self._metrics.shadow_score_difference.observe(now[label] - before[label])

    def _both(self, pair: _Pair, data: bytes) -> tuple[NDArray[np.float32], float]:
        """The shadow's probabilities, and how much longer it took than stable beside it: here, alone, right after it.

        The time that stable took for its answer would not compare: that was on a lane, perhaps in a batch.
        """
        rgb = {model.preparation: model.prepare(data, self._max_pixels).rgb for model in (pair.stable, pair.copy)}
        started = time.perf_counter()
        pair.stable.infer(rgb[pair.stable.preparation][None])
        between = time.perf_counter()
        scores = pair.copy.infer(rgb[pair.copy.preparation][None]).probabilities[0]
        return scores, time.perf_counter() - between - (between - started)

    def _count(self, outcome: str) -> None:
        self._metrics.shadow[outcome].inc()


def _by_label(model: Model, scores: NDArray[np.float32]) -> dict[str, float]:
    return dict(zip(model.manifest.labels, scores.tolist(), strict=True))


def _top(scores: dict[str, float]) -> str:
    return max(scores, key=lambda label: scores[label])
