"""The source task: no bus in it, and no photograph that an adaptation learns from."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from contract.pixels import to_input
from tests.hostile import encoded
from tests.unit.training.photographs import picture
from training.data import tiny_imagenet
from training.data.archives import Container, DataError, sha256
from training.data.tiny_imagenet import BUS_CLASSES
from training.source_job import SourceTask, read_source_task

OTHERS = ("n01443537", "n02814533", "n04285008")
EACH = 40
LISTED = ("train/n02814533/images/n02814533_3.JPEG", "val/images/val_4.JPEG", "val/images/val_0.JPEG")


def jpeg(seed: int) -> bytes:
    """A photograph of its own."""
    return encoded(picture(seed, 32), "JPEG")


def miniature(folder: Path, copies: dict[str, str] | None = None) -> Path:
    """Tiny-ImageNet's layout in a zip, both bus classes among its five. copies: name -> whose bytes it has."""
    wnids = (*OTHERS, *BUS_CLASSES)
    names = [f"train/{wnid}/images/{wnid}_{i}.JPEG" for wnid in wnids for i in range(EACH)]
    val = [f"val/images/val_{i}.JPEG" for i in range(2 * len(wnids))]
    files = {name: jpeg(seed) for seed, name in enumerate((*names, *val))}
    files |= {name: files[original] for name, original in (copies or {}).items()}
    path = folder / "tiny-imagenet.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("wnids.txt", "\n".join(reversed(wnids)))
        archive.writestr("words.txt", "".join(f"{wnid}\tthing {wnid}, stuff\n" for wnid in wnids))
        lines = [f"val_{i}.JPEG\t{wnids[i % len(wnids)]}\t0\t0\t62\t62\n" for i in range(len(val))]
        archive.writestr("val/val_annotations.txt", "".join(lines))
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def listing(folder: Path, names: tuple[str, ...] = LISTED) -> Path:
    """A split file as the shipped ones: paths begin with the collection's name."""
    path = folder / "list.csv"
    path.write_text("path,split\n" + "".join(f"tiny-imagenet/{name},fit\n" for name in names))
    return path


def source_names(container: Container, excluded: set[str]) -> set[str]:
    """Every photograph that the source task uses."""
    fit, holdout = tiny_imagenet.train_rows(container, excluded)
    return {*fit.names, *holdout.names, *tiny_imagenet.val_rows(container, excluded).names}


def test_no_bus_is_in_the_source_task(tmp_path: Path) -> None:
    """Neither in train nor in val, neither as photograph nor as class."""
    container = Container(miniature(tmp_path))
    names = source_names(container, set())
    assert tuple(sorted(OTHERS)) == tiny_imagenet.class_ids(container)
    assert 3 * EACH + 6 == len(names)
    assert not any(bus in name for name in names for bus in BUS_CLASSES)
    val = {f"val/images/val_{i}.JPEG" for i in range(10) if i % 5 < 3}
    assert val == {name for name in names if name.startswith("val/")}


def test_what_an_adaptation_uses_is_left_out(tmp_path: Path) -> None:
    """Train and val photographs that the list names, and nothing else."""
    container = Container(miniature(tmp_path))
    excluded = tiny_imagenet.adaptation_hashes(container, [listing(tmp_path)])
    assert source_names(container, set()) - set(LISTED) == source_names(container, excluded)


def test_they_are_left_out_by_their_bytes(tmp_path: Path) -> None:
    """The same photograph under another name, in another class, is left out too."""
    twins = {"train/n01443537/images/n01443537_9.JPEG": LISTED[0], "val/images/val_6.JPEG": LISTED[1]}
    container = Container(miniature(tmp_path, twins))
    excluded = tiny_imagenet.adaptation_hashes(container, [listing(tmp_path)])
    assert not {*LISTED, *twins} & source_names(container, excluded)
    assert {sha256(container.read(name)) for name in LISTED} == excluded


def test_fit_and_holdout_part_by_hash(tmp_path: Path) -> None:
    """No photograph in both, about a tenth held out, and the same ones wherever the files lie."""
    container = Container(miniature(tmp_path))
    fit, holdout = tiny_imagenet.train_rows(container, set())
    assert not set(fit.names) & set(holdout.names)
    assert 3 * EACH == len(fit.names) + len(holdout.names)
    assert 3 <= len(holdout.names) <= 25
    tenth = {name for name in fit.names + holdout.names if int(sha256(container.read(name))[:8], 16) % 10 == 0}
    assert tenth == set(holdout.names)


def test_targets_are_the_classes_in_order(tmp_path: Path) -> None:
    """Sorted by id, whatever the order of wnids.txt."""
    fit, _ = tiny_imagenet.train_rows(Container(miniature(tmp_path)), set())
    for name, target in zip(fit.names, fit.targets, strict=True):
        assert name.split("/")[1] == fit.classes[target]


def test_a_list_of_another_collection_is_refused(tmp_path: Path) -> None:
    """A list that excludes nothing would let the adaptation's photographs in."""
    path = listing(tmp_path, ("train/n09999999/images/none.JPEG",))
    with pytest.raises(DataError, match="none of its photographs is in the source"):
        tiny_imagenet.adaptation_hashes(Container(miniature(tmp_path)), [path])


def test_a_source_without_photographs_is_refused(tmp_path: Path) -> None:
    """With the files that were looked for."""
    (tmp_path / "wnids.txt").write_text("n01443537")
    with pytest.raises(DataError, match=r"wnids\.txt, train/ and val/"):
        tiny_imagenet.train_rows(Container(tmp_path), set())


def read_task(folder: Path, monkeypatch: pytest.MonkeyPatch) -> SourceTask:
    """The whole source task, as the verb reads it."""
    monkeypatch.setenv("THAW_STATE", str(folder / "state"))
    return read_source_task([miniature(folder)], [listing(folder)], 32)


def test_the_whole_task_is_read_from_the_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels as the contract gives them, targets, classes; the counts add up."""
    task = read_task(tmp_path, monkeypatch)
    counts = [len(part[0]) for part in (task.fit, task.holdout, task.val)]
    assert 3 * EACH - 1 == counts[0] + counts[1]
    assert [6 - 1] == counts[2:]  # val_4 shows a bus, so the list takes only val_0 away
    container = Container(tmp_path / "tiny-imagenet.zip")
    fit, _ = tiny_imagenet.train_rows(container, tiny_imagenet.adaptation_hashes(container, [tmp_path / "list.csv"]))
    assert np.array_equal(to_input(container.read(fit.names[5]), 32).rgb, task.fit[0][5])
    assert (fit.digest(), tuple(sorted(OTHERS))) == (task.digest, task.classes)


def test_decoded_pixels_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time nothing is decoded, and the pixels are the same."""
    first = read_task(tmp_path, monkeypatch)

    def again(data: bytes, size: int) -> None:
        raise AssertionError("decoded twice")

    monkeypatch.setattr("training.data.tiny_imagenet.to_input", again)
    second = read_task(tmp_path, monkeypatch)
    assert np.array_equal(first.fit[0], second.fit[0])
