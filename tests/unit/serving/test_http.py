import asyncio
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from serving.connections import Connections, Limits
from serving.errors import Refusal
from serving.messages import PROBLEM, Request, Response, json_response
from tests.integration.running import replies, request


class _Echo:
    """Answers with what came, after a turn of the loop; refuses what asks for it."""

    def refuse_early(self, request: Request, *, is_crowded: bool) -> Response | None:
        return self.refusal(Refusal("not-found", "gone"), request) if request.path == "/refuse" else None

    def refusal(self, refusal: Refusal, request: Request) -> Response:
        return json_response(refusal.problem(request.request_id), refusal.kind.status, content_type=PROBLEM)

    def shed_bytes(self) -> Refusal:
        return Refusal("overloaded", "full")

    async def answer(self, request: Request) -> Response:
        await asyncio.sleep(0)
        return Response(200, request.method.encode() + b" " + request.body, "text/plain")


class _Wire(asyncio.Transport):
    """A transport that only remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_open = True
        self.is_read = True

    def write(self, data: bytes) -> None:  # type: ignore[override] # bytes are all we write
        self.written += data

    def close(self) -> None:
        self.is_open = False

    abort = close

    def is_closing(self) -> bool:
        return not self.is_open

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True


async def exchange(packets: list[bytes]) -> tuple[bytes, int]:
    """Feed packets as a loop would, only while reading is on; returns what was written, and bytes still held."""
    owner = Connections(_Echo(), Limits(max_body_bytes=1000, max_header_bytes=500))
    connection, wire = owner.make(), _Wire()
    connection.connection_made(wire)
    for packet in packets:
        for _ in range(200):
            if wire.is_read:
                break
            await asyncio.sleep(0)
        assert wire.is_read or not wire.is_open, "reading was never resumed"
        if not wire.is_open:
            break
        connection.data_received(packet)
    for _ in range(200):
        await asyncio.sleep(0)
    connection.connection_lost(None)
    return wire.written, owner.buffered_bytes


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """Data in pieces."""
    edges = [0, *sorted({place % (len(data) + 1) for place in at}), len(data)]
    return [data[start:end] for start, end in pairwise(edges) if start < end]


BODIES = st.lists(st.binary(max_size=60), min_size=1, max_size=6)


@given(BODIES, st.lists(st.integers(0, 5000), max_size=12))
def test_packets_do_not_matter(bodies: list[bytes], at: list[int]) -> None:
    """However the network cuts a row of requests, each is answered once, in order, and nothing is kept."""
    data = b"".join(request(body) for body in bodies)
    written, held = asyncio.run(exchange(cut(data, at)))
    assert [b"POST " + body for body in bodies] == [reply.body for reply in replies(written)]
    assert 0 == held


@given(BODIES, st.integers(0, 6), st.lists(st.integers(0, 5000), max_size=12))
def test_a_refusal_keeps_its_place(bodies: list[bytes], place: int, at: list[int]) -> None:
    """Refused at its headers, a request in the middle is answered between its neighbours."""
    place = min(place, len(bodies))
    parts = [request(body) for body in bodies]
    parts.insert(place, request(b"not wanted", path="/refuse"))
    written, held = asyncio.run(exchange(cut(b"".join(parts), at)))
    statuses = [200] * len(bodies)
    statuses.insert(place, 404)
    assert statuses == [reply.status for reply in replies(written)]
    assert 0 == held


@given(BODIES, st.binary(max_size=600), st.lists(st.integers(0, 5000), max_size=12))
def test_any_bytes_get_whole_answers(bodies: list[bytes], garbage: bytes, at: list[int]) -> None:
    """Behind good requests anything may come: the good ones are answered, and what is written is HTTP."""
    data = b"".join(request(body) for body in bodies) + garbage
    written, held = asyncio.run(exchange(cut(data, at)))
    answered = [reply for reply in replies(written) if reply.status == 200]
    assert [b"POST " + body for body in bodies] == [reply.body for reply in answered[: len(bodies)]]
    assert 0 == held
