"""`python -m serving shadow --upstream URL`: the proxy, our server beside it, and the page about both."""

import asyncio
import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import uvloop

from serving.connections import Connections, Limits
from serving.errors import Refusal, StartError
from serving.listener import bind
from serving.messages import Request, Response, json_response
from serving.metrics import CONTENT_TYPE
from serving.settings import Settings
from serving.upstream.ledger import Ledger
from serving.upstream.mirror import Mirror
from serving.upstream.page import HEADERS, page
from serving.upstream.proxy import Proxy, read_upstream

log = logging.getLogger("thaw.upstream")

NICENESS = 10  # ours takes what the old server and the proxy leave
OF_THE_PROXY = ("THAW_OPS_PORT", "THAW_TLS_CERT", "THAW_TLS_KEY", "THAW_OTLP_ENDPOINT")
LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")
LOOK_S = 1.0
FINISH_S = 30.0  # after SIGTERM, for requests that the old server still works on


@dataclass(frozen=True)
class Move:
    """What the operator chose. `page_port` 0 means a free one."""

    upstream: str
    page_port: int
    share: float = 1.0


class Pages:
    """What connections to the page's port talk to."""

    def __init__(self, ledger: Ledger, upstream: str) -> None:
        self._ledger, self._upstream = ledger, upstream

    def refuse_early(self, request: Request, *, is_crowded: bool) -> Response | None:
        """Nobody sends a body here that is worth refusing early."""
        return None

    def refusal(self, refusal: Refusal, request: Request) -> Response:
        """As on our own routes."""
        return json_response(refusal.problem(request.request_id), refusal.kind.status)

    def shed_bytes(self) -> Refusal:
        """Of bodies, which this port has no use for."""
        return Refusal("too-many-bytes", "This port answers GET / and GET /metrics.")

    async def answer(self, request: Request) -> Response:
        """GET / and GET /metrics."""
        if request.method not in ("GET", "HEAD") or request.path not in ("/", "/metrics"):
            return self.refusal(Refusal("not-found", "Nothing here. GET / or GET /metrics."), request)
        if request.path == "/metrics":
            return Response(200, self._ledger.exposition(), CONTENT_TYPE)
        return Response(200, page(self._ledger, self._upstream), "text/html; charset=utf-8", HEADERS)


def shadow(settings: Settings, move: Move) -> int:
    """Until SIGTERM or SIGINT; returns the exit code. Raises StartError when it cannot begin."""
    read_upstream(move.upstream)
    if not 0 <= move.share <= 1:
        raise StartError(f"--share {move.share:g}: expected 0 to 1. Give the part of the requests to compare.")
    listeners = bind(settings.host, settings.port), bind(settings.host, move.page_port)
    with _ours() as (child, address):
        uvloop.run(_live(move, listeners, address, child))
    return 0


async def _live(
    move: Move, listeners: tuple[socket.socket, socket.socket], address: tuple[str, int], child: "subprocess.Popen[str]"
) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with shadowing(move, listeners, address) as proxy:
        port, page_port = (listener.getsockname()[1] for listener in listeners)
        log.info(
            "passing http://127.0.0.1:%d on to %s; the page is at http://127.0.0.1:%d/", port, move.upstream, page_port
        )
        watch = asyncio.create_task(_say_when_ours_ends(child))
        await stop.wait()
        watch.cancel()
        log.info("finishing %d connections", proxy.count)


@contextlib.asynccontextmanager
async def shadowing(
    move: Move, listeners: tuple[socket.socket, socket.socket], address: tuple[str, int]
) -> AsyncIterator[Proxy]:
    """The proxy and the page for the block; at its end nobody new, and those in flight finish."""
    loop, ledger = asyncio.get_running_loop(), Ledger()
    mirror = Mirror(address, ledger, move.share)
    proxy = Proxy(read_upstream(move.upstream), mirror.take)
    pages = Connections(Pages(ledger, move.upstream), Limits())
    servers = [
        await loop.create_server(proxy.make, sock=listeners[0]),
        await loop.create_server(pages.make, sock=listeners[1]),
    ]
    tasks = [asyncio.create_task(mirror.run()), asyncio.create_task(pages.sweep())]
    try:
        yield proxy
    finally:
        servers[0].close()
        end = loop.time() + FINISH_S
        while proxy.close_idle() and loop.time() < end:
            await asyncio.sleep(0.02)
        proxy.close()
        pages.abort()
        for task in tasks:
            task.cancel()
        servers[1].close()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _say_when_ours_ends(child: "subprocess.Popen[str]") -> None:
    while child.poll() is None:  # a thread that waits would have to be waited for at the end
        await asyncio.sleep(LOOK_S)
    log.error("our server ended with code %s; requests are passed on, and compared no more", child.returncode)


@contextlib.contextmanager
def _ours() -> "Iterator[tuple[subprocess.Popen[str], tuple[str, int]]]":
    """`python -m serving` as it will serve, on a free port of loopback, at low priority. Raises StartError."""
    kept = {name: value for name, value in os.environ.items() if name not in OF_THE_PROXY}
    variables = kept | {"THAW_HOST": "127.0.0.1", "THAW_PORT": "0", "THAW_LOG_FORMAT": "plain"}
    variables |= {"THAW_SPARE": "false", "THAW_DRAIN_SECONDS": "0"}  # nobody waits for it
    command = [sys.executable, "-m", "serving"]
    child = subprocess.Popen(
        command, env=variables, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: os.nice(NICENESS)
    )
    try:
        port = next((found[1] for line in _passed_on(child) if (found := LISTENING.search(line))), None)
        if port is None:
            raise StartError(
                f"Our own server did not start (code {child.wait()}); its words are above. Correct that first."
            )
        threading.Thread(target=lambda: list(_passed_on(child)), daemon=True).start()
        yield child, ("127.0.0.1", int(port))
    finally:
        child.terminate()
        child.wait()


def _passed_on(child: "subprocess.Popen[str]") -> Iterator[str]:
    """Its log, line by line, as it comes; into our own."""
    for line in child.stderr or ():
        print(f"ours: {line}", end="", file=sys.stderr, flush=True)
        yield line
