"""Clients that never stop asking, and what they were answered."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serving.engine import CPU
from serving.loading import load_models
from tests.fakes import photograph
from tests.integration.running import PATIENCE_S, Running, running, wait_until

PHOTOGRAPH = photograph(1)
LOOK_S = 0.02  # between two looks at the store


class Traffic:
    """Requests over kept connections, one after another in each thread, until `stop`."""

    def __init__(self, port: int, path: str = "/predict", clients: int = 3) -> None:
        self.statuses: list[int] = []
        self.versions: list[str] = []  # of the answers, in the order in which they came
        self._path = path
        self._port = port
        self._stop = threading.Event()
        self._failures: list[Exception] = []
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        try:
            while not self._stop.is_set():
                connection.request("POST", self._path, PHOTOGRAPH, {"Content-Type": "image/jpeg"})
                response = connection.getresponse()
                body = response.read()
                self.statuses.append(response.status)
                if response.status == 200:
                    self.versions.append(body.partition(b'"version":"')[2].partition(b'"')[0].decode())
        except Exception as error:  # noqa: BLE001 - told by `stop`
            self._failures.append(error)
        finally:
            connection.close()

    def wait_for_answers(self, more: int = 20, version: str | None = None) -> None:
        """Until so many have come from now on, of that version if told."""
        already = len(self.versions)
        wait_until(lambda: sum(version in (None, each) for each in self.versions[already:]) >= more)

    def stop(self) -> None:
        """Every request was answered, with 200."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        assert [] == self._failures
        assert {200} == set(self.statuses)


@contextmanager
def traffic(server: Running, path: str = "/predict") -> Iterator[Traffic]:
    """For the block; its end proves that no request failed."""
    clients = Traffic(server.port, path)
    try:
        clients.wait_for_answers()
        yield clients
        clients.wait_for_answers()
    finally:
        clients.stop()


@contextmanager
def following(store: Path, **settings: object) -> Iterator[Running]:
    """A server on ONNX Runtime that follows its store."""
    values = {"models": store, "poll_seconds": LOOK_S, "lanes": 1, **settings}
    with running(load_models(store, CPU, 4), **values) as server:
        yield server
