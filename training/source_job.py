"""`pretrain`: Tiny-ImageNet without buses -> a source network, with progress and time left."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.data import tiny_imagenet
from training.data.archives import Container
from training.pretrain import Pretraining, Schedule, SourceNetwork, run_epochs, top1
from training.progress import Watch
from training.sources.source import facts_of_run, write_source
from training.state import state_folder

TERMS = "Tiny-ImageNet: offered for non-commercial research and education; the photographs belong to their makers."
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
    """Train to the end of the schedule, from wherever `folder` stands."""
    torch.set_num_threads(threads)
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
