"""The two things that a handler can answer with: the exported torch program, or the ONNX graph."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from contract.artifact import Artifact, file_sha256
from contract.errors import ArtifactError
from contract.pixels import Pixels

PROGRAM = "program.pt2"
Outputs = tuple[NDArray[np.float32], NDArray[np.float32]]  # probabilities (N, K), activation maps (N, K, h, w)
Graph = Callable[[Pixels], Outputs]  # of uint8 (N, S, S, 3)


def load_graph(folder: Path, artifact: Artifact, options: Mapping[str, object]) -> Graph:
    """options: `handler:` of model-config.yaml. Raises ArtifactError or StartError for what it asks and is not here."""
    runtime, device = options["runtime"], str(options["device"])
    if runtime == "onnx":
        return _onnx(artifact, device)
    if runtime != "program":
        raise ArtifactError(f"model-config.yaml: runtime is {runtime!r}; expected program or onnx. Correct it.")
    if file_sha256(folder / PROGRAM) != options["program_sha256"]:
        raise ArtifactError(f"{folder / PROGRAM}: not the file that was packaged. Package the model again.")
    torch.set_num_threads(int(str(options["threads"])))
    return _program(folder / PROGRAM, device, is_compiled=bool(options["compile"]))


def _program(path: Path, device: str, *, is_compiled: bool) -> Graph:
    module = torch.export.load(path).module().to(device)
    # dynamic: one compilation for every batch size, instead of one each while clients wait
    module = torch.compile(module, dynamic=True) if is_compiled else module

    def run(images: Pixels) -> Outputs:
        with torch.inference_mode():
            probabilities, _, maps = module(torch.from_numpy(images).to(device))
        return probabilities.numpy(force=True), maps.numpy(force=True)

    return run


def _onnx(artifact: Artifact, device: str) -> Graph:
    from serving.engine import CPU, CUDA, Engine  # here, since an archive with a program needs no ONNX Runtime

    engine = Engine(artifact.model_path(), CUDA if device.startswith("cuda") else CPU)

    def run(images: Pixels) -> Outputs:
        inference = engine.run(images, explain=True)
        return inference.probabilities, np.asarray(inference.activation_map)

    return run
