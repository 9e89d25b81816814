"""A rolling update as the chart does it: a new one is ready before an old one goes. Nothing is lost."""

from contextlib import ExitStack

from tests.image.containers import HARDENED, Server, wait_for
from tests.image.proxy import Proxy
from tests.image.traffic import Traffic

DRAIN = {"drain_seconds": 2, "stop_seconds": 10}


def test_an_update_loses_no_request(image: str, photograph: bytes) -> None:
    """Two containers behind a proxy are exchanged one by one under open-loop load: every request is answered 200."""
    with ExitStack() as stack:
        proxy = stack.enter_context(Proxy())

        def start() -> Server:
            server = stack.enter_context(Server(image, *HARDENED, settings=DRAIN)).wait_ready()
            proxy.servers.add(server.port)
            wait_for(lambda: proxy.knows(server.port), "the proxy knows it")
            return server

        running = [start(), start()]
        with Traffic(proxy.port, photograph, rate=10) as traffic:
            wait_for(lambda: len(traffic.outcomes) > 20, "some answers")
            for old in running:
                start()
                assert 0 == old.stop(15), "drained to its end"
                proxy.servers.discard(old.port)
            done = len(traffic.outcomes)
            wait_for(lambda: len(traffic.outcomes) > done + 20, "answers of the new ones")
    print(f"answers during the update: {dict(traffic.statuses())}")
    assert {200} == set(traffic.statuses())
