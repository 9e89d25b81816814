"""What the processes of one server know of each other: a page of shared memory, made before they part."""

import mmap
import time

MOST_PROCESSES = 64
_WANTED, _RESTARTS, _SPARES, _FIRST = 0, 1, 2, 3  # places of the common numbers, then a pair for each process
_READY, _BEAT = 0, 1


class Board:
    """Numbers of 8 bytes at their own places: each has one writer at a time, so no lock is needed."""

    def __init__(self) -> None:
        self._cells = memoryview(mmap.mmap(-1, 8 * (_FIRST + 2 * (MOST_PROCESSES + 1)))).cast("d")
        self._cells[_WANTED] = 1.0

    @property
    def wanted(self) -> int:
        """Processes that should be serving."""
        return int(self._cells[_WANTED])

    @wanted.setter
    def wanted(self, count: int) -> None:
        self._cells[_WANTED] = float(count)

    @property
    def restarts(self) -> int:
        """Serving processes that ended unasked."""
        return int(self._cells[_RESTARTS])

    @restarts.setter
    def restarts(self, count: int) -> None:
        self._cells[_RESTARTS] = float(count)

    @property
    def spares(self) -> int:
        """Processes that have loaded the models and wait to take over."""
        return int(self._cells[_SPARES])

    @spares.setter
    def spares(self, count: int) -> None:
        self._cells[_SPARES] = float(count)

    def report(self, slot: int, *, is_ready: bool, is_live: bool) -> None:
        """A serving process says how it is. Without a live word for long it is taken for dead."""
        self._cells[_FIRST + 2 * slot + _READY] = float(is_ready)
        if is_live:
            self._cells[_FIRST + 2 * slot + _BEAT] = time.monotonic()

    def clear(self, slot: int) -> None:
        """Nobody serves in this slot."""
        self._cells[_FIRST + 2 * slot + _READY] = self._cells[_FIRST + 2 * slot + _BEAT] = 0.0

    def last_beat(self, slot: int) -> float:
        """When it last said that it lives, on time.monotonic; 0 before the first word."""
        return self._cells[_FIRST + 2 * slot + _BEAT]

    def trouble(self, but: int) -> str | None:
        """A sentence when one of the processes other than `but` is not ready; `but` speaks for itself."""
        slots = range(MOST_PROCESSES + 1)
        others = sum(self._cells[_FIRST + 2 * slot + _READY] > 0 for slot in slots if slot != but)
        missing = self.wanted - 1 - others
        return f"{missing} of {self.wanted} serving processes are not ready" if missing > 0 else None
