"""/openapi.json: made from the types of the answers, the table of refusals and the limits in force."""

from functools import cache

from pydantic import TypeAdapter

from serving import INTERFACE_VERSION
from serving.admin import Activation
from serving.answer import Answer, Comparison, ModelList
from serving.errors import KINDS
from serving.inference_protocol.openapi import inference_paths, inference_schemas
from serving.messages import PROBLEM
from serving.openapi_parts import (
    PHOTOGRAPH_STATUSES,
    REF,
    Document,
    answer,
    any_refusal,
    deadline_parameters,
    operation,
    path_values,
    photograph_body,
    photograph_parameters,
    photograph_schemas,
    query,
    ref,
    refusals,
)
from serving.settings import Settings

_PROBLEM_SCHEMA: Document = {
    "type": "object",
    "description": "Problem details of RFC 9457. `detail` says what was wrong, what was expected and what to do.",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "enum": [f"/docs#{name}" for name in KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
    },
}
_TORCHSERVE_ERROR: Document = {
    "type": "object",
    "required": ["code", "type", "message"],
    "properties": {"code": {"type": "integer"}, "type": {"type": "string"}, "message": {"type": "string"}},
}
_HEALTH: Document = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"type": "string"}},
}
_GRIDS: Document = {
    "type": "object",
    "description": "Label -> rows of the class activation map.",
    "additionalProperties": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
}
_SCORES: Document = {
    "type": "object",
    "description": "Label -> probability, highest first; with `explain=cam` also `activation_map`.",
    "properties": {"activation_map": _GRIDS},
    "additionalProperties": {"type": "number"},
}


@cache
def openapi_document(settings: Settings) -> Document:
    """OpenAPI 3.1. The same object each time for the same settings."""
    limits = f"At most {settings.max_body_bytes:,} bytes and {settings.max_pixels:,} pixels; JPEG, PNG, WebP or GIF."
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Thaw",
            "version": INTERFACE_VERSION,
            "description": f"Which vehicle is on a photograph, by models thawed to different depths. {limits}",
        },
        "tags": [
            {"name": "photographs", "description": "Answers."},
            {"name": "TorchServe", "description": "The inference API of TorchServe, for its clients."},
            {
                "name": "inference",
                "description": "The Open Inference Protocol, version 2: Triton's and KServe's clients.",
            },
            {"name": "operation", "description": "Health and metrics."},
            {"name": "administration", "description": "Closed without THAW_ADMIN_KEY."},
        ],
        "paths": {
            **_photograph_paths(),
            **_torchserve_paths(),
            **inference_paths(),
            **_operation_paths(),
            **_admin_paths(),
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"adminKey": {"type": "http", "scheme": "bearer"}},
        },
        "x-problems": [{"name": kind.name, "status": kind.status, "title": kind.title} for kind in KINDS.values()],
    }


def _schemas() -> Document:
    schemas: Document = {
        "Problem": _PROBLEM_SCHEMA,
        "TorchServeError": _TORCHSERVE_ERROR,
        "TorchServeScores": _SCORES,
        "TorchServeExplanation": _GRIDS,
        "Health": _HEALTH,
        "Answers": _results("Answer"),
        "Comparisons": _results("Comparison"),
        **photograph_schemas(),
        **inference_schemas(),
    }
    types = {"Answer": Answer, "Comparison": Comparison, "ModelList": ModelList, "Activation": Activation}
    for name, kind in types.items():
        schema = TypeAdapter(kind).json_schema(ref_template=REF + "{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[name] = schema
    return schemas


def _photograph_paths() -> Document:
    model = query("model", "A model or an alias; `stable` when left out.", {"type": "string"}, "partial")
    version = query("version", "Of the model; the active one when left out.", {"type": "string"}, "1")
    named = query("models", "NAME or NAME/VERSION with commas between.", {"type": "string"}, "frozen,partial/1")
    predict = operation(
        "photographs",
        "predict",
        "Classify a photograph",
        "Several photographs are answered with `results`, each an answer or its problem, in order.",
        parameters=[model, version, *photograph_parameters()],
        requestBody=photograph_body(),
        responses={
            "200": answer("The answer.", {"anyOf": [ref("Answer"), ref("Answers")]}),
            **refusals(PHOTOGRAPH_STATUSES),
        },
    )
    compare = operation(
        "photographs",
        "compare",
        "Classify a photograph with every model",
        "It is decoded once. The answers are by the names that were asked for.",
        parameters=[named, *photograph_parameters()],
        requestBody=photograph_body(),
        responses={
            "200": answer("The answers.", {"anyOf": [ref("Comparison"), ref("Comparisons")]}),
            **refusals(PHOTOGRAPH_STATUSES),
        },
    )
    responses = {"200": answer("All.", ref("ModelList")), **any_refusal()}
    models = operation("photographs", "models", "Loaded models", responses=responses)
    return {"/predict": {"post": predict}, "/compare": {"post": compare}, "/models": {"get": models}}


def _torchserve_paths() -> Document:
    paths: Document = {}
    for room, summary, schema, parameters in (
        ("predictions", "Classify a photograph", "TorchServeScores", photograph_parameters()),
        ("explanations", "Class activation map of a photograph", "TorchServeExplanation", deadline_parameters()),
    ):
        many = {"type": "array", "items": {"anyOf": [ref(schema), ref("TorchServeError")]}}
        responses = {
            "200": answer("One, or a list for several photographs.", {"anyOf": [ref(schema), many]}),
            **refusals(PHOTOGRAPH_STATUSES, "torchserve"),
        }
        for names in (("model",), ("model", "version")):
            path = f"/{room}/" + "/".join(f"{{{name}}}" for name in names)
            paths[path] = {
                method: operation(
                    "TorchServe",
                    f"torchserve_{room}{'_of_version' * (len(names) - 1)}{'_put' * (method == 'put')}",
                    summary,
                    parameters=[*path_values(*names), *parameters],
                    requestBody=photograph_body(),
                    responses=responses,
                )
                for method in ("post", "put")
            }
    health = {"200": answer("Healthy.", ref("Health")), "500": answer("Unhealthy.", ref("Health"))}
    health |= any_refusal("torchserve")
    return {**paths, "/ping": {"get": operation("TorchServe", "ping", "Health", responses=health)}}


def _operation_paths() -> Document:
    words = {"livez": "The process works", "readyz": "Photographs may be sent", "startupz": "The start is over"}
    paths: Document = {}
    for name, summary in words.items():
        health = {"200": answer("Yes.", ref("Health")), "503": answer("No, and why.", ref("Problem"), PROBLEM)}
        paths[f"/{name}"] = {"get": operation("operation", name, summary, responses=health | any_refusal())}
    text = {"200": answer("Text format.", {"type": "string"}, "text/plain")}
    metrics = operation("operation", "metrics", "Metrics for Prometheus", responses=text | any_refusal())
    return {**paths, "/metrics": {"get": metrics}}


def _results(name: str) -> Document:
    results = {"type": "array", "items": {"anyOf": [ref(name), ref("Problem")]}}
    return {"type": "object", "required": ["results"], "properties": {"results": results}}


def _admin_paths() -> Document:
    responses = {"200": answer("Done.", ref("Activation")), **refusals((401, 403, 404, 409, 500)), **any_refusal()}
    security: list[Document] = [{"adminKey": []}]
    verbs = {
        "/admin/models/{model}/versions/{version}:activate": ("activate", "Prove a version and let it answer"),
        "/admin/models/{model}:rollback": ("rollback", "Back to the version before"),
    }
    paths: Document = {}
    for path, (name, summary) in verbs.items():
        names = [each for each in ("model", "version") if "{" + each + "}" in path]
        post = operation("administration", name, summary, parameters=path_values(*names), responses=responses)
        paths[path] = {"post": post | {"security": security}}
    return paths
