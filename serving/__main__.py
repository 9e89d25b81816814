"""`python -m serving`: serve, or one of the verbs. Settings are THAW_* variables."""

import os
import sys

from serving.exits import guarded
from serving.logs import start_logging
from serving.post import Post
from serving.supervisor import Supervisor

PROCESSES = "--processes"
LOG_FORMAT = "THAW_LOG_FORMAT"


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code. Imports what serves only in the processes that serve."""
    words = sys.argv[1:] if arguments is None else arguments
    start_logging(os.environ.get(LOG_FORMAT, ""))  # before the settings, which check it; they are read much later
    if words and not (words[0] == PROCESSES and len(words) == 2):
        from serving.verbs import run

        return run(words)
    if words:
        os.environ["THAW_PROCESSES"] = words[1]
    return Supervisor(_life).run()


def _life(post: Post) -> int:
    def serve() -> int:
        from serving.process import serve

        return serve(post)

    return guarded(serve)


if __name__ == "__main__":
    sys.exit(main())
