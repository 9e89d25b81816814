"""Exit codes of `python -m serving`, and the errors that become them."""

import sys
from collections.abc import Callable

from contract.errors import ArtifactError
from serving.errors import StartError

DAMAGED = 3  # the store is not whole
CANNOT_START = 4  # a setting, a port or a library
CRASHING = 5  # what was started to serve died again and again


def guarded(call: Callable[[], int]) -> int:
    """The call's exit code, or that of the error which ended it; the error is told on standard error."""
    try:
        return call()
    except ArtifactError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return DAMAGED
    except StartError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return CANNOT_START
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has enough, as `head` has
        return 0
