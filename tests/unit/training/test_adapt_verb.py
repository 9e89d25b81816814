"""`adapt`: which job the options mean, and what is left when it is done."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.aliases import read_aliases
from contract.artifact import Artifact, list_versions
from tests.unit.training.tiny import quiet
from training import adapt_verb, job
from training.adapt_verb import Wanted, adapt, choose_job
from training.data.archives import DataError
from training.job import Data, Job, run_job
from training.recipes import RECIPES

Finished = tuple[Job, list[Artifact]]


def wanted(out: Path, **options: object) -> Wanted:
    """Options as the command line gives them; empty where none is given."""
    plain: dict[str, object] = {"source": "", "target": "", "photographs": None, "new_label": "bus", "threads": 1}
    return Wanted(out, **(plain | options))  # type: ignore[arg-type] # one of each kind


def photographs(folder: Path, words: tuple[str, ...], each: int = 12, splits: tuple[str, ...] = ("",)) -> Path:
    """A folder of classes, or of splits with classes, each photograph unlike the others."""
    for split in splits:
        for word in words:
            place = folder / split / word
            place.mkdir(parents=True)
            for index in range(each):
                random = np.random.default_rng([len(split), words.index(word), index])
                pixels = np.kron(random.integers(0, 256, (8, 8, 3)), np.ones((8, 8, 1)))
                Image.fromarray(pixels.astype(np.uint8)).save(place / f"{index}.png")
    return folder


def test_without_a_target_it_is_the_drawn_job(tmp_path: Path) -> None:
    """A given source is taken instead of a drawn one."""
    chosen = choose_job(wanted(tmp_path, source="drawn"), quiet())
    assert ("drawn", "drawn", tmp_path) == (chosen.train.name, chosen.source, chosen.out)


def test_a_folder_is_split_once(tmp_path: Path) -> None:
    """Fit, val and test of every class in a file beside the results; the second time the file decides."""
    target = photographs(tmp_path / "mine", ("bus", "car"))
    first = choose_job(wanted(tmp_path / "out", target=str(target)), quiet())
    assert ("mine", "bus") == (first.train.name, first.new_label)
    found = {(row.split, *row.labels) for row in first.train.rows}
    assert {(split, label) for split in ("fit", "val", "test") for label in ("bus", "car")} == found
    assert all(row.sha256 and row.path in first.train.reader for row in first.train.rows)
    (target / "car" / "late.png").write_bytes((target / "car" / "0.png").read_bytes())
    again = choose_job(wanted(tmp_path / "out", target=str(target)), quiet())
    assert first.train.rows == again.train.rows
    assert tuple(RECIPES.values()) == first.recipes


def test_a_folder_with_splits_keeps_them(tmp_path: Path) -> None:
    """test/ stays the test; a fifth of train/ is validation; val/ is a development test that chooses nothing."""
    target = photographs(tmp_path / "mine", ("bus", "car"), 10, ("train", "val", "test"))
    rows = choose_job(wanted(tmp_path / "out", target=str(target)), quiet()).train.rows
    for row in rows:
        given = row.path.split("/")[0]
        assert row.split in {"train": ("fit", "val"), "val": ("dev",), "test": ("test",)}[given]
        assert row.sha256
    assert 16 == sum(row.split == "fit" for row in rows)
    assert 4 == sum(row.split == "val" for row in rows)


def test_a_folder_that_cannot_be_split_ends_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the reason on the terminal."""
    target = photographs(tmp_path / "mine", ("bus", "car"), 1)
    with pytest.raises(SystemExit) as caught:
        choose_job(wanted(tmp_path / "out", target=str(target)), quiet())
    assert 1 == caught.value.code
    assert "error: " in capsys.readouterr().err
    assert not (tmp_path / "out" / "split.csv").exists()


def test_a_folder_named_like_the_drawn_pictures_is_refused(tmp_path: Path) -> None:
    """Its models would be published as if nobody owned the photographs."""
    with pytest.raises(DataError, match="the name 'drawn' means pictures without an owner"):
        choose_job(wanted(tmp_path, target=str(tmp_path / "drawn")), quiet())


def test_an_unknown_target_lists_the_known_ones(tmp_path: Path) -> None:
    """With collections given, a target is one of the shipped splits."""
    with pytest.raises(DataError, match=r"--target 'streets': .* street-tiles, tiny-imagenet-bus, both, contrast"):
        choose_job(wanted(tmp_path, target="streets", photographs=tmp_path), quiet())


def test_the_contrast_is_its_own_model(tmp_path: Path) -> None:
    """The chosen recipe on a source that has seen buses, under a name that says so; forgetting is not asked."""
    chosen = choose_job(wanted(tmp_path / "out", target="contrast", photographs=tmp_path), quiet())
    assert ("efficientnet-lite0", "both") == (chosen.source, chosen.train.name)
    assert ["contrast"] == [chosen.names[recipe.name] for recipe in chosen.recipes]
    assert chosen.old_task is None
    assert "evaluation only" in chosen.train.terms


def test_a_test_without_photographs_is_refused_before_any_work(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after hours of training."""
    monkeypatch.setattr(job, "prepare", lambda *_: pytest.fail("worked"))
    part = finished[0].tests[0]
    untested = Data("untested", tuple(row for row in part.rows if row.split != "test"), part.reader, part.terms)
    with pytest.raises(DataError, match="untested: no test photographs"):
        run_job(dataclasses.replace(finished[0], tests=(part, untested), out=tmp_path), quiet())


@pytest.mark.parametrize(("name", "place"), [("squares", "."), ("drawn", "drawn")])
def test_done_means_artifacts_a_report_and_versions(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, place: str
) -> None:
    """Published where they belong: what is drawn has a store of its own."""
    train = dataclasses.replace(finished[0].train, name=name)
    monkeypatch.setattr(adapt_verb, "choose_job", lambda *_: dataclasses.replace(finished[0], train=train))
    monkeypatch.setattr(adapt_verb, "run_job", lambda *_: finished[1])
    monkeypatch.setattr(adapt_verb, "write_report", lambda made, artifacts: made.out / "report.html")
    watch = quiet()
    adapt(wanted(finished[0].out), tmp_path, watch)
    assert {"frozen": [1], "partial": [1]} == list_versions(tmp_path / place)
    assert "stable" in read_aliases(tmp_path / place)
    said = watch.console.file.getvalue()  # type: ignore[attr-defined] # a StringIO
    for part in ("report: ", "report.html", f"make serve MODELS={finished[0].out}", "published partial version 1"):
        assert part in said.replace("\n", "")


def test_nothing_is_published_unasked(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped store changes only by a wish."""
    monkeypatch.setattr(adapt_verb, "choose_job", lambda *_: finished[0])
    monkeypatch.setattr(adapt_verb, "write_report", lambda *_: tmp_path)
    monkeypatch.setattr(adapt_verb, "publish", lambda *_: pytest.fail("published"))
    adapt(wanted(finished[0].out), None, quiet())
