"""Spans, as a collector receives them."""

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from serving.errors import StartError
from serving.traces import open_traces
from tests.fakes import FakeEngine, fake_models, plain
from tests.integration.running import running

TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(HTTPServer):
    """Keeps the bodies that it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[bytes] = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Listens until the end of the test."""
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_requests_become_spans_of_the_caller_s_trace(engine: FakeEngine, collector: Collector) -> None:
    """Parent, outcome, model and steps; what waits is sent when the server ends; health on its own port is silent."""
    endpoint = f"http://127.0.0.1:{collector.server_port}/v1/traces"
    with running(fake_models(engine), otlp_endpoint=endpoint) as server:
        server.post("/predict", plain(1), traceparent=f"00-{TRACE_ID}-{PARENT_ID}-01")
        server.post("/predict", b"no photograph")
    sent = [ExportTraceServiceRequest.FromString(body) for body in collector.bodies]
    spans = [
        span
        for each in sent
        for resource in each.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
        if span.name == "POST predict"
    ]
    good, bad = sorted(spans, key=lambda span: span.start_time_unix_nano)
    values = {each.key: each.value.string_value or each.value.double_value for each in good.attributes}
    assert (TRACE_ID, PARENT_ID) == (good.trace_id.hex(), good.parent_span_id.hex())
    assert ("ok", "partial", "1") == (values["thaw.outcome"], values["thaw.model"], values["thaw.version"])
    assert {f"thaw.{step}_ms" for step in ("queue", "decode", "infer", "answer", "total")} <= values.keys()
    assert good.start_time_unix_nano < good.end_time_unix_nano
    assert (b"", "refused") == (
        bad.parent_span_id,
        next(each.value.string_value for each in bad.attributes if each.key == "thaw.outcome"),
    )


def test_a_dead_collector_disturbs_nobody(engine: FakeEngine) -> None:
    """Answers come, and the server ends in its time."""
    with running(fake_models(engine), otlp_endpoint="http://127.0.0.1:1/v1/traces") as server:
        assert 200 == server.post("/predict", plain(1)).status


def test_without_the_extra_the_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """And without an endpoint nothing is loaded at all."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert open_traces(None) is None
    with pytest.raises(StartError, match="extra `otel`"):
        open_traces("http://127.0.0.1:1")
