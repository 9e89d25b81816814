"""The network that is adapted and exported: any backbone, average pooling, one linear head, one graph."""

import hashlib
from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor, nn

from training.backbone import STAGES, normalise


class Backbone(Protocol):
    """What a source offers: named stages that run one after another. An nn.Module with these beside it."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def features(self) -> int:
        """Channels of the last stage."""

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """Stage name -> its modules; together they hold every parameter and buffer."""

    def run(self, x: Tensor, start: int = 0, stop: int = 5) -> Tensor:
        """Stages start .. stop-1 on the output of stage start-1."""

    def named_children(self) -> Iterator[tuple[str, nn.Module]]:
        """As nn.Module."""


class AdaptedNetwork(nn.Module):
    """uint8 photographs -> probabilities, logits, class activation maps.

    Tensors keep the backbone's own names (`layer1.0.conv1.weight`), the head is `fc`: what the source file,
    the manifest and the ONNX graph call by one name.
    """

    temperature: Tensor

    def __init__(self, backbone: Backbone, labels: int) -> None:
        super().__init__()
        for name, child in backbone.named_children():
            self.add_module(name, child)
        self.__dict__["backbone"] = backbone  # beside the module tree: its children are already ours
        self.fc = nn.Linear(backbone.features, labels)
        self.register_buffer("temperature", torch.ones(()))
        self.depth = 0

    def thaw(self, depth: int) -> None:
        """Train the head and the last `depth` stages; the rest stays byte for byte, statistics included."""
        if not 0 <= depth <= len(STAGES):
            raise ValueError(f"depth is {depth}; expected 0 (head only) to {len(STAGES)} (everything).")
        self.depth = depth
        claimed = self._claims()
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(claimed[name] >= len(STAGES) - depth)
        self.train(self.training)

    def train(self, mode: bool = True) -> "AdaptedNetwork":
        """Batch norm keeps its running statistics in every stage, thawed or not, whoever calls this."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def cached_stages(self) -> int:
        """How many stages from the photograph on are frozen."""
        return len(STAGES) - self.depth

    def prefix(self, pixels: Tensor) -> Tensor:
        """pixels: uint8 (N, S, S, 3). Returns the output of the frozen stages."""
        backbone: Backbone = self.__dict__["backbone"]
        x = normalise(pixels, backbone.mean, backbone.std).contiguous(memory_format=torch.channels_last)
        return backbone.run(x, 0, self.cached_stages())

    def features(self, x: Tensor) -> Tensor:
        """Output of the frozen stages -> pooled features (N, F)."""
        backbone: Backbone = self.__dict__["backbone"]
        return backbone.run(x, self.cached_stages(), len(STAGES)).mean((2, 3))

    def suffix(self, x: Tensor) -> Tensor:
        """Output of the frozen stages -> logits (N, K)."""
        return self.fc(self.features(x))  # type: ignore[no-any-return] # stubs say Any

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """images: uint8 (N, S, S, 3). Returns probabilities (N, K), logits (N, K), activation_map (N, K, h, w).

        The map is the features times the head's weights: for pooling and one linear head it equals Grad-CAM up
        to a constant (Zhou et al. 2016), and its mean plus the bias is the logit.
        """
        backbone: Backbone = self.__dict__["backbone"]
        features = backbone.run(normalise(images, backbone.mean, backbone.std))
        logits = self.fc(features.mean((2, 3)))
        activation_map = nn.functional.conv2d(features, self.fc.weight[:, :, None, None])
        return torch.softmax(logits / self.temperature, 1), logits, activation_map

    def _claims(self) -> dict[str, int]:
        """Parameter name -> index of the stage that holds it (the head counts as one more)."""
        backbone: Backbone = self.__dict__["backbone"]
        owner = {id(p): len(STAGES) for p in self.fc.parameters()}
        for index, (stage, modules) in enumerate(backbone.stage_modules().items()):
            for parameter in (p for module in modules for p in module.parameters()):
                if id(parameter) in owner:
                    raise ValueError(f"stage {stage}: claims a parameter that another stage claims too.")
                owner[id(parameter)] = index
        missing = [name for name, p in self.named_parameters() if id(p) not in owner]
        if missing:
            raise ValueError(f"no stage claims {', '.join(missing)}. Every parameter belongs to exactly one stage.")
        return {name: owner[id(p)] for name, p in self.named_parameters()}


def tensor_hashes(network: nn.Module) -> dict[str, str]:
    """Name -> SHA-256 of the float32 bytes, for every parameter and buffer of the backbone."""
    return {
        name: tensor_hash(t)
        for name, t in network.state_dict().items()
        if name != "temperature" and not name.startswith("fc.")
    }


def tensor_hash(tensor: Tensor) -> str:
    """SHA-256 of a tensor's float32 bytes in row-major order."""
    return hashlib.sha256(tensor.detach().to(torch.float32).contiguous().numpy().tobytes()).hexdigest()


def frozen_names(network: AdaptedNetwork) -> set[str]:
    """Parameters and buffers of the stages that the network's depth leaves frozen."""
    backbone: Backbone = network.__dict__["backbone"]
    frozen = list(backbone.stage_modules().values())[: network.cached_stages()]
    inside = {id(t) for modules in frozen for m in modules for t in (*m.parameters(), *m.buffers())}
    tensors = (*network.named_parameters(), *network.named_buffers())
    return {name for name, tensor in tensors if id(tensor) in inside}
