"""A job goes on from where it stopped, writes its scores, and chooses on validation alone."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from contract.aliases import STABLE, read_aliases
from contract.artifact import Artifact, list_versions, read_artifact
from tests.unit.training.tiny import Squares, job, quiet, rows
from training import job as module
from training import metrics
from training.data.archives import DataError
from training.evaluate import read_scores
from training.job import Job, job_scores, run_job, val_ap
from training.metrics import average_precision
from training.tables import results_markdown

Finished = tuple[Job, list[Artifact]]


def copied(finished: Finished, folder: Path) -> Job:
    """The finished job in a folder that may be changed."""
    shutil.copytree(finished[0].out, folder / "out")
    return dataclasses.replace(finished[0], out=folder / "out")


def test_every_recipe_becomes_an_artifact(finished: Finished) -> None:
    """Version 1 of each, verified, in the order of the recipes."""
    made, artifacts = finished
    assert ["frozen", "partial"] == [artifact.manifest.name for artifact in artifacts]
    assert {"frozen": [1], "partial": [1]} == list_versions(made.out)
    assert artifacts == [read_artifact(artifact.folder) for artifact in artifacts]


def test_a_finished_job_does_nothing_again(finished: Finished, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It reads what lies there: no photograph is decoded, nothing is trained."""

    def again(*given: object) -> None:
        raise AssertionError("worked twice")

    monkeypatch.setattr(module, "prepare", again)
    monkeypatch.setattr(module, "adapt", again)
    again_job = copied(finished, tmp_path)
    artifacts = run_job(again_job, quiet())
    assert [a.manifest for a in finished[1]] == [a.manifest for a in artifacts]


def test_a_job_continues_after_the_last_artifact(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Stopped between two recipes, only the second is done, and it ends at the same tensors and scores."""
    monkeypatch.setattr(metrics, "REPLICATES", 40)
    resumed = copied(finished, tmp_path)
    shutil.rmtree(resumed.out / "partial")
    (resumed.out / "scores" / "partial.csv.gz").unlink()
    untouched = (resumed.out / "frozen" / "1" / "manifest.json").stat().st_mtime_ns
    run_job(resumed, quiet())
    assert untouched == (resumed.out / "frozen" / "1" / "manifest.json").stat().st_mtime_ns
    ours, theirs = (read_artifact(folder.out / "partial" / "1").manifest for folder in (finished[0], resumed))
    assert (ours.tensors, ours.metrics, ours.temperature) == (theirs.tensors, theirs.metrics, theirs.temperature)
    assert (finished[0].out / "scores" / "partial.csv.gz").read_bytes() == (
        resumed.out / "scores" / "partial.csv.gz"
    ).read_bytes()


def test_scores_hold_every_test_photograph_in_colour_and_grey(finished: Finished) -> None:
    """One row each, for each recipe, with its group and labels."""
    tested = [row for row in finished[0].train.rows if row.split == "test"]
    for name in ("frozen", "partial"):
        scored = read_scores(finished[0].out / "scores" / f"{name}.csv.gz")
        for grey in (False, True):
            part = [row for row in scored if row.grey == grey]
            assert [row.path for row in tested] == [row.path for row in part]
            assert [row.labels == {"bus"} for row in tested] == [row.is_new for row in part]
            assert {f"squares / {name}"} == {row.run for row in part}
    assert 2 * 2 * len(tested) == len(job_scores(finished[0]))


def test_the_manifests_figures_come_from_the_scores(finished: Finished) -> None:
    """Computed again from the stored rows, the value is the same."""
    for artifact in finished[1]:
        scored = [row for row in job_scores(finished[0]) if row.run.endswith(artifact.manifest.name) and not row.grey]
        expected = average_precision(np.array([r.score for r in scored]), np.array([r.is_new for r in scored]))
        figures = artifact.manifest.metrics["test"]["squares"]  # type: ignore[index, call-overload]
        assert expected == pytest.approx(figures["AP"]["value"])  # type: ignore[index, call-overload]


def test_stable_is_the_best_on_validation(finished: Finished) -> None:
    """Not on the test set, which the choice never sees."""
    best = max(finished[1], key=val_ap)
    alias = read_aliases(finished[0].out)[STABLE]
    assert (best.manifest.name, best.manifest.version) == (alias.model, alias.version)


def test_forgetting_is_recorded(finished: Finished) -> None:
    """Before and after; with nothing thawed, nothing is forgotten."""
    frozen, partial = (artifact.manifest.metrics["forgetting"] for artifact in finished[1])
    assert frozen["before"] == frozen["after"]  # type: ignore[index, call-overload]
    assert partial["before"] == frozen["before"]  # type: ignore[index, call-overload]
    assert 24 == partial["photographs"]  # type: ignore[index, call-overload]


def test_data_lists_are_recorded_by_hash(finished: Finished) -> None:
    """Counts of each split, and one hash for what was learnt from and one for what was tested on."""
    record = finished[1][0].manifest.data["squares"]
    assert {"fit": 48, "val": 24, "test": 36} == {k: record[k] for k in ("fit", "val", "test")}  # type: ignore[index, call-overload]
    assert record["sha256_fit"] != record["sha256_test"]  # type: ignore[index, call-overload]


def test_an_artifact_without_a_validation_figure_is_refused(finished: Finished) -> None:
    """Nothing could be chosen by it."""
    artifact = finished[1][0]
    for val in ({"ap": None}, None):
        manifest = artifact.manifest.model_copy(update={"training": {**artifact.manifest.training, "val": val}})
        with pytest.raises(DataError, match="records no validation AP"):
            val_ap(Artifact(artifact.folder, manifest))


def test_a_job_without_a_fit_or_val_row_is_refused(tmp_path: Path) -> None:
    """Before anything is trained, with the verb that helps."""
    made = job(tmp_path)
    for split in ("fit", "val"):
        left = tuple(row for row in made.train.rows if row.split != split)
        with pytest.raises(DataError, match=f"The split has no {split} rows"):
            run_job(dataclasses.replace(made, train=dataclasses.replace(made.train, rows=left)), quiet())
    assert not made.out.exists() or {} == list_versions(made.out)


def test_a_job_without_the_new_class_is_refused(tmp_path: Path) -> None:
    """With the labels that there are."""
    with pytest.raises(DataError, match=r"No photograph of 'tram'.*--new"):
        run_job(dataclasses.replace(job(tmp_path), new_label="tram"), quiet())


def test_the_table_comes_from_stored_scores(finished: Finished) -> None:
    """A line for each run and test, figures with intervals."""
    table = results_markdown(job_scores(finished[0]))
    assert 2 == sum(line.startswith("| squares / frozen | squares |") for line in table.splitlines())
    assert "[" in table


def test_photographs_are_read_once_a_recipe_family(tmp_path: Path) -> None:
    """Recipes that differ in depth alone share their views: the second decodes no photograph to fit or validate."""
    reader = Squares()
    made = job(tmp_path)
    for recipe in made.recipes:
        module.prepare(rows(), reader, recipe, module.label_order(rows(), "bus"), 1)
    assert sum(row.split in ("fit", "val") for row in rows()) == reader.reads
