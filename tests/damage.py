"""Versions that must not answer: written whole, then damaged before anybody can see them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from contract.artifact import GOLDEN, MANIFEST, MODEL, file_sha256
from contract.golden import Golden, golden_bytes, read_golden
from tests.fakes import write_model


def put(store: Path, name: str, version: str, damage: Callable[[Path], object] = lambda folder: None) -> Path:
    """A version appears in one step, damaged if told."""
    folder = aside(store, name, version)
    damage(folder)
    target = store / name / version
    target.parent.mkdir(exist_ok=True)
    return folder.rename(target)


def aside(store: Path, name: str, version: str) -> Path:
    """A whole version beside the store, in a folder that the store does not show."""
    return write_model(store / ".aside", name, version).folder


def flip_a_byte(folder: Path) -> None:
    """One bit of the graph is another."""
    data = bytearray((folder / MODEL).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / MODEL).write_bytes(data)


def cut_manifest(folder: Path) -> None:
    """The disk was full."""
    data = (folder / MANIFEST).read_bytes()
    (folder / MANIFEST).write_bytes(data[: len(data) // 2])


def leave_out_graph(folder: Path) -> None:
    """Half-written: the manifest came before the graph."""
    (folder / MODEL).unlink()


def answer_otherwise(folder: Path) -> None:
    """Every hash is right, but the graph does not answer as the goldens say."""
    golden = read_golden(folder / GOLDEN)
    turned = Golden(golden.photographs, np.ascontiguousarray(golden.probabilities[:, ::-1]))
    replace_file(folder, GOLDEN, golden_bytes(turned))


def break_graph(folder: Path) -> None:
    """Every hash is right, but the graph is none."""
    replace_file(folder, MODEL, b"no graph")


def replace_file(folder: Path, name: str, data: bytes) -> None:
    """With the hash that belongs to it."""
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][name] = file_sha256(folder / name)
    (folder / MANIFEST).write_text(json.dumps(manifest))


DAMAGES = {
    "flipped bit": (flip_a_byte, "files"),
    "half-written": (leave_out_graph, "files"),
    "cut manifest": (cut_manifest, "manifest"),
    "other answers": (answer_otherwise, "answers"),
    "no graph": (break_graph, "answers"),
}


def complete(folder: Path) -> None:
    """Write what `leave_out_graph` left out, as a slow copy would."""
    name, version = folder.parent.name, folder.name
    whole = aside(folder.parent.parent, name, version)
    partial = folder / (MODEL + ".part")
    shutil.copyfile(whole / MODEL, partial)
    partial.rename(folder / MODEL)
