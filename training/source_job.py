"""`pretrain`: Tiny-ImageNet without buses -> a source network, with progress and time left."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file

from training.data import tiny_imagenet
from training.data.archives import Container, DataError
from training.pretrain import CHECKPOINT, Pretraining, Schedule, SourceNetwork, run_epochs, top1
from training.progress import Watch
from training.sources.source import facts_of_run, write_source
from training.state import state_folder

TERMS = "Tiny-ImageNet: offered for non-commercial research and education; the photographs belong to their makers."
UNFINISHED = Path(__file__).parent / "unfinished"  # of long schedules; replaced as they go on, gone when they end
Part = tuple[NDArray[np.uint8], NDArray[np.int64]]


@dataclass(frozen=True)
class SourceTask:
    """Pixels and targets of the source task. `val` is opened once a net, by `publish_source`."""

    fit: Part
    holdout: Part
    val: Part
    classes: tuple[str, ...]
    digest: str


def read_source_task(sources: list[Path], excluded_lists: list[Path], size: int) -> SourceTask:
    """Decode the source photographs once; later calls map the same file."""
    container = Container(sources)
    excluded = tiny_imagenet.adaptation_hashes(container, excluded_lists)
    fit, holdout = tiny_imagenet.train_rows(container, excluded)
    val = tiny_imagenet.val_rows(container, excluded)
    cache = state_folder("pixels")
    parts = [(tiny_imagenet.load_pixels(container, rows, size, cache), rows.targets) for rows in (fit, holdout, val)]
    return SourceTask(parts[0], parts[1], parts[2], fit.classes, fit.digest())


def pretrain(task: SourceTask, schedule: Schedule, folder: Path, threads: int, watch: Watch) -> Pretraining:
    """Train to the end of the schedule, from wherever `folder` or the weights kept of an unfinished run stand."""
    torch.set_num_threads(threads)
    kept = UNFINISHED / f"{folder.name}.safetensors"
    if kept.exists() and not (folder / CHECKPOINT).exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kept, folder / CHECKPOINT)
        watch.say(f"continuing from {kept}, without its momentum")
    run = Pretraining(schedule, *task.fit, len(task.classes))
    watch.start("pretrain", run.steps)
    for record in run_epochs(run, task.holdout, folder):
        watch.advance(int(record["step"]))
        epoch = f"epoch {record['epoch']:.2f}/{schedule.epochs}"
        note = f"{epoch} loss {record['loss']:.3f} {record['hours_left']:.2f} h left"
        if "holdout_top1" in record:
            note += f" holdout top-1 {record['holdout_top1']:.3f}"
        if "holdout_top1" in record or not watch.console.is_terminal:
            watch.say(note)
    return run


def keep_unfinished(folder: Path, kept: Path = UNFINISHED) -> Path:
    """Keep a checkpoint's weights in half the bytes, without momentum: a lost machine costs some steps, not days.

    Raises DataError when the run has no checkpoint.
    """
    if not (folder / CHECKPOINT).exists():
        raise DataError(f"{folder}: holds no checkpoint. Give the settings that the run was started with.")
    with safe_open(folder / CHECKPOINT, "pt") as file:  # type: ignore[no-untyped-call] # not annotated there
        metadata = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys() if key.startswith("network.")}  # noqa: SIM118 - not a mapping
    path = kept / f"{folder.name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: t.half() if t.ndim > 1 else t for key, t in tensors.items()}, path, metadata)
    return path


def publish_source(run: Pretraining, task: SourceTask, path: Path, watch: Watch) -> None:
    """Store the finished network with its top-1 on val/, read once, and a random network's: nothing is chosen by it."""
    pixels, targets = task.val
    torch.manual_seed(run.schedule.seed)
    random = SourceNetwork(run.schedule.architecture, len(task.classes))
    found = {
        "holdout_top1": top1(run.network, *task.holdout),
        "val_top1": top1(run.network, pixels, targets),
        "val_top1_random": top1(random, pixels, targets),
        "val_photographs": len(targets),
    }
    training = json.dumps({"schedule": asdict(run.schedule), "data_sha256": task.digest, **found})
    facts = facts_of_run(path.stem, task.classes, TERMS, run.schedule.architecture, training)
    state = {name.removeprefix("backbone."): tensor for name, tensor in run.network.state_dict().items()}
    write_source(path, facts, state)
    top = f"val top-1 {found['val_top1']:.4f} (random {found['val_top1_random']:.4f})"
    watch.say(f"{path}: {top} on {len(targets)} photographs")
