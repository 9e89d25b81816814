"""The protocol's part of /openapi.json."""

from pydantic import TypeAdapter

from serving.inference_protocol.documents import InferAnswer, InferRequest, ModelMetadata, ServerMetadata
from serving.messages import JSON
from serving.openapi_parts import (
    BINARY,
    PHOTOGRAPH_STATUSES,
    REF,
    Document,
    answer,
    any_refusal,
    deadline_parameters,
    operation,
    path_values,
    ref,
    refusals,
)

_EXAMPLE = {"inputs": [{"name": "image_bytes", "shape": [1], "datatype": "BYTES", "data": ["<base64>"]}]}
_BINARY: Document = BINARY | {"description": "JSON, then the tensors; Inference-Header-Content-Length parts them."}
_LENGTH: Document = {
    "name": "Inference-Header-Content-Length",
    "in": "header",
    "description": "Bytes of the JSON where binary tensors follow it.",
    "schema": {"type": "integer", "minimum": 1},
}
_ERROR: Document = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}


def inference_schemas() -> Document:
    """What the paths refer to."""
    schemas: Document = {
        "InferenceError": _ERROR,
        "ServerLive": _flags(live="boolean"),
        "ServerReady": _flags(ready="boolean"),
        "ModelReady": _flags(name="string", ready="boolean"),
    }
    for kind in (InferRequest, InferAnswer, ModelMetadata, ServerMetadata):
        schema = TypeAdapter(kind).json_schema(ref_template=REF + "{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[kind.__name__] = schema
    return schemas


def inference_paths() -> Document:
    """Health and metadata of the server, then of a model, then infer."""
    paths: Document = {
        "/v2": _get("server_metadata", "The server and its extensions", "ServerMetadata"),
        "/v2/health/live": _get("server_live", "The process works", "ServerLive"),
        "/v2/health/ready": _get("server_ready", "Photographs may be sent", "ServerReady"),
    }
    for names in (("model",), ("model", "version")):
        path = "/v2/models/{model}" + "/versions/{version}" * (len(names) - 1)
        suffix = "_of_version" * (len(names) - 1)
        paths[path] = _get("model_metadata" + suffix, "Tensors and labels of a model", "ModelMetadata", *names)
        paths[path + "/ready"] = _get("model_ready" + suffix, "The model answers", "ModelReady", *names)
        paths[path + "/infer"] = {"post": _infer("infer" + suffix, *names)}
    return paths


def _get(name: str, summary: str, schema: str, *values: str) -> Document:
    responses = {"200": answer("Yes.", ref(schema)), **any_refusal("inference")}
    return {"get": operation("inference", name, summary, parameters=path_values(*values), responses=responses)}


def _infer(name: str, *values: str) -> Document:
    given = answer("Tensors, in JSON or behind it.", ref("InferAnswer"))
    given["content"]["application/octet-stream"] = {"schema": _BINARY}
    return operation(
        "inference",
        name,
        "Tensors or encoded photographs in, tensors out",
        "One photograph that cannot be read refuses the request and is named: the protocol knows no answer in part.",
        parameters=[*path_values(*values), _LENGTH, *deadline_parameters()],
        requestBody={
            "required": True,
            "description": "`images` as the graph takes them or `image_bytes` as files.",
            "content": {
                JSON: {"schema": ref("InferRequest"), "example": _EXAMPLE},
                "application/octet-stream": {"schema": _BINARY},
            },
        },
        responses={"200": given, **refusals(PHOTOGRAPH_STATUSES, "inference")},
    )


def _flags(**kinds: str) -> Document:
    properties = {name: {"type": kind} for name, kind in kinds.items()}
    return {"type": "object", "required": list(kinds), "properties": properties}
