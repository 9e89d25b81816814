"""A serving process's life: read the settings, take the port, load and prove the models, serve, leave."""

import asyncio
import logging
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import uvloop

from serving.engine import choose_provider
from serving.files import most_connections
from serving.listener import bind
from serving.loading import load_models
from serving.niceness import be_nice
from serving.post import DRAIN, GO, HURRY, Post, Terms
from serving.server import Server, keep
from serving.settings import Settings, load_settings
from serving.shape import shape_of
from serving.shared_metrics import share_metrics
from serving.store import Models, log_terms

log = logging.getLogger("thaw.server")

QUIET_NICENESS = 10  # a spare loads in what the serving process leaves
Loaded = TypeVar("Loaded")


def serve(post: Post) -> int:
    """Until told to leave, then drain. Raises StartError or ArtifactError when it cannot start."""
    started = time.perf_counter()
    settings = load_settings()
    settings = settings.model_copy(update={"max_connections": most_connections(settings.max_connections)})
    is_first = not post.sockets
    if is_first:
        folder = tempfile.mkdtemp(prefix="thaw-metrics-") if settings.processes > 1 else ""
        sockets = [bind(settings.host, port) for port in (settings.port, settings.ops_port) if port is not None]
        terms = Terms(settings.processes, settings.spare, settings.stop_seconds, settings.lane_stuck_s, folder)
        post.hand_over(sockets, terms)
        log.info("settings", extra={"fields": settings.model_dump(mode="json")})
    if post.terms.folder:
        share_metrics(post.terms.folder, post.slot)
    uvloop.run(_Life(loaded_server(settings, post, is_first=is_first), post, started).run())
    return 0


def loaded_server(settings: Settings, post: Post, *, is_first: bool) -> Server:
    """A function of its own: a frame that lasts would keep the first versions in memory after they are unloaded."""
    models = quietly(lambda: load(settings)) if post.is_spare else load(settings)
    if is_first:
        log_terms(models)
    return Server(settings, models, post.board, post.slot)


def load(settings: Settings) -> Models:
    """The models of the store on the provider that was asked for, each proved by its goldens."""
    provider = choose_provider(settings.provider)
    batch_limit = shape_of(settings, provider).batch_limit
    return load_models(settings.models, provider, batch_limit, keep(settings), settings.variants)


def quietly(call: Callable[[], Loaded]) -> Loaded:
    """The call's result, from a thread that yields to all others."""
    results: list[Loaded] = []
    failures: list[BaseException] = []

    def run() -> None:
        be_nice(QUIET_NICENESS)
        try:
            results.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


class _Life:
    """What the loop of one process waits for: signals, and the supervisor's orders."""

    def __init__(self, server: Server, post: Post, started: float) -> None:
        self._server, self._post, self._started = server, post, started
        self._go, self._leave, self._hurry = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._all_leave = False

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._on_sigterm)
        loop.add_reader(self._post.control, self._read_orders)
        if not self._post.is_spare:
            self._go.set()
        await self._server.prepare()
        if self._post.is_spare:
            self._post.say_ready()
        await _first(self._go, self._leave)
        if self._go.is_set() and not self._leave.is_set():
            await self._server.listen(*self._post.sockets)
            self._say_where()
            self._post.say_ready()
            await self._leave.wait()
            await self._server.drain(self._hurry, is_last=self._all_leave)
        await self._server.close()

    def _say_where(self) -> None:
        host, port = self._post.sockets[0].getsockname()[:2]
        models = self._server.pipeline.models
        names = ", ".join("/".join(model.key) for model in models.all())
        provider = models.one_each()[0].engine.provider
        seconds = round(time.perf_counter() - self._started, 3)
        fields = {"port": port, "seconds": seconds, "provider": provider, "process": os.getpid()}
        if len(self._post.sockets) > 1:
            fields["ops_port"] = self._post.sockets[1].getsockname()[1]
        address = f"{self._server.scheme}://{host}:{port}"
        verb = "taking over" if self._post.is_spare else "listening on"
        log.info("%s %s with %s on %s", verb, address, names, provider, extra={"fields": fields})

    def _on_sigterm(self) -> None:
        self._read_orders()  # the supervisor's order comes before its signal; without one only this process leaves
        self._leave.set()

    def _read_orders(self) -> None:
        for order in self._post.orders():
            if order == GO:
                self._go.set()
            elif order == HURRY:
                self._hurry.set()
            elif order == DRAIN:
                if self._all_leave:  # again: the supervisor has ended, and its end would wake us for ever
                    asyncio.get_running_loop().remove_reader(self._post.control)
                self._all_leave = True
                self._leave.set()


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
