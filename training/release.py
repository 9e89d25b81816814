"""An adaptation and its measured figures -> one artifact in a store."""

import datetime
import importlib.metadata
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import JsonValue

from contract.artifact import CARD, GOLDEN, MODEL, Artifact, write_artifact
from contract.golden import Golden, golden_bytes
from contract.manifest import Decision, Input, Manifest, Source, TensorRecord
from contract.pixels import Stretch, to_input
from training.adapt import AT_FPR, Adaptation
from training.card import card
from training.export import check_parity, export_onnx
from training.golden_photographs import golden_photographs
from training.network import AdaptedNetwork
from training.sources.source import SourceFacts
from training.variants import Judges, make_variants

LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime", "numpy", "pillow")


@dataclass(frozen=True)
class Release:
    """What a version says beside its weights. `metrics` and `data` go into the manifest as they are."""

    name: str
    version: int
    labels: tuple[str, ...]
    source: SourceFacts
    source_sha256: str
    data: dict[str, JsonValue]
    metrics: dict[str, JsonValue]
    terms: str


def release(adaptation: Adaptation, what: Release, judges: Judges, store: Path) -> Artifact:
    """Export, check parity on the validation photographs, make the variants, write. Nothing when parity fails."""
    network, recipe = adaptation.network, adaptation.recipe
    graph = export_onnx(network, recipe.size)
    parity = check_parity(network, graph, judges.validation)
    golden = golden_of(network, recipe.size)
    decision = Decision(label=what.labels[0], threshold=adaptation.threshold, at_fpr=AT_FPR)
    lighter, variants = make_variants(graph, golden, decision, judges)
    manifest = Manifest(
        name=what.name,
        version=str(what.version),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        labels=what.labels,
        new_labels=what.labels[:1],
        source=Source(
            name=what.source.name,
            sha256=what.source_sha256,
            seen_new_class=what.source.seen_new_class,
            classes=len(what.source.classes),
            terms=what.source.terms,
        ),
        architecture=what.source.architecture,
        recipe=recipe.name,
        depth=recipe.depth,
        training=training_record(adaptation),
        data=what.data,
        input=Input(size=recipe.size, resize=Stretch()),
        decision=decision,
        temperature=adaptation.temperature,
        files={},
        tensors=_tensors(adaptation),
        metrics=what.metrics,
        parity=parity,
        variants=variants,
        terms=what.terms,
        libraries={name: importlib.metadata.version(name) for name in LIBRARIES},
    )
    files = {MODEL: graph, **lighter, GOLDEN: golden_bytes(golden), CARD: card(manifest).encode()}
    return write_artifact(store, manifest, files)


def _tensors(adaptation: Adaptation) -> dict[str, TensorRecord]:
    return {
        name: TensorRecord(before=before, after=adaptation.after[name], frozen=name in adaptation.frozen)
        for name, before in adaptation.before.items()
    }


@torch.inference_mode()
def golden_of(network: AdaptedNetwork, size: int) -> Golden:
    """Drawn photographs with torch's float32 probabilities."""
    photographs = golden_photographs()
    pixels = np.stack([to_input(data, size).rgb for data in photographs])
    return Golden(photographs, network(torch.from_numpy(pixels))[0].numpy())


def training_record(adaptation: Adaptation) -> dict[str, JsonValue]:
    """Settings, trials with their curves, seconds: what the report draws and a reader checks."""
    return {
        "recipe": plain(asdict(adaptation.recipe)),
        "head_trials": [plain(asdict(trial)) for trial in adaptation.head_trials],
        "trials": [plain(asdict(trial)) for trial in adaptation.trials],
        "val": plain({"ap": adaptation.val_ap, "loss": adaptation.val_loss}),
        "seconds": plain(adaptation.seconds),
    }


def plain(value: Any) -> JsonValue:  # noqa: ANN401 - whatever a dataclass holds
    """What JSON can hold: tuples become lists; NaN and infinity are none, a figure that does not exist is null."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
