"""Threads that take only what the others leave."""

import contextlib
import os
import sys
import threading


def be_nice(by: int) -> None:
    """Lower this thread's priority by so many steps of `nice`; for good. On Linux only: there a thread has its own."""
    if sys.platform == "linux":
        here = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, here, os.getpriority(os.PRIO_PROCESS, here) + by)
