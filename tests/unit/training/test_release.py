"""A release: everything that the manifest says is true, or nothing is written."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from contract.artifact import VARIANTS, Artifact, list_versions
from tests.unit.training.tiny import QUICK, SIZE, facts, pixels, prepared, quiet, source
from training import release as module
from training.adapt import Adaptation, adapt
from training.data.label_sets import LABELS
from training.export import ParityError, open_session
from training.golden_photographs import golden_photographs
from training.job import Job
from training.network import AdaptedNetwork
from training.release import Release, release, training_record
from training.variants import Judges

Finished = tuple[Job, list[Artifact]]


def adaptation(seed: int = 0) -> Adaptation:
    """A short one."""
    return adapt(source(seed), prepared(), QUICK, quiet())


def what(name: str = "partial", version: int = 1) -> Release:
    """Facts beside the weights."""
    return Release(name, version, LABELS, facts(), "1" * 64, {"squares": {"fit": 80}}, {"test": {}}, "For tests only.")


def test_nothing_is_written_when_parity_fails(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph of another network, and the store stays empty."""
    other = finished[1][1].model_path().read_bytes()
    monkeypatch.setattr(module, "export_onnx", lambda network, size: other)
    with pytest.raises(ParityError):
        release(adaptation(1), what(), Judges(pixels(8), pixels(40), np.arange(40) < 10), tmp_path)
    assert {} == list_versions(tmp_path)
    assert [] == list(tmp_path.rglob("*.onnx"))


def test_the_manifest_says_what_was_done(finished: Finished) -> None:
    """Recipe, depth, size, labels, source: from the adaptation itself."""
    job, artifacts = finished
    for recipe, artifact in zip(job.recipes, artifacts, strict=True):
        manifest = artifact.manifest
        assert (recipe.name, recipe.depth, SIZE) == (manifest.recipe, manifest.depth, manifest.input.size)
        assert (LABELS, ("bus",), "bus") == (manifest.labels, manifest.new_labels, manifest.decision.label)
        assert ("no", 6) == (manifest.source.seen_new_class, manifest.source.classes)
        lighter = {VARIANTS[name] for name, variant in manifest.variants.items() if variant.accepted}
        assert {"model.onnx", "golden.npz", "CARD.md", *lighter} == set(manifest.files)
        assert 0.01 == manifest.decision.at_fpr
        assert {"torch", "onnx", "onnxruntime", "numpy", "pillow"} <= set(manifest.libraries)
        assert json.loads(json.dumps(dataclasses.asdict(recipe))) == manifest.training["recipe"]


def test_the_goldens_are_answered_right_by_the_graph(finished: Finished) -> None:
    """Eight drawn photographs, the same in every artifact."""
    for artifact in finished[1]:
        golden = artifact.golden()
        assert golden_photographs() == golden.photographs
        assert (8, 5) == golden.probabilities.shape
        images = np.stack([module.to_input(data, SIZE).rgb for data in golden.photographs])
        found = open_session(artifact.model_path().read_bytes()).run(["probabilities"], {"images": images})[0]
        assert np.allclose(golden.probabilities, found, atol=1e-4)


def test_the_goldens_differ_between_photographs(finished: Finished) -> None:
    """A model that answers one thing to everything would pass a golden of one thing."""
    assert 1e-4 < np.ptp(finished[1][0].golden().probabilities, axis=0).max()


def test_what_is_not_finite_is_null(finished: Finished) -> None:
    """NaN is no JSON; every other reader of the manifest would fail on it."""
    broken = dataclasses.replace(adaptation(), val_loss=float("nan"), val_ap=float("inf"))
    assert {"ap": None, "loss": None} == training_record(broken)["val"]
    for artifact in finished[1]:
        assert not re.search(r"\b(NaN|Infinity)\b", artifact.manifest.to_json())


def test_the_record_has_trials_and_curves(finished: Finished) -> None:
    """What a report draws."""
    record = training_record(adaptation())
    assert [QUICK.rates[0]] == [trial["setting"] for trial in record["trials"]]  # type: ignore[index, union-attr]
    assert record == json.loads(json.dumps(record))
    assert [] == finished[1][0].manifest.training["trials"]


def test_the_release_hides_no_network(finished: Finished) -> None:
    """The adaptation's network is the one exported: its temperature is the manifest's."""
    found = adaptation()
    assert isinstance(found.network, AdaptedNetwork)
    assert found.temperature == float(found.network.temperature)
    assert all(artifact.manifest.temperature > 0 for artifact in finished[1])
