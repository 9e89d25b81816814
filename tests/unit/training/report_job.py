"""A finished adaptation job made up in memory: true tensors and files, invented scores. Nothing is trained."""

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pydantic import JsonValue

from contract.aliases import Alias, write_aliases
from contract.artifact import CARD, GOLDEN, MODEL, Artifact, write_artifact
from contract.manifest import Decision, Input, Manifest, Parity, Source, TensorRecord
from contract.pixels import Stretch
from training.backbone import STAGES, Architecture, ResNet
from training.data.archives import DataError
from training.data.label_sets import LABELS
from training.data.rows import Row
from training.evaluate import Scored, write_scores
from training.fit import Trial
from training.job import Data, Job
from training.metrics import average_precision
from training.network import tensor_hashes
from training.recipes import RECIPES, Recipe

NETWORK = Architecture(width=2, blocks=(1, 1, 1, 1))
SKILL = {"frozen": 1.0, "partial": 2.5, "majority": 2.6}  # how far bus scores lie above the others
THRESHOLD = 0.6


class PlainPictures:
    """A reader whose every path is one grey square; `broken` is no picture, `absent` no file."""

    def __contains__(self, name: str) -> bool:
        return "absent" not in name

    def read(self, name: str) -> bytes:
        """PNG bytes."""
        if name not in self:
            raise DataError(f"{name}: not here.")
        if "broken" in name:
            return b"no picture"
        buffer = io.BytesIO()
        Image.new("RGB", (120, 90), (90, 120, 150)).save(buffer, "PNG")
        return buffer.getvalue()


def rows(count: int = 60) -> tuple[Row, ...]:
    """A quarter buses; one photograph in ten has a set of labels. Six are validation, the rest test."""
    out = []
    for i in range(count):
        labels = {"bus"} if i % 4 == 0 else {"car", "truck"} if i % 10 == 1 else {LABELS[1 + i % 4]}
        out.append(Row(f"p/{i:04}", frozenset(labels), f"g{i // 2}", "val" if i < 6 else "test", "", "word"))
    return tuple(out)


def scores(test: str, name: str, tested: tuple[Row, ...]) -> list[Scored]:
    """Invented log-odds: noise, and the model's skill on top for a bus."""
    random = np.random.default_rng(len(name))
    out = []
    for row in tested:
        is_new = row.labels == {"bus"}
        score = float(random.normal() - 1 + SKILL[name] * is_new)
        predicted = "bus" if score > 0 else "car" if is_new else min(row.labels)
        labels = "|".join(sorted(row.labels))
        out += [
            Scored(f"made / {name}", test, row.path, row.word, row.group, labels, is_new, grey, score, predicted)
            for grey in (False, True)
        ]
    return out


def artifact(store: Path, recipe: Recipe, scored: list[Scored]) -> Artifact:
    """One artifact whose manifest holds what an adaptation would have written; its graph is no graph."""
    torch.manual_seed(0)
    backbone = ResNet(NETWORK)
    before = tensor_hashes(backbone)
    thawed = [
        name for stage in STAGES[len(STAGES) - recipe.depth :] for name in before if name.startswith(f"layer{stage[1]}")
    ]
    after = before | {name: "f" * 64 for name in thawed if "running" not in name and "num_batches" not in name}
    manifest = Manifest(
        name=recipe.name,
        version="1",
        created="2026-01-01T00:00:00+00:00",
        labels=LABELS,
        new_labels=("bus",),
        source=Source(name="tiny", sha256="0" * 64, seen_new_class="no", classes=40, terms="none"),
        architecture={"family": "resnet", "stem": NETWORK.stem, "width": NETWORK.width, "blocks": list(NETWORK.blocks)},
        recipe=recipe.name,
        depth=recipe.depth,
        training=training(recipe),
        data={"made": {"fit": 0, "val": 6, "test": 54, "sha256_test": "a" * 64}},
        input=Input(size=32, resize=Stretch()),
        decision=Decision(label="bus", threshold=THRESHOLD, at_fpr=0.01),
        temperature=1.2,
        files={},
        tensors={n: TensorRecord(before=before[n], after=after[n], frozen=n not in thawed) for n in before},
        metrics={
            "test": figures(scored),
            "forgetting": {"before": 0.5, "after": 0.5 - recipe.depth / 10, "photographs": 400},
        },
        parity=Parity(max_difference=1e-6, tolerance=1e-4, batches=(1, 2), photographs=32),
        terms="Invented.",
        libraries={"torch": "0"},
    )
    return write_artifact(store, manifest, {MODEL: b"graph", GOLDEN: b"golden", CARD: b"card"})


def figures(scored: list[Scored]) -> dict[str, JsonValue]:
    """AP as it is, its interval and one rate invented, one rate that cannot be measured."""
    out: dict[str, JsonValue] = {}
    for test in dict.fromkeys(row.test for row in scored):
        found = [row for row in scored if row.test == test and not row.grey]
        ap = average_precision(np.array([row.score for row in found]), np.array([row.is_new for row in found]))
        out[test] = {
            "AP": {"value": ap, "low": ap - 0.05, "high": min(1.0, ap + 0.05)},
            "bus -> car": {"value": 0.125, "low": 0.05, "high": 0.2},
            "bus -> truck": {"value": None, "low": None, "high": None},
        }
    return out


def training(recipe: Recipe) -> dict[str, object]:
    """Trials with curves for what is thawed; the last rate diverges."""
    curve = tuple(
        {"step": s, "train_loss": 2 / s, "val_loss": 1 + s / 1000, "val_ap": 0.5 + s / 400} for s in (50, 100)
    )
    trials = [Trial(rate, 0.7 + rate, 0.5, curve) for rate in recipe.rates[:2]] if recipe.depth else []
    record = {
        "recipe": dataclasses.asdict(recipe),
        "head_trials": [dataclasses.asdict(Trial(penalty, 0.6, 0.9, ())) for penalty in recipe.penalties],
        "trials": [dataclasses.asdict(trial) for trial in trials],
        "val": {"ap": 0.6 + recipe.depth / 10, "loss": 0.5},
        "seconds": {"cache": 1.5, "head": 2.0, "fit": 30.0 * recipe.depth},
    }
    if recipe.depth:
        record["trials"].append(
            {"setting": recipe.rates[-1], "val_ap": None, "val_loss": None, "curve": [], "diverged": True}
        )
    return json.loads(json.dumps(record))  # type: ignore[no-any-return] # tuples become lists


def finished_job(out: Path, name: str = "drawn", tests: tuple[str, ...] = ("drawn",)) -> tuple[Job, list[Artifact]]:
    """A job with its store, its scores and its alias on disk, as `run_job` leaves them."""
    parts = tuple(Data(test, rows(), PlainPictures(), f"Terms of {test}.") for test in tests)
    job = Job("tiny", Data(name, rows(), PlainPictures(), "No terms."), parts, tuple(RECIPES.values()), out)
    artifacts = []
    for recipe in job.recipes:
        tested = tuple(row for row in rows() if row.split == "test")
        scored = [row for test in tests for row in scores(test, recipe.name, tested)]
        write_scores(out / "scores" / f"{recipe.name}.csv.gz", scored)
        artifacts.append(artifact(out, recipe, scored))
    write_aliases(out, {"stable": Alias(model="majority", version="1")})
    return job, artifacts
