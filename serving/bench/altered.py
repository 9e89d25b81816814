"""`python -m serving.bench.altered NAME`: this server with one thing changed that is no setting, to measure it."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from serving import __main__ as start
from serving.post import Post

if TYPE_CHECKING:
    from serving.settings import Settings
    from serving.store import Models


def plain_asyncio() -> None:
    """The standard library's event loop instead of uvloop."""
    import asyncio

    import uvloop

    uvloop.run = asyncio.run  # type: ignore[assignment] # for what we call it with they are alike


def whole_decode() -> None:
    """JPEGs at full size, once the goldens, which include a scaled decode, have been answered."""
    import contract.pixels
    from serving import process

    plain = process.load

    def changed(settings: "Settings") -> "Models":
        models = plain(settings)
        contract.pixels.DRAFT_FACTOR = 10_000
        return models

    process.load = changed


def two_threads() -> None:
    """Two threads inside each inference."""
    _options("intra_op_num_threads", 2)


def spinning() -> None:
    """Threads of the runtime that wait busily, as it has them by default."""
    from serving import engine

    plain = engine._options

    def changed() -> object:
        options = plain()
        options.intra_op_num_threads = 2
        options.add_session_config_entry("session.intra_op.allow_spinning", "1")
        return options

    engine._options = changed


def no_arena() -> None:
    """Tensors from the system's allocator instead of the runtime's own pool."""
    _options("enable_cpu_mem_arena", False)


def _options(name: str, value: object) -> None:
    from serving import engine

    plain = engine._options

    def changed() -> object:
        options = plain()
        setattr(options, name, value)
        return options

    engine._options = changed


ALTERATIONS: dict[str, Callable[[], None]] = {
    each.__name__: each for each in (plain_asyncio, whole_decode, two_threads, spinning, no_arena)
}


def main(name: str) -> int:
    """Serve, changed. Returns the exit code."""
    plain = start._life

    def life(post: Post) -> int:
        ALTERATIONS[name]()  # in the process that serves: the supervisor loads nothing before it forks
        return plain(post)

    start._life = life
    return start.main([])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
