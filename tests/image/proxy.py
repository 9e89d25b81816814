"""A small proxy in front of several servers: it asks each whether it is ready, and sends connections to the ready."""

import asyncio
import contextlib
import itertools
import threading
from types import TracebackType

from tests.image.containers import ask

LOOK_EVERY_S = 0.2


class Proxy:
    """Listens on loopback within a `with`. `servers`: ports that may be added and taken away at any time."""

    def __init__(self) -> None:
        self.servers: set[int] = set()
        self._ready: list[int] = []
        self._turn = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        start = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._carry, "127.0.0.1", 0), self._loop)
        self._server = start.result()
        self.port = self._server.sockets[0].getsockname()[1]
        self._looks = True
        self._looking = asyncio.run_coroutine_threadsafe(self._look(), self._loop)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def knows(self, port: int) -> bool:
        """Whether this server gets connections at present."""
        return port in self._ready

    async def _end(self) -> None:
        self._looks = False
        self._server.close()
        await asyncio.wrap_future(self._looking)

    async def _look(self) -> None:
        while self._looks:
            ports = list(self.servers)
            looks = [asyncio.to_thread(ask, port, "GET", "/readyz") for port in ports]
            answers = await asyncio.gather(*looks)
            self._ready = [port for port, (status, _) in zip(ports, answers, strict=True) if status == 200]
            await asyncio.sleep(LOOK_EVERY_S)

    async def _carry(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        with contextlib.closing(answer), contextlib.suppress(OSError, IndexError):
            port = self._ready[next(self._turn) % len(self._ready)] if self._ready else 0
            if not port:
                return  # nobody is ready: the client sees a closed connection, and counts a failure
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(writer):
                await asyncio.gather(self._copy(client, writer), self._copy(reader, answer))

    @staticmethod
    async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while piece := await source.read(65536):
            target.write(piece)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()
