"""How many connections the limit on open files leaves room for."""

import logging
import resource

log = logging.getLogger("thaw.server")

RESERVED = 64  # models, log, lanes' and loop's own, metrics of other processes


def most_connections(wanted: int) -> int:
    """`wanted`, or fewer when the system allows no more open files; our own limit is raised as far as it may be.

    Twice as many are accepted as answered, so that those above the limit are refused in words. Without room for them
    the kernel would reset them, or leave them waiting.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * wanted + RESERVED
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed == needed:
        return wanted
    fewer = max(1, (allowed - RESERVED) // 2)
    log.warning(
        "only %d files may be open, so at most %d connections are answered; raise the limit (ulimit -n) to %d",
        *(allowed, fewer, needed),
    )
    return fewer
