"""One adaptation job: a source, a split, recipes -> artifacts, stored scores and a report, from wherever it stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from pydantic import JsonValue

from contract.aliases import STABLE, Alias, read_aliases, write_aliases
from contract.artifact import Artifact, read_artifact
from training.adapt import Adaptation, adapt
from training.data.archives import DataError
from training.data.collections import Reader
from training.data.rows import Row
from training.evaluate import Scored, TestSet, evaluate, read_scores, write_scores
from training.forgetting import OldTask, old_top1, source_network
from training.metrics import Interval
from training.progress import Watch
from training.recipes import Recipe
from training.release import Release, plain, release
from training.sources.read import read_source
from training.split import digest
from training.tables import known_failures, summarise
from training.variants import WAYS, Judges
from training.views import Prepared, label_order, plain_pixels, prepare

VERSION = 1  # a job's own store starts anew; publishing counts on from what the shipped store holds


@dataclass(frozen=True)
class Data:
    """Named rows and where their bytes are. `terms`: what weights that learned from them may be used for."""

    name: str
    rows: tuple[Row, ...]
    reader: Reader
    terms: str


@dataclass(frozen=True)
class Job:
    """Everything that decides the result. `out` becomes a store with the report beside it."""

    source: str
    train: Data
    tests: tuple[Data, ...]
    recipes: tuple[Recipe, ...]
    out: Path
    new_label: str = "bus"
    old_task: OldTask | None = None
    threads: int = 2
    names: Mapping[str, str] = field(default_factory=dict)  # recipe -> model name, where they differ


def run_job(job: Job, watch: Watch) -> list[Artifact]:
    """Adapt, test once and export each recipe that has no artifact in `out` yet; choose `stable` on validation."""
    torch.set_num_threads(job.threads)
    untested = [part.name for part in job.tests if not any(row.split == "test" for row in part.rows)]
    if untested:
        raise DataError(
            f"{untested[0]}: no test photographs. Give it some (test/class/...), or split it without --adopt."
        )
    artifacts = []
    for recipe in job.recipes:
        name = job.names.get(recipe.name, recipe.name)
        artifacts.append(_finished(job, recipe, name) or _one_recipe(job, recipe, name, watch))
    best = max(artifacts, key=lambda artifact: val_ap(artifact))
    stable = Alias(model=best.manifest.name, version=best.manifest.version)
    write_aliases(job.out, {**read_aliases(job.out), STABLE: stable})
    watch.say(f"stable is {stable.model}: validation AP {val_ap(best):.3f}")
    return artifacts


def _finished(job: Job, recipe: Recipe, name: str) -> Artifact | None:
    """The artifact that an earlier call has written. Raises DataError when it is of other settings, source or data."""
    folder = job.out / name / str(VERSION)
    if not folder.is_dir():
        return None
    artifact = read_artifact(folder)
    found, record = artifact.manifest, _data_record(job.train)
    source = read_source(job.source, recipe.size).sha256
    same = found.training["recipe"] == plain(asdict(recipe)) and found.data.get(job.train.name) == record
    if not same or found.source.sha256 != source:
        raise DataError(f"{folder}: was made with other settings, source or photographs. Give another --out.")
    return artifact


def val_ap(artifact: Artifact) -> float:
    """Average precision on validation, as recorded by the adaptation."""
    val = artifact.manifest.training["val"]
    if not isinstance(val, dict) or not isinstance(val["ap"], float):
        raise DataError(f"{artifact.folder}: records no validation AP. Export the artifact again.")
    return val["ap"]


def job_scores(job: Job) -> list[Scored]:
    """Stored test scores of every recipe of the job."""
    return [
        row for recipe in job.recipes for row in read_scores(_scores_path(job, job.names.get(recipe.name, recipe.name)))
    ]


def _one_recipe(job: Job, recipe: Recipe, name: str, watch: Watch) -> Artifact:
    labels = label_order(job.train.rows, job.new_label)
    watch.say(f"{name}: views of {sum(row.split == 'fit' for row in job.train.rows)} photographs")
    data = prepare(job.train.rows, job.train.reader, recipe, labels, job.threads)
    source = read_source(job.source, recipe.size)
    before = old_top1(source_network(source), source.head, job.old_task) if job.old_task and source.head else None
    adaptation = adapt(source, data, recipe, watch)
    scored = _test(job, adaptation, name, labels)
    write_scores(_scores_path(job, name), scored)
    metrics: dict[str, JsonValue] = {"test": test_figures(scored), "known_failures": list(known_failures(scored))}
    if job.old_task and source.head and before is not None:
        after = old_top1(adaptation.network, source.head, job.old_task)
        metrics["forgetting"] = {"before": before, "after": after, "photographs": len(job.old_task.targets)}
    facts = Release(
        name=name,
        version=VERSION,
        labels=labels,
        source=source.facts,
        source_sha256=source.sha256,
        data={part.name: _data_record(part) for part in (job.train, *job.tests)},
        metrics=metrics,
        terms=job.train.terms,
    )
    artifact = release(adaptation, facts, _judges(job, data, recipe), job.out)
    parity = artifact.manifest.parity.max_difference
    watch.say(f"{name}: validation AP {adaptation.val_ap:.3f}, parity {parity:.0e}, kept in {artifact.folder}")
    for variant, found in artifact.manifest.variants.items():
        kept = "kept" if found.accepted else "NOT kept"
        watch.say(f"{name}: {variant} {kept}: probabilities differ by {found.max_difference:.3f} at most")
    return artifact


def _judges(job: Job, data: Prepared, recipe: Recipe) -> Judges:
    """Photographs that the variants are calibrated on, drawn from those to fit, and validation to judge them by."""
    order = np.random.default_rng(recipe.seed).permutation(len(data.fit_rows))[: max(count for count, _ in WAYS)]
    rows = tuple(data.fit_rows[index] for index in order)
    calibration = plain_pixels(rows, job.train.reader, recipe.size, job.threads)
    positive = np.array([row.labels == {data.labels[0]} for row in data.val_rows])
    return Judges(calibration, data.val_pixels, positive)


def _test(job: Job, adaptation: Adaptation, name: str, labels: tuple[str, ...]) -> list[Scored]:
    scored: list[Scored] = []
    for part in job.tests:
        rows = tuple(row for row in part.rows if row.split == "test")
        pixels = plain_pixels(rows, part.reader, adaptation.recipe.size, job.threads)
        scored += evaluate(f"{job.train.name} / {name}", TestSet(part.name, rows, pixels), adaptation.network, labels)
    return scored


def test_figures(scored: Sequence[Scored]) -> dict[str, JsonValue]:
    """test -> figure -> {value, low, high}, null where it cannot be measured."""
    tests = list(dict.fromkeys(row.test for row in scored))
    return {
        test: {name: _interval(found) for name, found in summarise([row for row in scored if row.test == test]).items()}
        for test in tests
    }


def _interval(interval: Interval) -> JsonValue:
    return {key: value if np.isfinite(value) else None for key, value in asdict(interval).items()}


def _data_record(data: Data) -> JsonValue:
    counts: dict[str, JsonValue] = {
        split: sum(row.split == split for row in data.rows) for split in ("fit", "val", "test")
    }
    return {**counts, "sha256_fit": digest(data.rows, "fit"), "sha256_test": digest(data.rows, "test")}


def _scores_path(job: Job, name: str) -> Path:
    return job.out / "scores" / f"{name}.csv.gz"
