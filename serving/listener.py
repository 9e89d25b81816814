"""The listening socket: taken before anything is loaded, given up without losing a client."""

import contextlib
import ctypes
import errno
import socket
import struct
import sys

from serving.errors import StartError

_SO_ATTACH_FILTER = 26  # Linux, asm-generic/socket.h; the socket module has no name for it
_DROP = struct.pack("HBBI", 0x06, 0, 0, 0)  # classic BPF: BPF_RET | BPF_K, keep 0 bytes (linux/filter.h)


def bind(host: str, port: int) -> socket.socket:
    """The address to listen on, taken before models are loaded. Raises StartError when it is not to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        advice = "Another program has it: stop that one or set THAW_PORT." if taken else "Set THAW_HOST and THAW_PORT."
        raise StartError(f"Cannot listen on {host}:{port} ({error.strerror}). {advice}") from error
    return listener


def turn_away(listener: socket.socket) -> None:
    """From now on the kernel drops what would open a new connection; those it has accepted stay to be taken.

    Closing resets every connection that arrived since the last accept, and a busy machine may stop us just there. A
    client whose packet is dropped sends it again in a second and is refused, as by any closed port.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(_DROP, len(_DROP))
    with contextlib.suppress(OSError):  # a kernel without socket filters: then the gap stays as small as it is
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))
