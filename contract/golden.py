"""Stored photographs with the probabilities that any runtime must give for them before it says ready."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.errors import ArtifactError

TOLERANCE = 1e-4  # absolute, on probabilities: the promise between torch, ONNX Runtime and TorchServe


@dataclass(frozen=True)
class Golden:
    """`photographs`: encoded files; `probabilities`: float32 (n, K), in the manifest's order of labels."""

    photographs: tuple[bytes, ...]
    probabilities: NDArray[np.float32]


def golden_bytes(golden: Golden) -> bytes:
    """The content of `golden.npz`: plain arrays, nothing pickled."""
    arrays = {f"photograph_{i}": np.frombuffer(data, np.uint8) for i, data in enumerate(golden.photographs)}
    buffer = io.BytesIO()
    np.savez(buffer, probabilities=golden.probabilities.astype(np.float32), **arrays)  # type: ignore[arg-type] # numpy's stub takes the names for allow_pickle
    return buffer.getvalue()


def read_golden(path: Path | zipfile.Path) -> Golden:
    """path: in a folder, or in an archive. Raises ArtifactError when the file is no golden file."""
    try:
        content = io.BytesIO(path.read_bytes())  # given a path, numpy leaves a damaged file open
        with np.load(content, allow_pickle=False) as arrays:
            probabilities = arrays["probabilities"]
            if probabilities.ndim != 2 or not len(probabilities):
                raise ValueError(f"probabilities of shape {probabilities.shape} prove nothing")
            photographs = tuple(arrays[f"photograph_{i}"].tobytes() for i in range(len(probabilities)))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"{path}: no golden file ({error}). Export the artifact again.") from error
    return Golden(photographs, probabilities)


def compare(golden: Golden, probabilities: NDArray[np.float32], tolerance: float = TOLERANCE) -> str | None:
    """None when equal within the tolerance, else a sentence with the largest difference."""
    if probabilities.shape != golden.probabilities.shape:
        return f"golden answers have shape {golden.probabilities.shape}, the runtime gave {probabilities.shape}"
    if not np.isfinite(probabilities).all():
        return "the runtime gave values that are not finite"
    difference = np.abs(probabilities - golden.probabilities).max(axis=1)
    worst = int(difference.argmax())
    if difference[worst] <= tolerance:
        return None
    return f"golden photograph {worst} differs by {difference[worst]:.2e}; the tolerance is {tolerance:.0e}"
