"""What the descriptions of all routes are put together from."""

from collections.abc import Iterable, Mapping
from typing import Any

from serving.errors import KINDS
from serving.messages import JSON, PROBLEM
from serving.parameters import LONGEST_TIMEOUT_MS

Document = dict[str, Any]
REF = "#/components/schemas/"
PHOTOGRAPH_STATUSES = (400, 404, 408, 413, 415, 417, 422, 429, 431, 500, 503, 504)
# A form of refusal, as routes name it -> its schema and content type.
FORMS = {
    "problem": ("Problem", PROBLEM),
    "torchserve": ("TorchServeError", JSON),
    "inference": ("InferenceError", JSON),
}
BINARY = {"type": "string", "format": "binary"}  # what generators take for bytes, in 3.1 as in 3.0
_BASE64 = {"type": "string", "contentEncoding": "base64"}
_EXAMPLES = {"model": "partial", "version": "1"}


def operation(tag: str, name: str, summary: str, description: str = "", **rest: object) -> Document:
    """name: what generated clients call it."""
    words = {"summary": summary, **({"description": description} if description else {})}
    return {"tags": [tag], "operationId": name, **words, **rest}


def query(name: str, description: str, schema: Mapping[str, object], example: object) -> Document:
    """A parameter behind the question mark."""
    return {"name": name, "in": "query", "description": description, "schema": schema, "example": example}


def path_values(*names: str) -> list[Document]:
    """model, version: the braces of a path."""
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": _EXAMPLES[name]}
        for name in names
    ]


def photograph_parameters() -> list[Document]:
    """Of every route that answers photographs in our own words."""
    top_k = {"type": "integer", "minimum": 1, "maximum": 1000}
    return [
        query("top_k", "Only the labels with the highest scores.", top_k, 3),
        query("explain", "`cam` adds the class activation map.", {"type": "string", "enum": ["cam"]}, "cam"),
        *deadline_parameters(),
    ]


def deadline_parameters() -> list[Document]:
    """Of every route that takes photographs."""
    timeout = {"type": "integer", "minimum": 1, "maximum": LONGEST_TIMEOUT_MS}
    return [
        query("timeout_ms", "Age at which the answer is worthless; a 504 then.", timeout, 1000),
        _header("X-Request-Timeout-Ms", "As timeout_ms, for gateways.", timeout),
        _header("X-Request-Id", "Returned, or made.", {"type": "string"}),
        _header("traceparent", "W3C trace context: logged and returned.", {"type": "string"}),
    ]


def _header(name: str, description: str, schema: Mapping[str, object]) -> Document:
    return {"name": name, "in": "header", "description": description, "schema": schema}


def photograph_body() -> Document:
    """Bytes, form or JSON."""
    one_or_many = {"oneOf": [ref("OnePhotograph"), ref("SeveralPhotographs")]}
    return {
        "required": True,
        "description": "The file's bytes, a form with files, or base64 in JSON.",
        "content": {
            "image/*": {"schema": BINARY},
            "application/octet-stream": {"schema": BINARY},
            "multipart/form-data": {"schema": ref("PhotographForm")},
            JSON: {"schema": one_or_many, "example": {"image": "<base64>"}},
        },
    }


def photograph_schemas() -> Document:
    """What `photograph_body` refers to."""
    form = {"type": "object", "properties": {"image": {"type": "array", "items": BINARY}}, "required": ["image"]}
    one = {"image": _BASE64}
    many = {"images": {"type": "array", "minItems": 1, "items": _BASE64}}
    return {
        "OnePhotograph": {"type": "object", "required": ["image"], "additionalProperties": False, "properties": one},
        "SeveralPhotographs": {
            "type": "object",
            "description": "One that cannot be read fails alone.",
            "required": ["images"],
            "additionalProperties": False,
            "properties": many,
        },
        "PhotographForm": form,
    }


def refusals(statuses: Iterable[int], form: str = "problem") -> Document:
    """A response for each status, worded from the table of refusals; statuses are those of our own routes."""
    schema, content_type = FORMS[form]
    titles: dict[int, list[str]] = {}
    for kind in KINDS.values():
        if kind.status in statuses:
            status = kind.torchserve_status or kind.status if form == "torchserve" else kind.status
            titles.setdefault(status, []).append(kind.title)
    return {str(status): answer("; ".join(words) + ".", ref(schema), content_type) for status, words in titles.items()}


def any_refusal(form: str = "problem") -> Document:
    """Of routes that take nothing: what can go wrong with any request at all."""
    schema, content_type = FORMS[form]
    return {"default": answer("Refused, and why.", ref(schema), content_type)}


def answer(description: str, schema: Document, content_type: str = JSON) -> Document:
    """A response of one content type."""
    return {"description": description, "content": {content_type: {"schema": schema}}}


def ref(name: str) -> Document:
    """A schema of the document."""
    return {"$ref": REF + name}
