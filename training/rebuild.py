"""An artifact -> the torch network it came from, so that nothing but ONNX needs to be kept."""

import numpy as np
import torch

from contract.artifact import Artifact
from contract.errors import ArtifactError
from training.backbone import Architecture, ResNet
from training.export import initialisers
from training.network import AdaptedNetwork, Backbone
from training.sources import lite


def build_backbone(architecture: dict[str, object]) -> Backbone:
    """An untrained backbone of the kind a manifest describes. Raises ArtifactError for an unknown family."""
    family = architecture.get("family")
    if family == "resnet":
        settings = {k: tuple(v) if isinstance(v, list) else v for k, v in architecture.items() if k != "family"}
        return ResNet(Architecture(**settings))  # type: ignore[arg-type] # written by SourceFacts
    if family == lite.NAME:
        return lite.read_lite(int(str(architecture["size"]))).backbone
    raise ArtifactError(f"architecture {family!r} is unknown; expected resnet or {lite.NAME}. Update Thaw.")


def rebuild(artifact: Artifact) -> AdaptedNetwork:
    """The network, every tensor read back from model.onnx. Raises ArtifactError when one is missing or misshapen."""
    manifest = artifact.manifest
    network = AdaptedNetwork(build_backbone(dict(manifest.architecture)), len(manifest.labels))
    network.thaw(manifest.depth)
    stored = initialisers(artifact.model_path().read_bytes())
    state = network.state_dict()
    for name, tensor in state.items():
        if name.endswith("num_batches_tracked"):
            continue  # counts training batches; the graph has no use for it
        found = stored.get(name)
        if found is None or found.shape != tuple(tensor.shape):
            shape = None if found is None else found.shape
            raise ArtifactError(
                f"{artifact.folder}: model.onnx has {name} as {shape}, expected {tuple(tensor.shape)}. Export again."
            )
        tensor.copy_(torch.from_numpy(np.array(found, np.float32)))
    network.eval()
    return network
