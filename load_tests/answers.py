"""What servers answer: the top label in each of the known forms, and the time each of their steps took."""

import json
import re
from collections.abc import Mapping
from typing import Any

SHED_STATUSES = (429, 503)
_DURATION = re.compile(r"([A-Za-z0-9_.-]+)\s*(?:;[^,;]*)*?;\s*dur=([0-9.]+)")


class Unreadable(ValueError):
    """An answer in none of the known forms."""


def top_labels(body: bytes) -> tuple[str, ...]:
    """The label with the highest score for each photograph of a request, in order.

    Forms: `{"predictions": [{"label", "score"}]}` (ours), `[{"label", "score"}]` (Hugging Face), `{"bus": 0.9}`
    (TorchServe), Open Inference Protocol with a BYTES output of labels, and `{"results": [...]}` or a list of any.
    Raises Unreadable.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise Unreadable(f"the answer is no JSON: {body[:60]!r}") from error
    many = document.get("results") if isinstance(document, dict) else document
    if isinstance(many, list) and not _is_scores(many):
        return tuple(_top(item) for item in many)
    return (_top(document),)


def compared_labels(body: bytes) -> dict[str, str]:
    """The top label of each model in an answer of /compare. Raises Unreadable."""
    try:
        return {name: _top(answer) for name, answer in json.loads(body)["models"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(f"the answer has no `models`: {body[:60]!r}") from error


def stage_times(header: str) -> dict[str, float]:
    """Server-Timing -> milliseconds by step; empty where the server sends none."""
    return {name: float(value) for name, value in _DURATION.findall(header)} if header else {}


def inference_labels(body: bytes) -> tuple[str, ...]:
    """Top labels of an Open Inference answer. Raises Unreadable where it has none."""
    try:
        return _inference(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(f"the answer is no Open Inference answer with labels: {body[:60]!r}") from error


def has_labels(body: bytes) -> bool:
    """Whether an Open Inference answer carries labels (BYTES) and not only scores."""
    return b'"BYTES"' in body


def _inference(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The last part of each `score:index:label`, the form of the classification extension, or the string itself."""
    output = next((output for output in document["outputs"] if output["datatype"] == "BYTES" and output["data"]), None)
    if output is None:
        raise Unreadable("the answer has no BYTES output with labels")
    rows = output["shape"][0] if len(output["shape"]) > 1 else len(output["data"])
    width = len(output["data"]) // max(rows, 1)
    return tuple(str(output["data"][row * width]).rpartition(":")[2] for row in range(rows))


def _is_scores(items: list[object]) -> bool:
    return bool(items) and all(isinstance(item, dict) and "label" in item and "score" in item for item in items)


def _top(document: object) -> str:
    if isinstance(document, dict) and "predictions" in document:
        document = document["predictions"]
    if isinstance(document, list) and _is_scores(document):
        return str(max(document, key=lambda item: item["score"])["label"])
    if isinstance(document, dict) and "outputs" in document:
        return _inference(document)[0]
    if isinstance(document, dict):
        scores = {name: value for name, value in document.items() if isinstance(value, int | float)}
        if scores:
            return str(max(scores, key=lambda name: scores[name]))
    raise Unreadable(f"the answer names no label: {json.dumps(document)[:80]}")
