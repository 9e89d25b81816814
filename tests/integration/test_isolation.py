"""Nobody pays for a neighbour: bad, cancelled, poisoned or late."""

import numpy as np
import pytest
from numpy.typing import NDArray

from serving import pipeline, stages
from tests.fakes import FakeEngine, fake_models, plain
from tests.integration.running import Later, Running, request, running, wait_until

GREY = (51, 102, 153)


def hold_lane(server: Running, engine: FakeEngine) -> Later:
    """The only lane is inside an inference until `engine.gate` is set; what comes now waits."""
    engine.gate.clear()
    first = server.later("/predict", plain(0))
    assert engine.entered.acquire(timeout=10)
    return first


def queued(server: Running, count: int) -> None:
    """Wait until so many photographs are waiting."""
    wait_until(lambda: server.metric("thaw_queue_length") == count)


def bus(reply_json: dict[str, list[dict[str, float]]]) -> float:
    """The bus probability of an answer."""
    return next(item["score"] for item in reply_json["predictions"] if item["label"] == "bus")


def test_a_bad_photograph_fails_alone(fake: Running, engine: FakeEngine) -> None:
    """In one batch with a truncated picture, its neighbours get their own answers."""
    first = hold_lane(fake, engine)
    good = [fake.later("/predict", plain(level)) for level in GREY]
    bad = fake.later("/predict", plain(9)[:-20])
    queued(fake, 4)
    engine.gate.set()
    assert 200 == first.reply().status
    assert [level / 255 for level in GREY] == pytest.approx([bus(each.reply().json) for each in good])
    assert 422 == bad.reply().status
    assert [1, 3] == engine.batches


def test_a_cancelled_photograph_does_not_disturb_its_batch(fake: Running, engine: FakeEngine) -> None:
    """A client that leaves while it waits is left out; the others of its batch are answered."""
    first = hold_lane(fake, engine)
    leaver = fake.connect()
    leaver.sendall(request(plain(9)))
    queued(fake, 1)
    good = [fake.later("/predict", plain(level)) for level in GREY]
    queued(fake, 4)
    leaver.close()
    wait_until(lambda: fake.metric("thaw_slots_in_use") == 4)
    engine.gate.set()
    assert 200 == first.reply().status
    assert [level / 255 for level in GREY] == pytest.approx([bus(each.reply().json) for each in good])
    assert [1, 3] == engine.batches
    assert 1 == fake.metric("thaw_dropped_total", reason="gone")
    assert 1 == fake.metric("thaw_requests_total", route="predict", model="partial", outcome="gone")


def test_a_photograph_that_breaks_the_model_is_the_only_one_to_fail(fake: Running, engine: FakeEngine) -> None:
    """A failed batch is inferred again one by one; only the guilty gets a 500, without our words in it."""

    def poison(images: NDArray[np.uint8]) -> None:
        if (images == 9).all(axis=(1, 2, 3)).any():
            raise RuntimeError("secret detail")

    engine.guard = poison
    first = hold_lane(fake, engine)
    good = [fake.later("/predict", plain(level)) for level in GREY]
    guilty = fake.later("/predict", plain(9))
    queued(fake, 4)
    engine.gate.set()
    assert 200 == first.reply().status
    assert [200, 200, 200] == [each.reply().status for each in good]
    reply = guilty.reply()
    assert 500 == reply.status
    assert b"secret" not in reply.body
    assert [1, 4, 1, 1, 1, 1] == engine.batches[:6]  # then the lane's golden
    assert 1 == fake.metric("thaw_batch_retries_total")


def test_answers_that_are_no_numbers_are_our_failure(fake: Running, engine: FakeEngine) -> None:
    """NaN from a model is a 500, never a 200 with broken JSON."""
    engine.guard = lambda images: images.setflags(write=True)
    original = engine.run
    engine.run = lambda images, explain=False: type(original(images))(
        *[np.full((len(images), 5), np.nan, np.float32)] * 2
    )
    assert 500 == fake.post("/predict", plain(1)).status


def test_a_late_answer_is_not_computed(fake: Running, engine: FakeEngine) -> None:
    """A photograph whose deadline passes in the queue gets a 504 at once and never reaches the model."""
    first = hold_lane(fake, engine)
    late = fake.post("/predict?timeout_ms=30", plain(9))
    assert 504 == late.status
    assert "/docs#deadline" == late.json["type"]
    engine.gate.set()
    assert 200 == first.reply().status
    assert 200 == fake.post("/predict", plain(8)).status
    assert [1, 1] == engine.batches
    assert 1 == fake.metric("thaw_dropped_total", reason="deadline")


def test_the_deadline_may_come_as_a_header(fake: Running, engine: FakeEngine) -> None:
    """X-Request-Timeout-Ms does what timeout_ms does."""
    first = hold_lane(fake, engine)
    assert 504 == fake.post("/predict", plain(9), X_Request_Timeout_Ms="30").status
    engine.gate.set()
    assert 200 == first.reply().status


def test_a_full_server_refuses_at_once(engine: FakeEngine) -> None:
    """With every slot taken: 429 with Retry-After, 503 on TorchServe's routes, and the slots come back."""
    with running(fake_models(engine), slots=2) as server:
        engine.gate.clear()
        admitted = [server.later("/predict", plain(level)) for level in (1, 2)]
        wait_until(lambda: server.metric("thaw_slots_in_use") == 2)
        refused = server.post("/predict", plain(3))
        assert (429, "1") == (refused.status, refused.headers["retry-after"])
        assert 503 == server.post("/predictions/partial", plain(3)).status
        assert 200 == server.get("/readyz").status
        engine.gate.set()
        assert [200, 200] == [each.reply().status for each in admitted]
        assert 200 == server.post("/predict", plain(3)).status
        assert 2 == server.metric("thaw_shed_total", reason="slots")
        assert 0 == server.metric("thaw_slots_in_use")


def test_a_request_for_more_than_all_slots_is_refused_for_good(engine: FakeEngine) -> None:
    """Three models do not fit two slots, now or later: that is no overload."""
    with running(fake_models(engine), slots=2) as server:
        assert 413 == server.post("/compare", plain(1)).status


def test_a_lane_that_dies_is_replaced(engine: FakeEngine) -> None:
    """Its photograph gets a 500, the server is not ready until the new lane has proved itself, then all is well."""

    class Death(BaseException):
        """Not even an Exception."""

    def die(images: NDArray[np.uint8]) -> None:
        if (images == 9).all():
            raise Death

    engine.guard = die
    with running(fake_models(engine)) as server:
        while engine.entered.acquire(blocking=False):
            pass
        death = server.later("/predict", plain(9))
        assert engine.entered.acquire(timeout=10)
        engine.gate.clear()
        assert 500 == death.reply().status
        assert engine.entered.acquire(timeout=10)  # the self-test of the new lane, which is held
        assert 503 == server.get("/readyz").status
        assert 0 == server.metric("thaw_lanes_alive")
        engine.gate.set()
        wait_until(lambda: server.get("/readyz").status == 200)
        assert 200 == server.post("/predict", plain(1)).status
        assert 1 == server.metric("thaw_lane_restarts_total")


def test_a_device_that_fails_for_good_makes_the_server_not_ready(engine: FakeEngine) -> None:
    """After a failure of ours a lane answers its golden before it takes more; one that cannot is no lane."""

    def fail(images: NDArray[np.uint8]) -> None:
        raise RuntimeError("device-side assert")

    with running(fake_models(engine)) as server:
        wait_until(lambda: server.get("/readyz").status == 200)
        engine.guard = fail
        assert 500 == server.post("/predict", plain(1)).status
        wait_until(lambda: server.get("/readyz").status == 503)
        engine.guard = lambda images: None
        wait_until(lambda: server.get("/readyz").status == 200)
        assert 200 == server.post("/predict", plain(1)).status


def test_a_stuck_lane_makes_the_server_not_ready(
    fake: Running, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can end a thread from outside: not ready first, not live when it lasts, and both again when it ends."""
    monkeypatch.setattr(pipeline, "STALE_LANE_S", 0.05)
    monkeypatch.setattr(stages, "IDLE_BEAT_S", 0.05)
    wait_until(lambda: fake.get("/readyz").status == 200)
    first = hold_lane(fake, engine)
    wait_until(lambda: fake.get("/readyz").status == 503)
    assert "no sign of life" in fake.get("/readyz").json["detail"]
    assert 0 == fake.metric("thaw_ready")
    assert 200 == fake.get("/livez").status
    engine.gate.set()
    assert 200 == first.reply().status
    wait_until(lambda: fake.get("/readyz").status == 200)


def test_a_lane_that_stays_stuck_makes_the_server_not_live(engine: FakeEngine) -> None:
    """After lane_stuck_s somebody outside has to end the process."""
    with running(fake_models(engine), lane_stuck_s=0.1) as server:
        first = hold_lane(server, engine)
        wait_until(lambda: server.get("/livez").status == 503)
        engine.gate.set()
        assert 200 == first.reply().status
