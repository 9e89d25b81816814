"""/openapi.json: made from the types of the answers, the table of refusals and the limits in force."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from serving.answer import Answer, Comparison, ModelList
from serving.errors import KINDS
from serving.messages import JSON, PROBLEM
from serving.settings import Settings

Document = dict[str, Any]
VERSION = "1.0.0"  # of the interface: the first number changes when a client would break
_REF = "#/components/schemas/"

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
_FILE = {"type": "string", "contentMediaType": "image/jpeg"}
_BASE64 = {"type": "string", "contentEncoding": "base64"}


@cache
def openapi_document(settings: Settings) -> Document:
    """OpenAPI 3.1. The same object each time for the same settings."""
    limits = f"At most {settings.max_body_bytes:,} bytes and {settings.max_pixels:,} pixels; JPEG, PNG, WebP or GIF."
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Thaw",
            "version": VERSION,
            "description": f"Which vehicle is on a photograph, by models thawed to different depths. {limits}",
        },
        "tags": [
            {"name": "photographs", "description": "Answers."},
            {"name": "TorchServe", "description": "The inference API of TorchServe, for its clients."},
            {"name": "operation", "description": "Health and metrics."},
        ],
        "paths": {**_photograph_paths(), **_torchserve_paths(), **_operation_paths()},
        "components": {"schemas": _schemas()},
        "x-problems": [{"name": kind.name, "status": kind.status, "title": kind.title} for kind in KINDS.values()],
    }


def _schemas() -> Document:
    schemas: Document = {"Problem": _PROBLEM_SCHEMA, "TorchServeError": _TORCHSERVE_ERROR, "Health": _HEALTH}
    for name, kind in (("Answer", Answer), ("Comparison", Comparison), ("ModelList", ModelList)):
        schema = TypeAdapter(kind).json_schema(ref_template=_REF + "{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[name] = schema
    return schemas


def _photograph_paths() -> Document:
    model = _query("model", "A model or an alias; `stable` when left out.", {"type": "string"}, "partial")
    return {
        "/predict": {
            "post": _operation(
                "photographs",
                "Classify a photograph",
                "Several photographs are answered with `results`, each an answer or its problem, in order.",
                parameters=[model, *_parameters()],
                requestBody=_body(),
                responses={"200": _answer("The answer.", _one_or_many("Answer")), **_refusals(_PHOTOGRAPH_STATUSES)},
            )
        },
        "/compare": {
            "post": _operation(
                "photographs",
                "Classify a photograph with every model",
                "It is decoded once.",
                parameters=_parameters(),
                requestBody=_body(),
                responses={
                    "200": _answer("The answers.", _one_or_many("Comparison")),
                    **_refusals(_PHOTOGRAPH_STATUSES),
                },
            )
        },
        "/models": {
            "get": _operation("photographs", "Loaded models", responses={"200": _answer("All.", _ref("ModelList"))})
        },
    }


_PHOTOGRAPH_STATUSES = (400, 404, 408, 413, 415, 422, 429, 500, 503, 504)


def _torchserve_paths() -> Document:
    scores = {"type": "object", "description": "Label -> probability, highest first.", "additionalProperties": True}
    one_or_list = {"anyOf": [scores, {"type": "array", "items": scores}]}
    errors = [503 if status == 429 else status for status in _PHOTOGRAPH_STATUSES]
    paths: Document = {}
    for path, names in (("/predictions/{model}", ["model"]), ("/predictions/{model}/{version}", ["model", "version"])):
        values = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": example}
            for name, example in zip(names, ("partial", "1"), strict=False)
        ]
        responses = {"200": _answer("Label -> probability.", one_or_list), **_refusals(errors, "TorchServeError", JSON)}
        paths[path] = {
            method: _operation(
                "TorchServe",
                "Classify a photograph",
                parameters=[*values, *_parameters()],
                requestBody=_body(),
                responses=responses,
            )
            for method in ("post", "put")
        }
    health = {"200": _answer("Healthy.", _ref("Health")), "500": _answer("Unhealthy.", _ref("Health"))}
    return {**paths, "/ping": {"get": _operation("TorchServe", "Health", responses=health)}}


def _operation_paths() -> Document:
    words = {"/livez": "The process works", "/readyz": "Photographs may be sent", "/startupz": "The start is over"}
    paths: Document = {}
    for path, summary in words.items():
        health = {"200": _answer("Yes.", _ref("Health")), "503": _answer("No, and why.", _ref("Problem"), PROBLEM)}
        paths[path] = {"get": _operation("operation", summary, responses=health)}
    text = {"description": "Text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    paths["/metrics"] = {"get": _operation("operation", "Metrics for Prometheus", responses={"200": text})}
    return paths


def _operation(tag: str, summary: str, description: str = "", **rest: object) -> Document:
    return {"tags": [tag], "summary": summary, **({"description": description} if description else {}), **rest}


def _parameters() -> list[Document]:
    timeout = {"type": "integer", "minimum": 1, "maximum": 3_600_000}
    return [
        _query(
            "top_k", "Only the labels with the highest scores.", {"type": "integer", "minimum": 1, "maximum": 1000}, 3
        ),
        _query("explain", "`cam` adds the class activation map.", {"type": "string", "enum": ["cam"]}, "cam"),
        _query("timeout_ms", "Age at which the answer is worthless; a 504 then.", timeout, 1000),
        {
            "name": "X-Request-Timeout-Ms",
            "in": "header",
            "description": "As timeout_ms, for gateways.",
            "schema": timeout,
        },
        {"name": "X-Request-Id", "in": "header", "description": "Returned, or made.", "schema": {"type": "string"}},
    ]


def _query(name: str, description: str, schema: Mapping[str, object], example: object) -> Document:
    return {"name": name, "in": "query", "description": description, "schema": schema, "example": example}


def _body() -> Document:
    one = {"type": "object", "required": ["image"], "additionalProperties": False, "properties": {"image": _BASE64}}
    images = {"type": "array", "minItems": 1, "items": _BASE64}
    many = {"type": "object", "required": ["images"], "additionalProperties": False, "properties": {"images": images}}
    form = {"type": "object", "properties": {"image": {"type": "array", "items": _FILE}}, "required": ["image"]}
    return {
        "required": True,
        "description": "The file's bytes, a form with files, or base64 in JSON.",
        "content": {
            "image/*": {"schema": {}},
            "application/octet-stream": {"schema": {}},
            "multipart/form-data": {"schema": form},
            JSON: {"schema": {"oneOf": [one, many]}, "example": {"image": "<base64>"}},
        },
    }


def _one_or_many(name: str) -> Document:
    items = {"anyOf": [_ref(name), _ref("Problem")]}
    results = {"type": "array", "items": items}
    return {"oneOf": [_ref(name), {"type": "object", "required": ["results"], "properties": {"results": results}}]}


def _refusals(statuses: Iterable[int], schema: str = "Problem", content_type: str = PROBLEM) -> Document:
    titles: dict[int, list[str]] = {}
    for kind in KINDS.values():
        status = kind.status if schema == "Problem" else kind.torchserve_status or kind.status
        titles.setdefault(status, []).append(kind.title)
    return {
        str(status): _answer("; ".join(titles[status]) + ".", _ref(schema), content_type)
        for status in dict.fromkeys(statuses)
    }


def _answer(description: str, schema: Document, content_type: str = JSON) -> Document:
    return {"description": description, "content": {content_type: {"schema": schema}}}


def _ref(name: str) -> Document:
    return {"$ref": _REF + name}
