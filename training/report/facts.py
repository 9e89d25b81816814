"""A finished job -> everything its report says, as plain JSON values. The page is drawn from nothing else."""

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from pydantic import JsonValue, TypeAdapter

from contract.aliases import STABLE, Alias, read_aliases
from contract.artifact import Artifact
from contract.manifest import Manifest
from training.data.archives import DataError
from training.evaluate import Scored
from training.job import Job, val_ap
from training.report import figures, words
from training.report.freeze import stages

SCHEMA_VERSION = 1
ByModel = Mapping[str, Mapping[str, Sequence[Scored]]]  # model -> test -> colour rows


def collect(job: Job, artifacts: Sequence[Artifact], scored: Sequence[Scored], command: str | None) -> dict[str, Any]:
    """The content of report.json. Times are those of the artifacts, so that the same job gives the same bytes."""
    if not artifacts:
        raise DataError(f"{job.out}: the job has no artifact to report. Run it first: python -m training adapt.")
    rows = by_model(artifacts, scored)
    first = artifacts[0].manifest
    facts: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "created": max(artifact.manifest.created for artifact in artifacts),
        "command": command,
        "target": job.train.name,
        "new_label": first.new_labels[0],
        "labels": first.labels,
        "source": first.source.model_dump(),
        "stable": _stable(job, artifacts),
        "val": _counts([row.labels == {first.new_labels[0]} for row in job.train.rows if row.split == "val"]),
        "tests": _tests(rows),
        "models": {a.manifest.name: _model(a, rows[a.manifest.name]) for a in artifacts},
        "contrasts": _contrasts(rows),
        "data": {name: record for artifact in artifacts for name, record in artifact.manifest.data.items()},
        "terms": {part.name: part.terms for part in (job.train, *job.tests)},
        "libraries": first.libraries,
    }
    plain = json.loads(TypeAdapter(dict[str, Any]).dump_json(facts))  # NaN becomes null, a tuple a list
    return {"headline": words.headline(plain), "findings": words.findings(plain), **plain}


def by_model(artifacts: Sequence[Artifact], scored: Sequence[Scored]) -> ByModel:
    """Stored rows belong to the model that their run ends with. Raises DataError for a model without any."""
    out: dict[str, dict[str, list[Scored]]] = {}
    for artifact in artifacts:
        name, tests = artifact.manifest.name, dict[str, list[Scored]]()
        for row in scored:
            if not row.grey and row.run.rpartition(" / ")[2] == name:
                tests.setdefault(row.test, []).append(row)
        if not tests:
            raise DataError(f"{artifact.folder}: has no stored test scores. Remove the folder and adapt it again.")
        out[name] = tests
    return out


def _stable(job: Job, artifacts: Sequence[Artifact]) -> dict[str, JsonValue]:
    """What the alias says, if it names one of these models; else the best on validation."""
    best = max(artifacts, key=val_ap)
    alias = read_aliases(job.out).get(STABLE, Alias(model=best.manifest.name, version=best.manifest.version))
    named = [a for a in artifacts if (a.manifest.name, a.manifest.version) == (alias.model, alias.version)]
    chosen = named[0] if named else best
    return {"model": chosen.manifest.name, "version": chosen.manifest.version, "val_ap": val_ap(chosen)}


def _counts(is_new: Sequence[bool]) -> dict[str, int]:
    return {"photographs": len(is_new), "new": sum(is_new)}


def _tests(rows: ByModel) -> dict[str, dict[str, int]]:
    return {test: _counts([row.is_new for row in found]) for tests in rows.values() for test, found in tests.items()}


def _contrasts(rows: ByModel) -> list[figures.Contrast]:
    pairs = [
        figures.contrast((a, rows[a][test]), (b, rows[b][test]))
        for test in _tests(rows)
        for a, b in combinations(rows, 2)
        if test in rows[a] and test in rows[b]
    ]
    return [pair for pair in pairs if pair is not None]


def _model(artifact: Artifact, tests: Mapping[str, Sequence[Scored]]) -> dict[str, Any]:
    manifest = artifact.manifest
    record: dict[str, Any] = dict(manifest.training)
    threshold = manifest.decision.threshold
    return {
        "version": manifest.version,
        "recipe": manifest.recipe,
        "depth": manifest.depth,
        "settings": record["recipe"],
        "head_trials": record["head_trials"],
        "trials": record["trials"],
        "val": record["val"],
        "seconds": record["seconds"],
        "input": manifest.input.model_dump(),
        "temperature": manifest.temperature,
        "decision": manifest.decision.model_dump(),
        "test": manifest.metrics.get("test", {}),
        "forgetting": manifest.metrics.get("forgetting"),
        "confusion": {test: figures.confusion(found, manifest.labels) for test, found in tests.items()},
        "calibration": {test: figures.calibration(found) for test, found in tests.items()},
        "false_alarms": {test: figures.mistakes(found, threshold, of_new=False) for test, found in tests.items()},
        "missed": {test: figures.mistakes(found, threshold, of_new=True) for test, found in tests.items()},
        "freeze": _freeze(manifest),
        "parity": manifest.parity.model_dump(),
        "terms": manifest.terms,
    }


def _freeze(manifest: Manifest) -> dict[str, Any]:
    records = manifest.tensors.values()
    frozen = [record for record in records if record.frozen]
    return {
        "tensors": len(records),
        "frozen": len(frozen),
        "identical": sum(record.before == record.after for record in frozen),
        "stages": stages(manifest),
    }
