"""Answers as clients see them. The types are the schema: /openapi.json is made from them."""

import time
from typing import NotRequired

from typing_extensions import TypedDict  # typing's own cannot be made into a schema before Python 3.12

from contract.answer import ranked
from contract.manifest import Manifest
from serving.lanes import Job, Result
from serving.parameters import Options
from serving.store import Model, Models


class Prediction(TypedDict):
    """One label with its probability, never rounded."""

    label: str
    score: float


Decision = TypedDict("Decision", {"label": str, "is": bool, "threshold": float, "at_fpr": float})
Decision.__doc__ = "Whether the photograph counts as the new class, by the manifest's threshold."


class Timings(TypedDict):
    """Milliseconds of this photograph; `infer` is that of the batch it was in."""

    queue: float
    decode: float
    infer: float
    total: float


class Answer(TypedDict):
    """One photograph through one model."""

    model: str
    version: str
    variant: str
    provider: str
    predictions: list[Prediction]
    decision: Decision
    timings_ms: Timings
    notes: NotRequired[list[str]]
    activation_map: NotRequired[dict[str, list[list[float]]]]


class Comparison(TypedDict):
    """One photograph through every model, by name."""

    models: dict[str, Answer]


class ModelSummary(TypedDict):
    """What a client needs to know about a loaded model."""

    name: str
    version: str
    variant: str
    default: bool
    aliases: list[str]
    provider: str
    labels: list[str]
    new_labels: list[str]
    recipe: str
    depth: int
    source: str
    seen_new_class: str
    input_size: int
    resize: dict[str, object]
    threshold: float
    at_fpr: float
    terms: str


class RefusedVersion(TypedDict):
    """What the store holds or says and the server does not follow: a damaged version, an alias that leads nowhere."""

    subject: str
    reason: str
    detail: str


class ModelList(TypedDict):
    """Every loaded version, where the aliases in force point, and what was refused."""

    models: list[ModelSummary]
    aliases: dict[str, dict[str, str | float]]
    refused: list[RefusedVersion]


def sorted_scores(result: Result) -> list[Prediction]:
    """Highest first; equal scores in the manifest's order of labels."""
    scores = ranked(result.model.manifest.labels, result.probabilities)
    return [{"label": label, "score": score} for label, score in scores.items()]


def answer_of(job: Job, result: Result, options: Options) -> Answer:
    """The envelope around one result."""
    predictions = sorted_scores(result)
    answer: Answer = {
        "model": result.model.manifest.name,
        "version": result.model.manifest.version,
        "variant": result.model.variant,
        "provider": result.model.engine.provider,
        "predictions": predictions[: options.top_k],
        "decision": decide(result.model.manifest, predictions),
        "timings_ms": {
            "queue": _ms(job.queue_s),
            "decode": _ms(job.decode_s),
            "infer": _ms(result.infer_s),
            "total": _ms(time.perf_counter() - job.queued_at),
        },
    }
    if job.notes:
        answer["notes"] = list(job.notes)
    if result.activation_map is not None:
        answer["activation_map"] = grid_by_label(result)
    return answer


def decide(manifest: Manifest, predictions: list[Prediction]) -> Decision:
    """Yes from the threshold on."""
    rule = manifest.decision
    score = next(prediction["score"] for prediction in predictions if prediction["label"] == rule.label)
    return {"label": rule.label, "is": score >= rule.threshold, "threshold": rule.threshold, "at_fpr": rule.at_fpr}


def grid_by_label(result: Result) -> dict[str, list[list[float]]]:
    """Class activation map: label -> h rows of w values, the graph's own numbers."""
    grids = [] if result.activation_map is None else result.activation_map.tolist()
    return dict(zip(result.model.manifest.labels, grids, strict=False))


def model_list(models: Models) -> ModelList:
    """Summary for GET /models."""
    return {
        "models": [_summary(model, models) for model in models.all()],
        "aliases": {name: alias.model_dump(exclude_none=True) for name, alias in models.aliases.items()},
        "refused": [
            {"subject": each.subject, "reason": each.reason, "detail": each.detail}
            for each in models.refused
            if each.is_certain
        ],
    }


def _summary(model: Model, models: Models) -> ModelSummary:
    manifest = model.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "variant": model.variant,
        "default": models.default_versions[manifest.name] is model,
        "aliases": [name for name, alias in models.aliases.items() if alias.key == model.key],
        "provider": model.engine.provider,
        "labels": list(manifest.labels),
        "new_labels": list(manifest.new_labels),
        "recipe": manifest.recipe,
        "depth": manifest.depth,
        "source": manifest.source.name,
        "seen_new_class": manifest.source.seen_new_class,
        "input_size": manifest.input.size,
        "resize": manifest.input.resize.model_dump(),
        "threshold": manifest.decision.threshold,
        "at_fpr": manifest.decision.at_fpr,
        "terms": manifest.terms,
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
