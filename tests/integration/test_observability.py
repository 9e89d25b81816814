"""What an operator can see of a request from outside: headers, log lines, metrics."""

import logging
import shutil
import subprocess

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.fakes import FakeEngine, fake_models, plain
from tests.integration.running import Running, running

PROMTOOL = shutil.which("promtool")
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def fields(caplog: pytest.LogCaptureFixture, message: str) -> list[dict[str, object]]:
    """Of every line with this message."""
    return [getattr(record, "fields", {}) for record in caplog.records if record.message == message]


def test_a_trace_context_is_returned_and_logged(engine: FakeEngine, caplog: pytest.LogCaptureFixture) -> None:
    """As it came, beside the request id, on answers and refusals of every route."""
    paths = ("/predict", "/predictions/partial", "/v2/models/partial/infer", "/nowhere")
    with running(fake_models(engine), log_requests=True) as server, caplog.at_level(logging.INFO, "thaw"):
        caplog.clear()
        for path in paths:
            reply = server.post(path, plain(1), traceparent=TRACE, X_Request_Id="seven")
            assert TRACE == reply.headers["traceparent"]
        assert "traceparent" not in server.get("/livez").headers
    logged = fields(caplog, "request")
    assert [("seven", TRACE)] * len(paths) == [(line["request_id"], line["traceparent"]) for line in logged[:-1]]
    assert "traceparent" not in logged[-1]


def test_no_line_for_a_request_unless_told(fake: Running, caplog: pytest.LogCaptureFixture) -> None:
    """The hot path writes nothing, whatever is asked and answered."""
    with caplog.at_level(logging.DEBUG, "thaw"):
        caplog.clear()
        assert [200, 422] == [fake.post("/predict", body).status for body in (plain(1), plain(1)[:-20])]
        assert 404 == fake.get("/nowhere").status
    assert [] == [record.message for record in caplog.records if record.name.startswith("thaw")]


@pytest.mark.parametrize(
    "wrong",
    ["", "00-1-2-3", TRACE.upper(), "ff" + TRACE[2:], TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32)],
)
def test_a_broken_trace_context_is_dropped(fake: Running, wrong: str) -> None:
    """What is no trace context is neither returned nor logged."""
    assert "traceparent" not in fake.post("/predict", plain(1), traceparent=wrong).headers


def test_our_failures_are_logged_with_the_request(
    fake: Running, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """The client gets an id to ask with; the lane's own line has it, and the trace."""

    def fail(images: NDArray[np.uint8]) -> None:
        raise RuntimeError("no memory")

    engine.guard = fail
    with caplog.at_level(logging.ERROR, "thaw"):
        reply = fake.post("/predict", plain(1), traceparent=TRACE)
    assert (500, False) == (reply.status, "memory" in reply.json["detail"])
    expected = {"request_id": reply.json["request_id"], "traceparent": TRACE}
    assert [expected] == fields(caplog, "inference failed")


def test_each_answer_tells_its_time(real: Running) -> None:
    """Server-Timing is there whatever was asked and however it ended."""
    for path in ("/", "/docs", "/models", "/livez", "/ping", "/metrics", "/v2", "/v2/models/x", "/nowhere", "/predict"):
        assert "total;dur=" in real.get(path).headers["server-timing"]
    for path in ("/predict", "/compare", "/predictions/frozen", "/v2/models/frozen/infer"):
        assert "total;dur=" in real.post(path, b"").headers["server-timing"]


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: apt-get install prometheus)")
def test_promtool_finds_nothing_to_say(fake: Running) -> None:
    """Names, types, units and help of every metric are as Prometheus wants them, after some use too."""
    fake.post("/predict", plain(1))
    fake.post("/predict", b"no photograph")
    scraped = fake.get("/metrics").body
    done = subprocess.run([str(PROMTOOL), "check", "metrics"], input=scraped, capture_output=True, timeout=15)
    assert (0, b"", b"") == (done.returncode, done.stdout, done.stderr)
