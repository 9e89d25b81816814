"""Servers of exactly known behaviour, to check the generator: `python -m load_tests.nullserver --delay-ms 20`."""

import argparse
import asyncio
import hashlib
import itertools
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from load_tests.machine import before_others
from load_tests.payloads import PHOTOGRAPHS, read_photographs

TIMER_S = 0.0015
PHOTOGRAPH = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8")


@dataclass
class Behaviour:
    """Milliseconds and seconds as named. Answers carry the right label of each photograph, by its hash."""

    delay_ms: float = 0.0
    serial_ms: float = 0.0  # one request at a time, each this long
    freeze_s: float = 0.0  # of every `period_s`, nothing is answered
    period_s: float = 5.0
    shed_above: int = 0  # in flight; 0: never
    wrong_every: int = 0  # every n-th answer names another label; 0: none
    fail_every: int = 0  # every n-th answer is a 500; 0: none
    die_after: int = 0  # the process ends after so many answers; 0: never
    labels: dict[bytes, str] = field(default_factory=dict)


class Server:
    """HTTP/1.1 with keep-alive, as little of it as a load test sends."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour, self.free = behaviour, 0.0  # free: when the queue will be empty
        self.in_flight, self.served, self.began = 0, itertools.count(1), time.perf_counter()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests one after the other until the client goes."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.lower().split(b"\r\n")
                length = next((line[15:] for line in lines if line.startswith(b"content-length:")), b"0")
                body = await reader.readexactly(int(length))
                status, document, steps = await self.answer(body)
                data = json.dumps(document).encode()
                start = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{steps}"
                start += f"Content-Length: {len(data)}\r\n\r\n"
                writer.write(start.encode() + data)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, body: bytes) -> tuple[int, dict[str, object], str]:
        """Status, document and headers for one photograph."""
        asked, number = self.behaviour, next(self.served)
        if asked.die_after and number > asked.die_after:
            os._exit(1)  # as a crash would: no answer, no goodbye
        if asked.shed_above and self.in_flight >= asked.shed_above:
            return 429, {"detail": "full"}, "Retry-After: 1\r\n"
        self.in_flight += 1
        start = time.perf_counter()
        try:
            await self.work()
        finally:
            self.in_flight -= 1
        if asked.fail_every and number % asked.fail_every == 0:
            return 500, {"detail": "failed on purpose"}, ""
        label = asked.labels.get(hashlib.sha256(body).digest())
        if label is None and body.startswith(PHOTOGRAPH):
            return 422, {"detail": "no photograph of the folder"}, ""
        label = label or "other"
        if asked.wrong_every and number % asked.wrong_every == 0:
            label = "wrong on purpose"
        timing = f"Server-Timing: work;dur={(time.perf_counter() - start) * 1e3:.3f}\r\n"
        return 200, {"predictions": [{"label": label, "score": 0.9}]}, timing

    async def work(self) -> None:
        """Take the time that was asked for."""
        asked = self.behaviour
        if asked.freeze_s:
            past = (time.perf_counter() - self.began) % asked.period_s
            await until(time.perf_counter() + asked.freeze_s - past)
        if asked.delay_ms:
            await until(time.perf_counter() + asked.delay_ms / 1e3)
        if asked.serial_ms:
            # The queue is kept on paper: each ends a fixed time after the one before, so that what Python takes for
            # reading and answering is not part of the service, and a late timer does not make the next one later.
            self.free = max(self.free, time.perf_counter()) + asked.serial_ms / 1e3
            await until(self.free)


async def until(instant: float) -> None:
    """Wait until time.perf_counter() says so: the loop's timers alone are a millisecond late, so the rest is turns."""
    while (left := instant - time.perf_counter()) > 0:
        await asyncio.sleep(left - TIMER_S if left > TIMER_S else 0)


async def serve(behaviour: Behaviour, port: int) -> None:
    """Listen on loopback and print the address; ends when it is told to."""
    listener = await asyncio.start_server(Server(behaviour).connection, "127.0.0.1", port, backlog=4096, limit=2**20)
    print(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", flush=True)
    async with listener:
        await listener.serve_forever()


def main() -> None:
    """Every field of Behaviour is an option."""
    parser = argparse.ArgumentParser(prog="python -m load_tests.nullserver", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--images", type=Path, default=PHOTOGRAPHS)
    options = {name: value for name, value in vars(Behaviour()).items() if name != "labels"}
    for name, value in options.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    given = parser.parse_args()
    photographs = read_photographs(given.images)
    labels = {hashlib.sha256(photograph.body).digest(): photograph.label for photograph in photographs}
    behaviour = Behaviour(**{name: getattr(given, name) for name in options}, labels=labels)
    with before_others():  # what is known beforehand should not depend on what else runs here
        asyncio.run(serve(behaviour, given.port))


if __name__ == "__main__":
    main()
