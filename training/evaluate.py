"""A network on a test split: one stored row a photograph. Every figure is computed later from these rows."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.data.archives import DataError
from training.data.rows import Row
from training.network import AdaptedNetwork

COLUMNS = ("run", "test", "path", "word", "group", "labels", "is_new", "grey", "score", "predicted")
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601 luma


@dataclass(frozen=True)
class Scored:
    """One photograph's answer. `score`: log-odds of the new class after calibration."""

    run: str
    test: str
    path: str
    word: str  # the collection's own class
    group: str
    labels: str
    is_new: bool
    grey: bool
    score: float
    predicted: str


@dataclass(frozen=True)
class TestSet:
    """Photographs that nothing is chosen by. `pixels`: uint8 (N, S, S, 3), as served."""

    name: str
    rows: tuple[Row, ...]
    pixels: NDArray[np.uint8]


@torch.inference_mode()
def answers(
    network: AdaptedNetwork, pixels: NDArray[np.uint8], batch: int = 64
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """pixels: uint8 (N, S, S, 3). Returns (log-odds of the new class after calibration (N,), predicted label (N,))."""
    network.eval()
    scores, predicted = [], []
    for start in range(0, len(pixels), batch):
        logits = (
            network(torch.from_numpy(np.array(pixels[start : start + batch])))[1].double()
            / network.temperature.double()
        )
        scores.append((logits[:, 0] - torch.logsumexp(logits[:, 1:], 1)).numpy())
        predicted.append(logits.argmax(1).numpy())
    return np.concatenate(scores), np.concatenate(predicted)


def evaluate(run: str, test: TestSet, network: AdaptedNetwork, labels: tuple[str, ...]) -> list[Scored]:
    """Colour and grey: the second asks what is left without the colour."""
    out: list[Scored] = []
    for grey in (False, True):
        scores, predicted = answers(network, to_grey(test.pixels) if grey else test.pixels)
        for row, score, label in zip(test.rows, scores, predicted, strict=True):
            is_new = row.labels == {labels[0]}
            names = "|".join(sorted(row.labels))
            out.append(
                Scored(run, test.name, row.path, row.word, row.group, names, is_new, grey, float(score), labels[label])
            )
    return out


def to_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (N, S, S, 3) -> the same without colour."""
    grey = np.rint(np.asarray(pixels) @ GREY).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=3)


def write_scores(path: Path, scored: Iterable[Scored]) -> None:
    """Gzipped CSV with the same bytes for the same rows; scores in full precision."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for s in scored:
        writer.writerow(
            [s.run, s.test, s.path, s.word, s.group, s.labels, int(s.is_new), int(s.grey), repr(s.score), s.predicted]
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))
    partial.replace(path)


def read_scores(path: Path) -> list[Scored]:
    """The rows of `write_scores`. Raises DataError when the file is no such table."""
    try:
        records = csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode()))
        if tuple(records.fieldnames or ()) != COLUMNS:
            raise ValueError(f"its columns are {', '.join(records.fieldnames or ()) or 'none'}")
        return [
            Scored(
                *(r[name] for name in COLUMNS[:6]),
                r["is_new"] == "1",
                r["grey"] == "1",
                float(r["score"]),
                r["predicted"],
            )
            for r in records
        ]
    except (OSError, TypeError, ValueError, EOFError, zlib.error, csv.Error) as error:
        raise DataError(f"{path}: no table of scores ({error}). Make it with `python -m training adapt`.") from error
