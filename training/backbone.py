"""The ResNet-18 family under torchvision's parameter names, and its named stages.

Four-stage basic-block ResNets; the stem and the width are free. `torchvision` layout: 7x7/2 + pooling;
`half`: 3x3/2 (finer maps for 64-pixel photographs at the same cost); `full`: 3x3/1 (CIFAR layout).
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

STAGES = ("stem", "s1", "s2", "s3", "s4")  # from the photograph to the head
# Normalisation of torchvision's ImageNet models, so that a user's own weights fit without a new graph.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Architecture:
    """What is needed to build a backbone before its weights are read."""

    stem: Literal["torchvision", "half", "full"] = "half"
    width: int = 32  # channels of s1; s2..s4 double it each
    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)

    @property
    def features(self) -> int:
        """Length of the pooled feature vector."""
        return 8 * self.width


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016, as in torchvision)."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, C_in, H, W). Returns (N, C, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + shortcut)


class ResNet(nn.Module):
    """The backbone alone: normalised float (N, 3, S, S) -> features (N, 8 * width, h, w)."""

    mean, std = MEAN, STD

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        width = architecture.width
        kernel, stride = {"torchvision": (7, 2), "half": (3, 2), "full": (3, 1)}[architecture.stem]
        self.conv1 = nn.Conv2d(3, width, kernel, stride, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if architecture.stem == "torchvision" else nn.Identity()
        channels_in = width
        for index, count in enumerate(architecture.blocks):
            channels = width << index
            blocks = [
                BasicBlock(channels_in if i == 0 else channels, channels, 2 if i == 0 and index else 1)
                for i in range(count)
            ]
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))
            channels_in = channels
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @property
    def features(self) -> int:
        """Channels of the last stage."""
        return self.architecture.features

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """Stage name -> its modules, in order; together they hold every parameter and buffer."""
        layers = {f"s{i}": [self.get_submodule(f"layer{i}")] for i in range(1, 5)}
        return {"stem": [self.conv1, self.bn1], **layers}

    def run(self, x: Tensor, start: int = 0, stop: int = 5) -> Tensor:
        """Stages start .. stop-1 (indices into STAGES) on the output of stage start-1."""
        for stage in range(start, stop):
            x = (
                self.maxpool(torch.relu(self.bn1(self.conv1(x))))
                if stage == 0
                else self.get_submodule(f"layer{stage}")(x)
            )
        return x

    def forward(self, x: Tensor) -> Tensor:
        """All stages."""
        return self.run(x)


def normalise(pixels: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """pixels: uint8 (N, S, S, 3). Returns float32 (N, 3, S, S), channels-last in memory: (x / 255 - mean) / std."""
    scale = torch.tensor([1 / (255 * s) for s in std], dtype=torch.float32)
    shift = torch.tensor([-m / s for m, s in zip(mean, std, strict=True)], dtype=torch.float32)
    return (pixels.to(torch.float32) * scale + shift).permute(0, 3, 1, 2)
