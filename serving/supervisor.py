"""The process that owns the listening socket and starts those that serve. It imports next to nothing.

A dead serving process refuses nobody: the kernel keeps taking connections for the supervisor's copy of the socket, and
a spare that has loaded and proved the models accepts them at once.
"""

import contextlib
import json
import logging
import os
import select
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from serving.board import Board
from serving.exits import CRASHING
from serving.post import DRAIN, GO, HURRY, Post, Terms, receive

log = logging.getLogger("thaw.supervisor")

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
LOOK_S = 1.0  # between two looks at the heartbeats
MEMORY_S = 60.0  # deaths count against a server for so long
MOST_DEATHS = 10  # within MEMORY_S; then it is the server that is broken
FIRST_PAUSE_S = 0.1  # after a second death in a row; doubles
LONGEST_PAUSE_S = 5.0
SPARE_PAUSE_S = 1.0  # a spare loads behind the first answers, not beside them
KILL_AFTER_S = 2.0  # beyond stop_seconds, which the processes keep themselves


@dataclass(eq=False)
class Child:
    """A process that was started, and how far it is."""

    pid: int
    slot: int
    control: socket.socket
    is_spare: bool
    is_ready: bool = False
    unread: bytes = b""

    def tell(self, order: str) -> None:
        """Nothing when it has ended meanwhile."""
        with contextlib.suppress(OSError):
            self.control.sendall(order.encode() + b"\n")

    def signal(self, number: int) -> None:
        """Only ever sent to a process that was not waited for yet, so its number is still its own."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


class Supervisor:
    """`run` ends when everything that it started has ended."""

    def __init__(self, life: Callable[[Post], int]) -> None:
        self._life = life
        self._board = Board()
        self._terms = Terms()
        self._children: list[Child] = []
        self._owned: list[socket.socket] = []
        self._due: list[tuple[float, bool]] = []  # when to start another, and whether as a spare
        self._deaths: list[float] = []
        self._has_served = False
        self._stop_at = 0.0  # 0 while nobody has asked
        self._code = 0
        self._last_look = self._awake_since = time.monotonic()

    def run(self) -> int:
        """Until a signal or until nothing stays alive. Returns the exit code."""
        woken, waker = socket.socketpair()
        woken.setblocking(False)
        waker.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, lambda *_: None)
        self._start(is_spare=False)
        while self._children or self._due:
            self._wait(woken)
            self._reap()
            self._look_after()
        if self._terms.folder:
            shutil.rmtree(self._terms.folder, ignore_errors=True)
        return self._code

    # --- starting

    def _start(self, *, is_spare: bool) -> None:
        slot = min({*range(len(self._children) + 1)} - {child.slot for child in self._children})
        ours, theirs = socket.socketpair()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # none is lost between the fork and its handlers
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._become(Post(theirs, self._board, slot, is_spare, self._owned, self._terms), before)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        self._children.append(Child(pid, slot, ours, is_spare))

    def _become(self, post: Post, mask: Iterable[int]) -> None:
        """In the new process: forget the supervisor, live, end."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the supervisor decides
            signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # nothing is in flight yet
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for child in self._children:
                child.control.close()
            code = self._life(post)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            log.exception("the process failed")
        finally:
            os._exit(code)

    # --- waiting and listening

    def _wait(self, woken: socket.socket) -> None:
        now = time.monotonic()
        pause = max(0.0, min([LOOK_S, *(when - now for when, _ in self._due)]))
        controls = {child.control: child for child in self._children}
        readable, _, _ = select.select([woken, *controls], [], [], pause)
        for each in readable:
            if each is woken:
                for number in woken.recv(4096):
                    self._on_signal(number)
            else:
                self._hear(controls[each])

    def _on_signal(self, number: int) -> None:
        if number == signal.SIGINT and self._stop_at:
            for child in self._children:
                child.tell(HURRY)
        elif number in (signal.SIGTERM, signal.SIGINT):
            self._stop()

    def _hear(self, child: Child) -> None:
        with contextlib.suppress(OSError):
            data, sockets = receive(child.control)
            self._owned += sockets
            *lines, child.unread = (child.unread + data).split(b"\n")
            for line in lines:
                self._heed(child, json.loads(line))

    def _heed(self, child: Child, message: dict[str, dict[str, object]]) -> None:
        if "terms" in message:
            self._terms = Terms(**message["terms"])  # type: ignore[arg-type] # as `hand_over` wrote them
            self._board.wanted = self._terms.processes
            if self._stop_at:
                self._let_go_of_sockets()
        elif not child.is_ready:
            child.is_ready = True
            if not self._has_served and not self._stop_at:
                self._has_served = True
                self._start_the_others()

    def _start_the_others(self) -> None:
        now = time.monotonic()
        self._due += [(now, False)] * (self._terms.processes - 1)
        if self._terms.processes == 1 and self._terms.spare:
            self._due.append((now + SPARE_PAUSE_S, True))

    # --- endings

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for child in [child for child in self._children if child.pid == pid]:
                self._hear(child)  # what it said last: the sockets of a first process that died at once
                self._children.remove(child)
                child.control.close()
                self._board.clear(child.slot)
                self._on_end(child, os.waitstatus_to_exitcode(status))

    def _on_end(self, child: Child, code: int) -> None:
        if self._stop_at:
            self._code = self._code or int(code != 0)
        elif not self._has_served:
            self._code = code if code >= 0 else 128 - code
            self._stop()
        else:
            self._replace(child, code)

    def _replace(self, child: Child, code: int) -> None:
        now = time.monotonic()
        self._deaths = [when for when in self._deaths if now - when < MEMORY_S] + [now]
        how = f"was ended by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with code {code}"
        what = "spare" if child.is_spare else "serving"
        fields = {"child": child.pid, "deaths": len(self._deaths)}
        log.error("a %s process %s; it is replaced", what, how, extra={"fields": fields})
        if len(self._deaths) > MOST_DEATHS:
            log.critical("%d processes died within %g s; giving up", len(self._deaths), MEMORY_S)
            self._code = CRASHING
            self._stop()
            return
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (len(self._deaths) - 2)) if len(self._deaths) > 1 else 0.0
        if child.is_spare:
            self._due.append((now + max(pause, SPARE_PAUSE_S), True))
            return
        self._board.restarts += 1
        spare = next((other for other in self._children if other.is_spare), None)
        if spare is None:
            self._due.append((now + pause, False))
            return
        spare.is_spare = False
        spare.tell(GO)  # still loading: it reads the order when it has done so
        self._due.append((now + max(pause, SPARE_PAUSE_S), True))

    def _stop(self) -> None:
        """All leave: they drain, and nobody is replaced."""
        if self._stop_at:
            return
        self._stop_at = time.monotonic() + self._terms.stop_seconds + KILL_AFTER_S
        self._due.clear()
        for child in self._children:
            child.tell(DRAIN)
            child.signal(signal.SIGTERM)
        self._let_go_of_sockets()

    def _let_go_of_sockets(self) -> None:
        """The last process to close its copy closes the port."""
        for each in self._owned:
            each.close()
        self._owned.clear()

    # --- looking after them

    def _look_after(self) -> None:
        now = time.monotonic()
        if now - self._last_look > 5 * LOOK_S:
            self._awake_since = now  # we slept ourselves, and so perhaps did they: a frozen container, a busy machine
        self._last_look = now
        self._board.spares = sum(child.is_spare and child.is_ready for child in self._children)
        for when, is_spare in [each for each in self._due if each[0] <= now]:
            self._due.remove((when, is_spare))
            self._start(is_spare=is_spare)
        for child in self._children:
            if self._stop_at:
                if now > self._stop_at:
                    child.signal(signal.SIGKILL)
                continue
            beat = self._board.last_beat(child.slot)
            if beat and now - max(beat, self._awake_since) > self._terms.stuck_s + 2 * LOOK_S:
                log.error("a process gave no sign of life; it is ended", extra={"fields": {"child": child.pid}})
                child.signal(signal.SIGKILL)
