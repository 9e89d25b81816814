"""Whether a client is still there, asked of the kernel: the loop may be a hundred requests away from noticing."""

import ctypes
import select
import sys

# PyDLL keeps the interpreter's lock, unlike select.poll: giving it up would queue the loop behind the lanes, and the
# call never waits.
_POLL = ctypes.PyDLL(None).poll if sys.platform == "linux" else None
_HUNG_UP = getattr(select, "POLLRDHUP", 0)


class _Asked(ctypes.Structure):
    """`struct pollfd` of poll(2)."""

    _fields_ = (("descriptor", ctypes.c_int), ("events", ctypes.c_short), ("returned", ctypes.c_short))


def has_hung_up(descriptor: int) -> bool:
    """Whether the other side has ended its connection, whatever of it is still unread here. False where none can tell.

    A descriptor that meanwhile belongs to another connection does no harm: then its first one was lost, and its
    request cancelled with it.
    """
    if descriptor < 0 or _POLL is None:
        return False
    asked = _Asked(descriptor, _HUNG_UP, 0)
    return bool(_POLL(ctypes.byref(asked), 1, 0) > 0)
