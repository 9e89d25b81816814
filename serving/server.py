"""A server: its parts, and its life from lanes to the last connection."""

import asyncio
import contextlib
import logging
import socket
import time
from dataclasses import replace
from typing import Any

from serving.admission import Slots
from serving.app import OPS_ROUTES, App
from serving.board import Board
from serving.connections import Connections, Limits
from serving.keeper import Keeper
from serving.listener import turn_away
from serving.loading import Keep, Source
from serving.metrics import Metrics
from serving.pipeline import Pipeline
from serving.scheduler import Scheduler
from serving.settings import Settings
from serving.shape import shape_of
from serving.store import Models
from serving.tls import Certificate
from serving.traces import open_traces

log = logging.getLogger("thaw.server")

SLOTS_PER_LANE = 32  # at 3 ms a photograph a full queue is 0.1 s of waiting: a burst, never seconds
BACKLOG = 1024
OPS_CONNECTIONS = 64  # health and metrics: a few probes and a scraper or two
REPORT_S = 0.5


class Server:
    """Life as named methods, called in their order: prepare, listen, drain, close."""

    def __init__(self, settings: Settings, models: Models, board: Board | None = None, slot: int = 0) -> None:
        """board: where this process says how it is, in its slot, and reads how its siblings are."""
        self.settings = settings
        self._board, self._slot = board or Board(), slot
        self.metrics = Metrics()
        provider = models.one_each()[0].engine.provider
        shape = shape_of(settings, provider)
        self.scheduler = Scheduler(shape, settings.max_pixels, self.metrics)
        most = settings.slots or max(SLOTS_PER_LANE * shape.lanes, 2 * shape.batch_limit)
        slots = Slots(most, shape.lanes, self.metrics)
        self.pipeline = Pipeline(models, self.scheduler, slots, self.metrics, settings.max_pixels)
        source = Source(settings.models, provider, shape.batch_limit, keep(settings), settings.variants)
        self.keeper = Keeper(source, self.pipeline, settings.poll_seconds)
        self._listener: socket.socket | None = None
        self._ears: list[asyncio.Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.pipeline.trouble_elsewhere = lambda: self._board.trouble(but=slot)
        self._certificate = Certificate(settings)
        names = Limits.__dataclass_fields__
        limits = Limits(**{name: getattr(settings, name) for name in names})
        app = App(settings, self.pipeline, self.keeper)
        self._traces = open_traces(settings.otlp_endpoint)
        app.trace = self._traces.record if self._traces else None
        self.connections = Connections(app, limits)
        self._ops = Connections(
            App(settings, self.pipeline, self.keeper, OPS_ROUTES), replace(limits, max_connections=OPS_CONNECTIONS)
        )
        self._watch()

    def _watch(self) -> None:
        metrics, board = self.metrics, self._board
        metrics.watch(metrics.connections, lambda: self.connections.count)
        metrics.watch(metrics.processes, lambda: board.wanted)
        metrics.watch(metrics.spares, lambda: board.spares)
        metrics.watch(metrics.process_restarts, lambda: board.restarts)

    @property
    def scheme(self) -> str:
        """Of the address: https when there is a certificate."""
        return "https" if self._certificate.context else "http"

    async def prepare(self) -> None:
        """Lanes, and an eye on the store: all that a spare has until it takes the dead one's place."""
        self.scheduler.start()
        self.keeper.start()

    async def listen(self, listener: socket.socket, ops: socket.socket | None = None) -> None:
        """Ears. listener, ops: bound; owned by this server from now on."""
        self._listener = listener
        endless = (self.connections.sweep, self._ops.sweep, self._report, self._certificate.follow)
        self._tasks = [asyncio.create_task(run()) for run in endless]
        loop = asyncio.get_running_loop()
        # uvloop closes the descriptor it was given; ours keeps the queue of connections alive until it was emptied
        ears = listener.dup()
        self._ears = [await loop.create_server(self.connections.make, sock=ears, backlog=BACKLOG, **self._secure())]
        if ops is not None:
            self._ears.append(await loop.create_server(self._ops.make, sock=ops, backlog=BACKLOG))

    def _secure(self) -> dict[str, Any]:
        """How a connection is made: with TLS, a handshake that trickles ends like headers that trickle."""
        timeout = self.settings.header_timeout_s
        context = self._certificate.context
        return {"ssl": context, "ssl_handshake_timeout": timeout} if context else {}

    async def _report(self) -> None:
        """For ever: tell the other processes and the supervisor how this one is."""
        while True:
            is_live = self.scheduler.stuck(self.settings.lane_stuck_s) is None
            self._board.report(self._slot, is_ready=self.pipeline.trouble_here() is None, is_live=is_live)
            self.metrics.share()
            await asyncio.sleep(REPORT_S)

    async def drain(self, hurry: asyncio.Event, *, is_last: bool = True) -> None:
        """Not ready at once; serve on for `drain_seconds`, or until `hurry`; then stop listening and finish.

        is_last: nobody else takes connections from this socket, so those that wait in it must be taken here.
        """
        end = time.perf_counter() + self.settings.stop_seconds
        self.pipeline.is_draining = self.connections.is_draining = self._ops.is_draining = True
        gap = min(self.settings.drain_seconds, self.settings.stop_seconds)
        log.info("draining: not ready, serving on for %g s; signal again to stop at once", gap)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(hurry.wait(), gap)
        self._ears[0].close()
        if is_last:
            await self._empty_the_queue()
        if self._listener is not None:
            self._listener.close()
        self.connections.close_idle()
        while self.connections.count and time.perf_counter() < end:
            await asyncio.sleep(0.01)
        log.info("stopped with %d connections cut off", self.connections.count)

    async def close(self) -> None:
        """End whatever is left."""
        for task in self._tasks:
            task.cancel()
        self.keeper.close()
        self.pipeline.shadow.close()
        self.connections.abort()
        self._ops.abort()
        if self._listener is not None:
            self._listener.close()
        for ears in self._ears:
            ears.close()
        await asyncio.sleep(0)
        self.scheduler.close()
        if self._traces:
            await asyncio.to_thread(self._traces.close)

    async def _empty_the_queue(self) -> None:
        """Connections that the kernel has accepted and we have not would be reset by closing: take them first."""
        if self._listener is None:
            return
        loop = asyncio.get_running_loop()
        self._listener.setblocking(False)
        turn_away(self._listener)
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            await loop.connect_accepted_socket(self.connections.make, connection, **self._secure())


def keep(settings: Settings) -> Keep:
    """How many versions may be in memory."""
    return Keep(settings.versions_per_model, settings.versions_in_all)
