"""The main job with nothing but the repository: a drawn source without buses, then three recipes on drawn buses."""

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.backbone import Architecture
from training.data.archives import sha256
from training.data.rows import Row
from training.drawn import bus_classes, classes, draw_many, label_of, to_jpeg
from training.forgetting import OldTask
from training.job import Data, Job
from training.pretrain import Pretraining, Schedule, run_epochs, top1
from training.progress import Watch
from training.recipes import RECIPES
from training.sources.source import facts_of_run, write_source
from training.state import state_folder

DRAWN = "drawn"  # name of data that nobody owns
SIDE = 64  # of the drawn network's input; twice as fast as the photographs' size
SOURCE_SEED, ADAPT_SEED = 1, 2  # no picture of one is in the other
SOURCE_IMAGES, HOLDOUT_IMAGES = 120, 10  # of each class
# Equal (seed, index) means one scene whatever the class, so each class has its own range of indices.
CLASS_STRIDE, OTHERS_START = 1_600, 1_600_000
BLOCK = 16  # pictures drawn at once; divides the stride
SCHEDULE = Schedule(Architecture(width=10), epochs=10, batch=64, peak_rate=0.1, size=SIDE)
TERMS = "Under the repository's licence (Apache-2.0): drawn by Thaw, no photograph is behind it."


@functools.cache
def drawing_sha256() -> str:
    """Identity of the drawing code: what a file's hash is to a photograph, so that no stale picture is ever reused."""
    folder = Path(__file__).parent / "drawn"
    return sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.py"))))


class DrawnPhotographs:
    """A reader of `drawn/<class>/<seed>/<index>`: the picture is drawn when it is asked for."""

    def __contains__(self, name: str) -> bool:
        return name.startswith("drawn/")

    def read(self, name: str) -> bytes:
        """JPEG bytes of a picture twice as wide as the network's input."""
        _, class_name, seed, index = name.split("/")
        block, place = divmod(int(index), BLOCK)
        return to_jpeg(_drawn_block(class_name, int(seed), block)[place])


@functools.lru_cache(maxsize=300)
def _drawn_block(class_name: str, seed: int, block: int) -> NDArray[np.uint8]:
    """Neighbours are drawn together: several times as fast as one by one."""
    return draw_many(seed, class_name, range(block * BLOCK, (block + 1) * BLOCK), 2 * SIDE)


def drawn_rows(buses: dict[str, int], others: dict[str, int]) -> tuple[Row, ...]:
    """How many of each split -> rows; classes take turns, every picture is its own group and its own scene."""
    rows: list[Row] = []
    for start, names, counts in ((0, bus_classes(), buses), (OTHERS_START, classes(), others)):
        splits = [split for split, count in counts.items() for _ in range(count)]
        for turn, split in enumerate(splits):
            number, index = turn % len(names), turn // len(names)
            path = f"drawn/{names[number]}/{ADAPT_SEED}/{start + number * CLASS_STRIDE + index}"
            digest = sha256(f"{drawing_sha256()} {path}".encode())
            rows.append(Row(path, frozenset({label_of(names[number])}), path, split, digest, names[number]))
    return tuple(rows)


def make_source(folder: Path, watch: Watch, threads: int) -> tuple[Path, OldTask]:
    """Pretrain on the drawn classes, none a bus. Returns the source's file and its held-out photographs."""
    names = classes()
    count = SOURCE_IMAGES + HOLDOUT_IMAGES
    pixels = _source_pixels(count)
    holds_out = np.tile(np.arange(count) >= SOURCE_IMAGES, len(names))
    targets = np.repeat(np.arange(len(names)), count)
    held = OldTask(pixels[holds_out], targets[holds_out])
    path = folder / "source.safetensors"
    if path.exists():
        return path, held
    watch.say(f"a drawn source first: {len(names)} classes, none a bus")
    torch.set_num_threads(threads)
    run = Pretraining(SCHEDULE, pixels[~holds_out], targets[~holds_out], len(names))
    watch.start("pretrain", run.steps)
    record: dict[str, float] = {}
    for record in run_epochs(run, (held.pixels, held.targets), folder / "pretrain"):
        watch.advance(int(record["step"]))
    found = top1(run.network, held.pixels, held.targets)
    watch.say(f"drawn source: top-1 {found:.3f} on held-out pictures, chance {1 / len(names):.3f}")
    training = json.dumps(
        {"schedule": dataclasses.asdict(SCHEDULE), "holdout_top1": found, "images": int((~holds_out).sum())}
    )
    facts = facts_of_run("drawn", names, TERMS, SCHEDULE.architecture, training)
    state = {name.removeprefix("backbone."): tensor for name, tensor in run.network.state_dict().items()}
    write_source(path, facts, state)
    return path, held


def drawn_job(out: Path, watch: Watch, threads: int, given_source: str = "") -> Job:
    """500 drawn buses in all, validation among them, and three times as many others; 1,600 pictures to test on."""
    out.mkdir(parents=True, exist_ok=True)
    source, held = (given_source, None) if given_source else make_source(out, watch, threads)
    rows = drawn_rows({"fit": 400, "val": 100, "test": 400}, {"fit": 1200, "val": 300, "test": 1200})
    data = Data(DRAWN, rows, DrawnPhotographs(), TERMS)
    recipes = tuple(dataclasses.replace(recipe, size=SIDE, views=8, steps=300) for recipe in RECIPES.values())
    return Job(str(source), data, (data,), recipes, out, old_task=held, threads=threads)


def _source_pixels(count: int) -> NDArray[np.uint8]:
    """(classes * count, SIDE, SIDE, 3), class by class; drawn once and kept."""
    path = state_folder("drawn") / f"source-{drawing_sha256()[:16]}-{count}-{SIDE}.npy"
    if not path.exists():
        ranges = [range(number * CLASS_STRIDE, number * CLASS_STRIDE + count) for number in range(len(classes()))]
        parts = [draw_many(SOURCE_SEED, name, part, SIDE) for name, part in zip(classes(), ranges, strict=True)]
        partial = path.with_suffix(".partial.npy")
        np.save(partial, np.concatenate(parts))
        partial.replace(path)
    return np.load(path)  # type: ignore[no-any-return] # numpy's stub says Any
