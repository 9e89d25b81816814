"""Between the supervisor and a process that it started: what each tells the other, and the sockets that pass."""

import json
import os
import socket
from dataclasses import asdict, dataclass, field

from serving.board import Board

MOST_SOCKETS = 4
GO, DRAIN, HURRY = "go", "drain", "hurry"  # orders: take the dead one's place; leave with all; leave at once


@dataclass(frozen=True)
class Terms:
    """What the first process read in the settings, so that the supervisor need not load what reads them. Seconds."""

    processes: int = 1
    spare: bool = True
    stop_seconds: float = 15.0
    stuck_s: float = 30.0
    folder: str = ""  # of the metrics that several processes share


@dataclass
class Post:
    """A process's end. `sockets`: bound and listening ones that the supervisor owns; empty in the first process."""

    control: socket.socket
    board: Board
    slot: int = 0
    is_spare: bool = False
    sockets: list[socket.socket] = field(default_factory=list)
    terms: Terms = Terms()
    _unread: bytes = b""

    def hand_over(self, sockets: list[socket.socket], terms: Terms) -> None:
        """From now on the supervisor has these sockets too: they outlive this process."""
        message = json.dumps({"terms": asdict(terms)}).encode() + b"\n"
        socket.send_fds(self.control, [message], [each.fileno() for each in sockets])
        self.sockets, self.terms = sockets, terms

    def say_ready(self) -> None:
        """The models are loaded and proved: serving, or as a spare waiting to."""
        self.control.sendall(b'{"ready": true}\n')

    def orders(self) -> list[str]:
        """What has arrived; the supervisor's end means DRAIN as well."""
        try:
            data = self.control.recv(4096, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        lines = (self._unread + data).split(b"\n")
        self._unread = lines.pop()
        return [line.decode() for line in lines] if data else [DRAIN]


def receive(control: socket.socket) -> tuple[bytes, list[socket.socket]]:
    """The supervisor's side: bytes and sockets that arrived; no bytes: the process has ended."""
    data, descriptors, _, _ = socket.recv_fds(control, 65536, MOST_SOCKETS, socket.MSG_DONTWAIT)
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return data, [socket.socket(fileno=descriptor) for descriptor in descriptors]
