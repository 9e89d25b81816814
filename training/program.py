"""An artifact -> the torch.export program that TorchServe answers with, proved against the artifact's goldens."""

import io
from pathlib import Path

import numpy as np
import torch

from contract.artifact import Artifact
from contract.errors import ArtifactError
from contract.golden import TOLERANCE, compare
from contract.pixels import to_input
from training.rebuild import rebuild

PROGRAM = "program.pt2"
MOST_PHOTOGRAPHS = 1024  # of one batch; the exporter wants a bound
BATCHES = (1, 3, 8)


def export_program(artifact: Artifact) -> bytes:
    """The content of program.pt2: uint8 (N, S, S, 3) -> probabilities, logits, activation_map; N up to 1024.

    Raises ArtifactError when the artifact has no parity record, or the program answers other than its goldens.
    """
    require_parity(artifact)
    size = artifact.manifest.input.size
    network = rebuild(artifact).requires_grad_(False)
    photographs = torch.export.Dim("N", min=1, max=MOST_PHOTOGRAPHS)
    # two photographs: with one, the exporter would take N for a constant
    example = torch.zeros((2, size, size, 3), dtype=torch.uint8)
    program = torch.export.export(network, (example,), dynamic_shapes={"images": {0: photographs}})
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
            node.meta.pop("stack_trace", None)  # paths of this machine
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    _replay(artifact, buffer.getvalue())
    return buffer.getvalue()


def require_parity(artifact: Artifact) -> None:
    """Raises ArtifactError unless ONNX Runtime and torch were compared at export, within today's promise."""
    parity = artifact.manifest.parity
    if parity.max_difference > min(parity.tolerance, TOLERANCE):
        raise ArtifactError(
            f"{artifact.folder}: its parity record says {parity.max_difference:.1e}, the limit is {TOLERANCE:.0e}. "
            "Export the artifact again."
        )


def write_program(artifact: Artifact, out: Path) -> Path:
    """`<out>/<name>/<version>/program.pt2`, whole or not at all. Raises ArtifactError as `export_program`."""
    path = out / artifact.manifest.name / artifact.manifest.version / PROGRAM
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(export_program(artifact))
    return partial.replace(path)


@torch.inference_mode()
def _replay(artifact: Artifact, program: bytes) -> None:
    """What was saved, read back: at several batch sizes, since one may be specialised by mistake."""
    module = torch.export.load(io.BytesIO(program)).module()
    golden, source = artifact.golden(), artifact.manifest.input
    images = np.stack([to_input(data, source.size, source.resize).rgb for data in golden.photographs])
    for batch in BATCHES:
        parts = [torch.from_numpy(images[start : start + batch]) for start in range(0, len(images), batch)]
        found = np.concatenate([module(part)[0].numpy() for part in parts])
        if difference := compare(golden, found):
            raise ArtifactError(
                f"{artifact.folder}: program.pt2: {difference} in batches of {batch}. Nothing was kept."
            )
