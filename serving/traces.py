"""A span for each request, to an OpenTelemetry collector. Nothing is loaded or sent unless an endpoint is set."""

import time
from collections.abc import Callable
from typing import NamedTuple

from serving.errors import StartError
from serving.messages import Request

COLLECTOR_TIMEOUT_S = 2.0  # a collector that hangs must hold up neither the next batch of spans nor the end


class Traces(NamedTuple):
    """`record`: request, route and outcome of one that is over. `close`: send what waits; blocks."""

    record: Callable[[Request, str, str], None]
    close: Callable[[], None]


def open_traces(endpoint: str | None) -> Traces | None:
    """endpoint: where OTLP over HTTP is taken. Raises StartError when the extra is not installed."""
    if endpoint is None:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import SpanKind, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    except ImportError as error:
        raise StartError(
            f"THAW_OTLP_ENDPOINT={endpoint!r} needs OpenTelemetry, which is not installed ({error}). "
            "Install the extra `otel`, or unset the variable."
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "thaw"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint, timeout=COLLECTOR_TIMEOUT_S)))
    tracer = provider.get_tracer("thaw.serving")
    context_of = TraceContextTextMapPropagator().extract

    def record(request: Request, route: str, outcome: str) -> None:
        end = time.time_ns()
        start = end - int((time.perf_counter() - request.begun) * 1e9)
        span = tracer.start_span(
            f"{request.method} {route}",
            context_of({"traceparent": request.traceparent}),
            SpanKind.SERVER,
            _attributes(request, outcome),
            start_time=start,
        )
        if outcome == "error":
            span.set_status(StatusCode.ERROR)
        span.end(end)

    return Traces(record, provider.shutdown)


def _attributes(request: Request, outcome: str) -> dict[str, str | float]:
    model, version = request.model
    steps = {f"thaw.{step}_ms": seconds * 1000 for step, seconds in request.steps.items()}
    return {
        "http.request.method": request.method,
        "thaw.request_id": request.request_id,
        "thaw.outcome": outcome,
        **({"thaw.model": model, "thaw.version": version} if model else {}),
        **steps,
    }
