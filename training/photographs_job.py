"""The main job on photographs: three targets, three recipes, one source without buses, and the contrast."""

import dataclasses
from pathlib import Path

import numpy as np

from training.data import tiny_imagenet
from training.data.collections import open_collections
from training.forgetting import OldTask
from training.job import Data, Job
from training.recipes import MAJORITY, RECIPES
from training.split import read_split, verify_split
from training.state import state_folder

SPLITS = Path(__file__).parent / "splits"
TARGETS = ("street-tiles", "tiny-imagenet-bus", "both")
TESTS = ("street-tiles", "tiny-imagenet-bus", "phone-city")
CONTRAST = "contrast"
CONTRAST_RECIPE = MAJORITY  # the recipe that `stable` was chosen with
CONTRAST_SIZE = 128  # EfficientNet-Lite0 was made for 224; its cost falls with the square
EVALUATION = "Weights for evaluation only, on the terms of the photographs they learned from. "
TERMS = {
    "street-tiles": "street-tiles: test and research only; rights of the photographs not established.",
    "tiny-imagenet-bus": "Tiny-ImageNet: non-commercial research and education; the photographs are their makers'.",
    "both": "street-tiles and Tiny-ImageNet: test and non-commercial research only.",
    "phone-city": "phone-city: no terms stated; test only.",
}


def target_data(name: str, root: Path, verify: bool = False) -> Data:
    """A committed split over the user's folder of collections. verify: read every byte and compare hashes."""
    rows, reader = tuple(read_split(SPLITS / f"{name}.csv")), open_collections(root)
    if verify:
        verify_split(rows, reader)
    return Data(name, rows, reader, EVALUATION + TERMS[name])


def old_task(root: Path) -> OldTask:
    """Tiny-ImageNet's val/ without both bus classes and without the photographs that the bus test uses."""
    collections = open_collections(root)
    container = collections.container("tiny-imagenet")
    used = {row.sha256 for row in read_split(SPLITS / "tiny-imagenet-bus.csv")}
    rows = tiny_imagenet.val_rows(container, used)
    pixels = tiny_imagenet.load_pixels(container, rows, 64, state_folder("pixels"))
    return OldTask(np.asarray(pixels), rows.targets)


def photographs_job(target: str, source: str, root: Path, out: Path, threads: int) -> Job:
    """Three recipes on one target, tested on each collection, forgetting measured."""
    tests = tuple(target_data(name, root) for name in TESTS)
    return Job(
        source,
        target_data(target, root, verify=True),
        tests,
        tuple(RECIPES.values()),
        out,
        old_task=old_task(root),
        threads=threads,
    )


def contrast_job(root: Path, out: Path, threads: int) -> Job:
    """The chosen recipe on a source that HAS seen buses: for plain use, no answer to any statement."""
    wide = dataclasses.replace(CONTRAST_RECIPE, size=CONTRAST_SIZE, bf16=False)
    tests = tuple(target_data(name, root) for name in TESTS)
    return Job(
        "efficientnet-lite0",
        target_data("both", root),
        tests,
        (wide,),
        out,
        threads=threads,
        names={wide.name: CONTRAST},
    )
