"""The shape of a device: a pool decodes, one lane infers whatever has come. On the CPU, through the same scheduler."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from serving import engine as engines
from serving.engine import CPU
from serving.loading import load_models
from tests.fakes import FakeEngine, fake_models, photograph, plain
from tests.integration.conftest import forget_calls
from tests.integration.running import Running, request, running, wait_until


@pytest.fixture
def pool(engine: FakeEngine) -> Iterator[Running]:
    """Two decoders before one FakeEngine."""
    with running(fake_models(engine), shape="pool", lanes=2, batch_limit=8) as server:
        forget_calls(engine)
        yield server
        engine.gate.set()


def bus(reply_json: dict[str, list[dict[str, float]]]) -> float:
    """The bus probability of an answer."""
    return next(item["score"] for item in reply_json["predictions"] if item["label"] == "bus")


def test_what_waits_becomes_one_batch(pool: Running, engine: FakeEngine) -> None:
    """While the device works, the decoded wait for it; then all go together, each with its own answer."""
    assert 3 == pool.metric("thaw_lanes_alive")
    engine.gate.clear()
    first = pool.later("/predict", plain(0))
    assert engine.entered.acquire(timeout=10)
    levels = (51, 102, 153, 204, 255)
    waiting = [pool.later("/predict", plain(level)) for level in levels]
    bad = pool.later("/predict", plain(9)[:-20])
    assert 422 == bad.reply().status  # it ends in the pool, while the device is busy
    wait_until(lambda: pool.metric("thaw_queue_length") == len(levels))
    engine.gate.set()
    assert 200 == first.reply().status
    assert [level / 255 for level in levels] == pytest.approx([bus(each.reply().json) for each in waiting])
    assert [1, 5] == engine.batches


def test_a_failed_batch_is_repeated_one_by_one(pool: Running, engine: FakeEngine) -> None:
    """Only the guilty gets a 500; then the lane answers its golden before it takes more."""

    def poison(images: NDArray[np.uint8]) -> None:
        if (images == 9).all(axis=(1, 2, 3)).any():
            raise RuntimeError("the device says no")

    engine.guard = poison
    engine.gate.clear()
    first = pool.later("/predict", plain(0))
    assert engine.entered.acquire(timeout=10)
    waiting = [pool.later("/predict", plain(level)) for level in (1, 9, 3)]
    wait_until(lambda: pool.metric("thaw_queue_length") == 3)
    engine.gate.set()
    assert 200 == first.reply().status
    assert [200, 500, 200] == [each.reply().status for each in waiting]
    wait_until(lambda: engine.batches == [1, 3, 1, 1, 1, 1])


def test_who_leaves_is_taken_out_of_the_second_queue_too(pool: Running, engine: FakeEngine) -> None:
    """Decoded or not: a client that has gone costs the device nothing."""
    engine.gate.clear()
    first = pool.later("/predict", plain(0))
    assert engine.entered.acquire(timeout=10)
    leaver = pool.connect()
    leaver.sendall(request(plain(9)))
    wait_until(lambda: pool.metric("thaw_queue_length") == 1)
    late = pool.post("/predict?timeout_ms=30", plain(8))
    assert 504 == late.status
    leaver.close()
    wait_until(lambda: pool.metric("thaw_queue_length") == 0)
    engine.gate.set()
    assert 200 == first.reply().status
    assert [1] == engine.batches


def test_a_decoder_that_dies_is_replaced(pool: Running, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its photograph gets a 500; the device's lane and the other decoder go on."""

    class Death(BaseException):
        """Not even an Exception."""

    original = type(pool.server.pipeline.models.find(None)).prepare
    deaths = [Death()]

    def prepare(self: object, data: bytes, max_pixels: int = 1_000_000) -> object:
        if data == plain(9) and deaths:
            raise deaths.pop()
        return original(self, data, max_pixels)  # type: ignore[arg-type] # the instance

    monkeypatch.setattr(type(pool.server.pipeline.models.find(None)), "prepare", prepare)
    assert 500 == pool.post("/predict", plain(9)).status
    wait_until(lambda: pool.get("/readyz").status == 200)
    assert 200 == pool.post("/predict", plain(9)).status
    assert 1 == pool.metric("thaw_lane_restarts_total")


def test_real_models_answer_the_same_in_both_shapes(
    real: Running, tiny_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Padded batches in bound memory through the pool, single ones through lanes: equal scores, in every position."""
    monkeypatch.setattr(engines, "PADDED", {CPU})
    with running(load_models(tiny_store, CPU, 8), shape="pool", lanes=2, batch_limit=8) as server:
        for _ in range(3):
            asked = [server.later("/predict?explain=cam", photograph(seed)) for seed in range(11)]
            for seed, each in enumerate(asked):
                expected = real.post("/predict?explain=cam", photograph(seed)).json
                given = each.reply().json
                scores = [{item["label"]: item["score"] for item in one["predictions"]} for one in (expected, given)]
                assert scores[0] == pytest.approx(scores[1], abs=1e-5)
                assert expected["decision"] == given["decision"]
        batches = server.metric("thaw_batch_size_count")
        assert server.metric("thaw_batch_size_sum") > batches  # some were of more than one
