"""The protocol's routes: health, metadata, infer. Photographs go the same way as those of /predict."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from serving import INTERFACE_VERSION
from serving.bodies import Photographs
from serving.errors import Refusal
from serving.inference_protocol.answers import JSON_LENGTH, infer_response, wanted_outputs
from serving.inference_protocol.documents import (
    ENCODED,
    PIXELS,
    InferRequest,
    ModelMetadata,
    ServerMetadata,
    parse_request,
)
from serving.inference_protocol.tensors import read_photographs
from serving.lanes import Job
from serving.messages import Request, Response, json_response
from serving.parameters import read_options
from serving.routes import Route, run_jobs
from serving.store import Model

if TYPE_CHECKING:
    from serving.app import App

INFERENCE_PREFIX = "/v2/"
EXTENSIONS = ("binary_tensor_data", "classification")
# Numbers in JSON take 10 ms of parsing for each megabyte; from here on another thread does it.
LONG_JSON = 100_000


async def infer(app: "App", request: Request, values: Mapping[str, str]) -> Response:
    """POST /v2/models/{model}[/versions/{version}]/infer: all photographs are answered, or the request is refused."""
    options = read_options(request.query, request.header("x-request-timeout-ms"), ("timeout_ms",))
    model = _model(app, request, values)
    request.model = model.key
    read = partial(_read, request.body, request.header(JSON_LENGTH), model, app.pipeline.slots.total)
    is_long = len(request.body) > LONG_JSON and not request.header(JSON_LENGTH)
    asked, photographs = await asyncio.to_thread(read) if is_long else read()
    if asked.parameters.timeout and options.timeout_ms is None:
        options = replace(options, timeout_ms=max(1, asked.parameters.timeout // 1000))
    explain = any(output.name == "activation_map" for output in wanted_outputs(asked))
    outcomes = await run_jobs(app, request, photographs, (model,), replace(options, explain=explain))
    jobs = [_whole(outcome, place) for place, outcome in enumerate(outcomes)]
    return infer_response(asked, model, [job.results[0] for job in jobs])


def _read(body: bytes, json_length: str, model: Model, limit: int) -> tuple[InferRequest, Photographs]:
    """limit: most photographs in one request. Raises Refusal for whatever is wrong with the body."""
    if not body:
        raise Refusal("empty", "The body is empty. Expected the JSON of an inference request.")
    head = len(body)
    if json_length:
        if not (json_length.isascii() and json_length.isdecimal() and 0 < int(json_length[:12]) <= head):
            raise Refusal(
                "malformed-body",
                f"{JSON_LENGTH}: {json_length[:20]!r} is no length within the body of {head} bytes. Give the JSON's.",
            )
        head = int(json_length)
    asked = parse_request(body[:head])
    items = read_photographs(asked.inputs[0], memoryview(body)[head:], model.manifest.input.size)
    if not items:
        raise Refusal("empty", f"`{asked.inputs[0].name}` holds no photograph. Send at least one.")
    if len(items) > limit:
        raise Refusal("too-many-photographs", f"{len(items)} photographs in one request; at most {limit}. Send fewer.")
    return asked, Photographs(items, many=True)


def _whole(outcome: Job | Refusal, place: int) -> Job:
    """The protocol knows no answer in part: the first photograph that fails is the request's failure, by name."""
    if isinstance(outcome, Job):
        return outcome
    raise Refusal(outcome.kind.name, f"Photograph {place}: {outcome.detail}", retry_after_s=outcome.retry_after_s)


async def server_live(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """GET /v2/health/live."""
    _refuse(app.pipeline.scheduler.stuck(app.settings.lane_stuck_s))
    return json_response({"live": True})


async def server_ready(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """GET /v2/health/ready."""
    _refuse(app.pipeline.trouble())
    return json_response({"ready": True})


async def model_ready(app: "App", request: Request, values: Mapping[str, str]) -> Response:
    """GET /v2/models/{model}[/versions/{version}]/ready: a loaded model is as ready as the server."""
    model = _model(app, request, values)
    _refuse(app.pipeline.trouble())
    return json_response({"name": model.manifest.name, "ready": True})


async def server_metadata(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """GET /v2."""
    provider = app.pipeline.models.one_each()[0].engine.provider
    document: ServerMetadata = {
        "name": "thaw",
        "version": INTERFACE_VERSION,
        "extensions": list(EXTENSIONS),
        "provider": provider,
    }
    return json_response(document)


async def model_metadata(app: "App", request: Request, values: Mapping[str, str]) -> Response:
    """GET /v2/models/{model}[/versions/{version}]."""
    model = _model(app, request, values)
    manifest = model.manifest
    versions = [each.manifest.version for each in app.pipeline.models.all() if each.manifest.name == manifest.name]
    size, labels = manifest.input.size, len(manifest.labels)
    document: ModelMetadata = {
        "name": manifest.name,
        "versions": versions,
        "platform": "onnxruntime_onnx",
        "inputs": [
            {"name": PIXELS, "datatype": "UINT8", "shape": [-1, size, size, 3]},
            {"name": ENCODED, "datatype": "BYTES", "shape": [-1]},
        ],
        "outputs": [
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, labels]},
            {"name": "logits", "datatype": "FP32", "shape": [-1, labels]},
            {"name": "activation_map", "datatype": "FP32", "shape": [-1, labels, -1, -1]},
        ],
        "parameters": {
            "labels": list(manifest.labels),
            "decision_label": manifest.decision.label,
            "decision_threshold": manifest.decision.threshold,
            "variant": model.variant,
        },
    }
    return json_response(document)


def _model(app: "App", request: Request, values: Mapping[str, str]) -> Model:
    return app.pipeline.models.find(values["model"], values.get("version"), request_id=request.request_id)


def _refuse(trouble: str | None) -> None:
    if trouble is not None:
        raise Refusal("not-ready", f"Not ready: {trouble}. Ask again in a few seconds; the log says more.")


_MODEL = "/v2/models/{model}"
_VERSION = _MODEL + "/versions/{version}"
INFERENCE = (
    *(
        Route("inference", path + "/infer", {"POST": infer}, takes_photograph=True, errors="inference")
        for path in (_MODEL, _VERSION)
    ),
    *(
        Route("inference-metadata", path, {"GET": handler}, errors="inference")
        for path, handler in (
            ("/v2", server_metadata),
            ("/v2/health/live", server_live),
            ("/v2/health/ready", server_ready),
            (_MODEL, model_metadata),
            (_MODEL + "/ready", model_ready),
            (_VERSION, model_metadata),
            (_VERSION + "/ready", model_ready),
        )
    ),
)
