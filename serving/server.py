"""A server's life: take the port, load and prove the models, listen, drain, leave."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import time

import uvloop

from serving.admission import Slots
from serving.app import App
from serving.connections import Connections, Limits
from serving.cores import granted_cores
from serving.engine import choose_provider, runtime_version
from serving.listener import bind, turn_away
from serving.metrics import Metrics
from serving.pipeline import Pipeline
from serving.scheduler import Scheduler
from serving.settings import Settings
from serving.store import Models, load_models, log_terms

log = logging.getLogger("thaw.server")

SLOTS_PER_LANE = 32  # at 3 ms a photograph a full queue is 0.1 s of waiting: a burst, never seconds
BACKLOG = 1024


class Server:
    """Life as named methods; `serve` runs them in order."""

    def __init__(self, settings: Settings, models: Models) -> None:
        self.settings = settings
        metrics = Metrics()
        lanes = settings.lanes or granted_cores()
        self.scheduler = Scheduler(lanes, settings.batch_limit, settings.max_pixels, metrics)
        slots = Slots(settings.slots or SLOTS_PER_LANE * lanes, lanes, metrics)
        self.pipeline = Pipeline(models, self.scheduler, slots, metrics)
        self.app = App(settings, self.pipeline)
        names = Limits.__dataclass_fields__
        self.connections = Connections(self.app, Limits(**{name: getattr(settings, name) for name in names}), metrics)
        for model in models.all():
            name, version = model.key
            info = {"version": version, "provider": model.engine.provider, "runtime": runtime_version()}
            info |= {"recipe": model.manifest.recipe, "depth": str(model.manifest.depth)}
            metrics.prepare_model(name, model.manifest.labels, info)

    async def start(self, listener: socket.socket) -> None:
        """Lanes, then ears. listener: bound; owned by this server from now on."""
        self._listener = listener
        self.scheduler.start(self.pipeline.models.one_each()[0])
        self._sweep = asyncio.create_task(self.connections.sweep())
        # uvloop closes the descriptor it was given; ours keeps the queue of connections alive until it was emptied
        ears = listener.dup()
        loop = asyncio.get_running_loop()
        self._ears = await loop.create_server(self.connections.make, sock=ears, backlog=BACKLOG)

    async def drain(self, hurry: asyncio.Event) -> None:
        """Not ready at once; serve on for `drain_seconds`, or until `hurry`; then stop listening and finish."""
        end = time.perf_counter() + self.settings.stop_seconds
        self.pipeline.is_draining = self.connections.is_draining = True
        gap = min(self.settings.drain_seconds, self.settings.stop_seconds)
        log.info("draining: not ready, serving on for %g s; signal again to stop at once", gap)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(hurry.wait(), gap)
        await self._stop_listening()
        self.connections.close_idle()
        while self.connections.count and time.perf_counter() < end:
            await asyncio.sleep(0.01)
        log.info("stopped with %d connections cut off", self.connections.count)

    async def close(self) -> None:
        """End whatever is left."""
        self._sweep.cancel()
        self.connections.abort()
        self._listener.close()
        self._ears.close()
        await asyncio.sleep(0)
        self.scheduler.close()

    async def _stop_listening(self) -> None:
        """Connections that the kernel has accepted and we have not would be reset by closing: take them first."""
        loop = asyncio.get_running_loop()
        self._ears.close()
        self._listener.setblocking(False)
        turn_away(self._listener)
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            await loop.connect_accepted_socket(self.connections.make, connection)
        self._listener.close()


def serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT, then drain. Raises StartError or ArtifactError when it cannot start."""
    started = time.perf_counter()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # nothing is in flight yet; `_live` replaces it by the drain
    listener = bind(settings)
    log.info("settings", extra={"fields": settings.model_dump(mode="json")})
    provider = choose_provider(settings.provider)
    models = load_models(settings.models, provider, settings.batch_limit)
    log_terms(models)
    server = Server(settings, models)
    uvloop.run(_live(server, listener, started))


async def _live(server: Server, listener: socket.socket, started: float) -> None:
    loop = asyncio.get_running_loop()
    leave, hurry = asyncio.Event(), asyncio.Event()

    def on_interrupt() -> None:
        (hurry if leave.is_set() else leave).set()

    # A second Ctrl-C ends the gap; a second SIGTERM does not: a group and its leader often both pass the same one on.
    loop.add_signal_handler(signal.SIGTERM, leave.set)
    loop.add_signal_handler(signal.SIGINT, on_interrupt)
    await server.start(listener)
    host, port = listener.getsockname()[:2]
    names = ", ".join("/".join(model.key) for model in server.pipeline.models.all())
    provider = server.pipeline.models.one_each()[0].engine.provider
    fields = {"port": port, "seconds": round(time.perf_counter() - started, 3), "provider": provider}
    log.info("listening on http://%s:%d with %s on %s", host, port, names, provider, extra={"fields": fields})
    await leave.wait()
    await server.drain(hurry)
    await server.close()
