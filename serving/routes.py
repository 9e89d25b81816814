"""The table of routes and the handlers of our own ones."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from serving import metrics
from serving.answer import Answer, Comparison, answer_of, model_list
from serving.bodies import Photographs, read_photographs
from serving.errors import Refusal
from serving.lanes import Job
from serving.messages import Request, Response, json_response
from serving.parameters import PARAMETERS, Options, read_options
from serving.pipeline import Terms
from serving.store import Model

if TYPE_CHECKING:
    from serving.app import App

Handler = Callable[["App", Request, Mapping[str, str]], Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """`pattern`: `{name}` matches one segment, `{name}:verb` one with that end, and `{...}` at the end all the rest."""

    name: str
    pattern: str
    handlers: Mapping[str, Handler]
    takes_photograph: bool = False
    errors: str = "problem"  # the form: problem, torchserve or inference

    @property
    def methods(self) -> tuple[str, ...]:
        """What Allow names; HEAD goes wherever GET does."""
        return tuple(sorted({*self.handlers, *(("HEAD",) if "GET" in self.handlers else ())}))

    def handler(self, method: str) -> Handler | None:
        """None: this method is not allowed here."""
        return self.handlers.get("GET" if method == "HEAD" else method)

    def match(self, path: str) -> dict[str, str] | None:
        """The values of the braces, or None."""
        if "{" not in self.pattern:
            return {} if path == self.pattern else None
        wanted, given = self.pattern.split("/"), path.split("/")
        if wanted[-1] == "{...}":
            given = [*given[: len(wanted) - 1], "/".join(given[len(wanted) - 1 :])]
        if len(wanted) != len(given):
            return None
        values = {}
        for pattern, segment in zip(wanted, given, strict=True):
            if not pattern.startswith("{"):
                if segment != pattern:
                    return None
                continue
            name, end = pattern[1:].split("}")
            value = segment.removesuffix(end)
            if not value or not segment.endswith(end):
                return None
            values[name] = value
        return values


async def photograph_jobs(
    app: "App", request: Request, models: tuple[Model, ...], options: Options
) -> tuple[list[Job | Refusal], bool]:
    """Body -> finished jobs in order, and whether the answer is a list. Raises what refuses the request as a whole."""
    photographs = read_photographs(request.header("content-type"), request.body, app.pipeline.slots.total)
    outcomes = await run_jobs(app, request, photographs, models, options)
    if not photographs.many and isinstance(outcomes[0], Refusal):
        raise outcomes[0]
    return outcomes, photographs.many


async def run_jobs(
    app: "App", request: Request, photographs: Photographs, models: tuple[Model, ...], options: Options
) -> list[Job | Refusal]:
    """Through the pipeline; the request learns its steps. Raises Refusal when it is not admitted as a whole."""
    request.body = b""  # the jobs hold what is needed
    timeout_ms = options.timeout_ms or app.settings.deadline_ms
    terms = Terms(request.received, timeout_ms, options.explain, request.identity, request.socket)
    outcomes = await app.pipeline.run(photographs, models, terms)
    request.computed = time.perf_counter()
    jobs = [outcome for outcome in outcomes if isinstance(outcome, Job)]
    for job in jobs:
        request.steps["queue"] = max(request.steps.get("queue", 0.0), job.queue_s)
        request.steps["decode"] = request.steps.get("decode", 0.0) + job.decode_s
        request.steps["infer"] = request.steps.get("infer", 0.0) + sum(result.infer_s for result in job.results)
    return outcomes


def one_or_list(
    request: Request, outcomes: list[Job | Refusal], many: bool, answer: Callable[[Job], Answer | Comparison]
) -> Response:
    """A single photograph's answer is plain; several are `results`, each an answer or its problem, in order."""
    documents = [
        outcome.problem(request.request_id) if isinstance(outcome, Refusal) else answer(outcome) for outcome in outcomes
    ]
    return json_response({"results": documents} if many else documents[0])


async def predict(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """POST /predict: one model."""
    options = read_options(request.query, request.header("x-request-timeout-ms"))
    model = app.pipeline.models.find(options.model, options.version, request_id=request.request_id)
    request.model = model.key
    outcomes, many = await photograph_jobs(app, request, (model,), options)
    return one_or_list(request, outcomes, many, lambda job: answer_of(job, job.results[0], options))


async def compare(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """POST /compare: decoded once, answered by every model, or by those that are named."""
    allowed = ("models", *(name for name in PARAMETERS if name not in ("model", "version")))
    options = read_options(request.query, request.header("x-request-timeout-ms"), allowed)
    models = app.pipeline.models
    asked = models.find_each(options.models, request.request_id) if options.models else models.default_versions
    outcomes, many = await photograph_jobs(app, request, tuple(asked.values()), options)

    def answer(job: Job) -> Comparison:
        pairs = zip(asked, job.results, strict=True)
        return {"models": {name: answer_of(job, result, options) for name, result in pairs}}

    return one_or_list(request, outcomes, many, answer)


async def models(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """GET /models."""
    return json_response(model_list(app.pipeline.models))


async def livez(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """GET /livez: the loop turns, and no lane has been stuck in one call."""
    trouble = app.pipeline.scheduler.stuck(app.settings.lane_stuck_s)
    return _health("live", trouble)


async def readyz(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """GET /readyz: send photographs here."""
    return _health("ready", app.pipeline.trouble())


async def startupz(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """GET /startupz: models are loaded and replayed before the server listens, so an answer is the proof."""
    return _health("started", None)


async def scrape(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """GET /metrics."""
    return Response(200, app.pipeline.metrics.exposition(), metrics.CONTENT_TYPE)


def _health(word: str, trouble: str | None) -> Response:
    if trouble is not None:
        raise Refusal("not-ready", f"Not {word}: {trouble}. Ask again in a few seconds; the log says more.")
    return json_response({"status": word})


OURS = (
    Route("predict", "/predict", {"POST": predict}, takes_photograph=True),
    Route("compare", "/compare", {"POST": compare}, takes_photograph=True),
    Route("models", "/models", {"GET": models}),
    Route("livez", "/livez", {"GET": livez}),
    Route("readyz", "/readyz", {"GET": readyz}),
    Route("startupz", "/startupz", {"GET": startupz}),
    Route("metrics", "/metrics", {"GET": scrape}),
)
