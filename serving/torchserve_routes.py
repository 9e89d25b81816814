"""TorchServe's inference API: its paths, its bodies, its errors, so that its clients need a new address only."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from serving.answer import grid_by_label, sorted_scores
from serving.errors import Refusal
from serving.lanes import Job
from serving.messages import Request, Response, json_response
from serving.parameters import Options, read_options
from serving.routes import Route, photograph_jobs
from serving.store import Model

if TYPE_CHECKING:
    from serving.app import App


# On every answer of TorchServe's, refusals too: a proxy in between must not keep a prediction.
NEVER_CACHED = (
    ("pragma", "no-cache"),
    ("cache-control", "no-cache; no-store, must-revalidate, private"),
    ("expires", "Thu, 01 Jan 1970 00:00:00 UTC"),
)


async def predictions(app: "App", request: Request, values: Mapping[str, str]) -> Response:
    """POST or PUT /predictions/{model}[/{version}]: `{"bus": 0.98, ...}` sorted, as its image classifier answers."""
    options = _options(request, ("top_k", "explain", "timeout_ms"))

    def answer(job: Job) -> dict[str, object]:
        scores: dict[str, object] = {
            item["label"]: item["score"] for item in sorted_scores(job.results[0])[: options.top_k]
        }
        return scores | ({"activation_map": grid_by_label(job.results[0])} if options.explain else {})

    return await _answers(app, request, values, options, answer)


async def explanations(app: "App", request: Request, values: Mapping[str, str]) -> Response:
    """POST or PUT /explanations/{model}[/{version}]: label -> rows of the class activation map."""
    options = _options(request, ("timeout_ms",))
    return await _answers(
        app, request, values, replace(options, explain=True), lambda job: grid_by_label(job.results[0])
    )


def _options(request: Request, allowed: tuple[str, ...]) -> Options:
    """Other parameters are ignored: TorchServe hands them to the handler, and clients send what theirs knew."""
    return read_options(request.query, request.header("x-request-timeout-ms"), allowed, ignore_others=True)


async def _answers(
    app: "App",
    request: Request,
    values: Mapping[str, str],
    options: Options,
    answer: Callable[[Job], Mapping[str, object]],
) -> Response:
    model = _find(app, request, values)
    request.model = model.key
    outcomes, many = await photograph_jobs(app, request, (model,), options)
    documents = [outcome.torchserve() if isinstance(outcome, Refusal) else answer(outcome) for outcome in outcomes]
    return json_response(documents if many else documents[0])


def _find(app: "App", request: Request, values: Mapping[str, str]) -> Model:
    """As everywhere, but refused in TorchServe's words, which its clients' logs and alerts are searched for."""
    name, version = values["model"], values.get("version")
    try:
        return app.pipeline.models.find(name, version, request_id=request.request_id)
    except Refusal as refusal:
        words = {
            "unknown-model": f"Model not found: {name}",
            "unknown-version": f"Model version: {version} does not exist for model: {name}",
        }
        raise Refusal(refusal.kind.name, words.get(refusal.kind.name, refusal.detail)) from None


async def ping(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """GET /ping: 500 when unhealthy, as TorchServe answers it."""
    healthy = app.pipeline.trouble() is None
    return json_response({"status": "Healthy" if healthy else "Unhealthy"}, 200 if healthy else 500)


TORCHSERVE = (
    *(
        Route(name, path, {"POST": handler, "PUT": handler}, takes_photograph=True, errors="torchserve")
        for name, room, handler in (
            ("torchserve", "/predictions", predictions),
            ("torchserve-explanations", "/explanations", explanations),
        )
        for path in (f"{room}/{{model}}", f"{room}/{{model}}/{{version}}")
    ),
    Route("ping", "/ping", {"GET": ping}, errors="torchserve"),
)
