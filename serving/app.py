"""Routes only: find the handler, refuse early, turn whatever happens into an answer, count it."""

import asyncio
import logging
import time
from collections.abc import Callable

from serving.admin import ADMIN
from serving.bodies import check_type
from serving.connections import too_many_bytes
from serving.errors import Refusal
from serving.hangup import has_hung_up
from serving.inference_protocol.routes import INFERENCE, INFERENCE_PREFIX
from serving.keeper import Keeper
from serving.keys import read_keys
from serving.messages import PROBLEM, Request, Response, json_response
from serving.metrics import NO_MODEL
from serving.pages import PAGES
from serving.pipeline import Pipeline
from serving.routes import OURS, Route
from serving.settings import Settings
from serving.torchserve_routes import NEVER_CACHED, TORCHSERVE

log = logging.getLogger("thaw.requests")

ROUTES: tuple[Route, ...] = (*OURS, *TORCHSERVE, *INFERENCE, *ADMIN, *PAGES)
OPS_ROUTES = tuple(route for route in OURS if route.name in ("livez", "readyz", "startupz", "metrics"))
UNKNOWN_ROUTE = "unknown"
# Without a client's key: what looks after the server, what says how to use it, and what has a key of its own.
OPEN = {"livez", "readyz", "startupz", "metrics", "ping", "inference-metadata", "page", "docs", "admin"}


class App:
    """What connections talk to."""

    def __init__(
        self, settings: Settings, pipeline: Pipeline, keeper: Keeper, routes: tuple[Route, ...] = ROUTES
    ) -> None:
        self.settings = settings
        self.keeper = keeper
        self.pipeline = pipeline
        self.trace: Callable[[Request, str, str], None] | None = None  # told of each request that is over
        self._keys = read_keys(settings)
        self._exact = {route.pattern: route for route in routes if "{" not in route.pattern}
        self._by_first_segment: dict[str, list[Route]] = {}
        for route in routes:
            if "{" in route.pattern:
                self._by_first_segment.setdefault(route.pattern.split("/")[1], []).append(route)
        for route in routes:
            is_about_models = route.takes_photograph and route.name != "compare"
            pipeline.metrics.prepare_route(route.name, is_about_models=is_about_models)
        pipeline.metrics.prepare_route(UNKNOWN_ROUTE)

    def find(self, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of a path and the values in its braces."""
        if route := self._exact.get(path):
            return route, {}
        for route in self._by_first_segment.get(path.split("/", 2)[1] if path.startswith("/") else "", []):
            if (values := route.match(path)) is not None:
                return route, values
        return None

    def refuse_early(self, request: Request, *, is_crowded: bool) -> Response | None:
        """At the headers: what is refused whatever the body says, before it costs anything."""
        try:
            found = self.find(request.path)
            if found is None:
                raise Refusal("not-found", f"Nothing at {request.path[:100]!r}. See /docs for what there is.")
            route, _ = found
            if route.handler(request.method) is None:
                allowed = ", ".join(route.methods)
                raise Refusal(
                    "method-not-allowed", f"{request.method} is not for this route. Use {allowed}.", allow=route.methods
                )
            if route.name not in OPEN:
                self._keys.check(request)
            length = request.header("content-length")
            if length.isdecimal() and int(length) > self.settings.max_body_bytes:
                raise too_many_bytes(self.settings.max_body_bytes)
            if route.takes_photograph:
                if is_crowded:  # health and metrics stay open to those who look after us
                    raise self.pipeline.slots.shed("connections")
                check_type(request.header("content-type"), request.header("content-encoding"))
                if self.pipeline.slots.full:
                    raise self.pipeline.slots.shed("slots")
        except Refusal as refusal:
            response = self.refusal(refusal, request)
            response.close = is_crowded
            return response
        return None

    def shed_bytes(self) -> Refusal:
        """Bodies in flight exceed the memory kept for them."""
        return self.pipeline.slots.shed("bytes")

    async def answer(self, request: Request) -> Response:
        """Never raises but on cancellation, when the client has left."""
        found = self.find(request.path)
        if found is None:
            return self.refusal(Refusal("not-found", "Nothing here. See /docs."), request)
        route, values = found
        handler = route.handler(request.method)
        outcome = "gone"
        try:
            if handler is None:
                raise Refusal("method-not-allowed", "This method is not for this route.", allow=route.methods)
            if route.takes_photograph and has_hung_up(request.socket):
                raise asyncio.CancelledError  # not even the body is looked at; lanes ask again, before they decode
            response = await handler(self, request, values)
            outcome = "ok" if response.status < 400 else "unavailable"
        except Refusal as refusal:
            response, outcome = self._form(refusal, request, route), refusal.kind.outcome
        except Exception:
            log.exception("request failed", extra={"fields": request.identity})
            failure = Refusal(
                "internal", "The server failed on this request. Send it again; if it persists, report the request id."
            )
            response, outcome = self._form(failure, request, route), failure.kind.outcome
        finally:
            self._finish(request, route.name, outcome)
        response.headers += _standing_headers(request, route)
        return response

    def refusal(self, refusal: Refusal, request: Request) -> Response:
        """A refusal that ends a request before its handler, counted."""
        found = self.find(request.path)
        route = found[0] if found else None
        request.received = request.received or time.perf_counter()
        self._finish(request, route.name if route else UNKNOWN_ROUTE, refusal.kind.outcome)
        response = self._form(refusal, request, route)
        response.headers += _standing_headers(request, route)
        return response

    def _form(self, refusal: Refusal, request: Request, route: Route | None) -> Response:
        headers: tuple[tuple[str, str], ...] = ()
        if refusal.retry_after_s is not None:
            headers += (("retry-after", str(refusal.retry_after_s)),)
        if refusal.kind.status == 401:
            headers += (("www-authenticate", "Bearer"),)
        if refusal.allow:
            headers += (("allow", ", ".join(refusal.allow)),)
        form = route.errors if route else "inference" if request.path.startswith(INFERENCE_PREFIX) else "problem"
        if form == "torchserve":
            return json_response(refusal.torchserve(), refusal.torchserve_status, headers)
        if form == "inference":
            return json_response(refusal.inference(), refusal.kind.status, headers)
        return json_response(refusal.problem(request.request_id), refusal.kind.status, headers, PROBLEM)

    def _finish(self, request: Request, route: str, outcome: str) -> None:
        now = time.perf_counter()
        if request.computed:
            request.steps["answer"] = now - request.computed
        request.steps["total"] = now - request.received
        self.pipeline.metrics.count_request(route, request.model, outcome)
        if outcome == "ok" and request.model != (NO_MODEL, NO_MODEL):
            self.pipeline.metrics.observe_step("receive", request.received - request.begun)
            self.pipeline.metrics.observe_step("answer", request.steps["answer"])
            self.pipeline.metrics.observe_step("total", request.steps["total"])
        if self.trace is not None:
            self.trace(request, route, outcome)
        if self.settings.log_requests:
            steps = {f"{name}_ms": round(seconds * 1000, 3) for name, seconds in request.steps.items()}
            model = "/".join(request.model).strip("/")
            fields = {"route": route, "model": model, "outcome": outcome, **steps}
            log.info("request", extra={"fields": request.identity | fields})


def _standing_headers(request: Request, route: Route | None) -> tuple[tuple[str, str], ...]:
    never_cached = NEVER_CACHED if route is not None and route.errors == "torchserve" else ()
    return (("server-timing", _server_timing(request)), *never_cached)


def _server_timing(request: Request) -> str:
    return ", ".join(f"{name};dur={seconds * 1000:.3f}" for name, seconds in request.steps.items())
