"""`--source`: a name in the store, a file, `efficientnet-lite0`, or `timm:NAME` -> one Source."""

import importlib
from pathlib import Path

from torch import Tensor, nn

from training.backbone import MEAN, STD
from training.data.archives import DataError, sha256
from training.sources import lite
from training.sources.source import Source, SourceFacts, read_tensors, resnet_source

DEFAULT_SOURCE = "tiny198-e8"  # Tiny-ImageNet without buses, eight epochs
STORE = Path(__file__).parents[2] / "model_store" / "source"


def read_source(spec: str, size: int) -> Source:
    """size: side of the input that the adaptation will use. Raises DataError with the known names."""
    if spec == lite.NAME:
        return lite.read_lite(size)
    if spec.startswith("timm:"):
        return _timm_source(spec.removeprefix("timm:"))
    stored = STORE / f"{spec}.safetensors"
    path = stored if stored.is_file() else Path(spec)
    if not path.is_file():
        known = sorted(p.stem for p in STORE.glob("*.safetensors"))
        raise DataError(
            f"source {spec!r}: neither a file nor a known name. Known: {', '.join([*known, lite.NAME])}, timm:NAME."
        )
    return resnet_source(path, *read_tensors(path))


class _TimmBackbone(nn.Module):
    """A timm feature pyramid: its last four feature levels end s1 .. s4, whatever lies before is the stem."""

    mean, std = MEAN, STD

    def __init__(self, network: nn.Module, channels: int, cuts: list[str]) -> None:
        super().__init__()
        self._cuts = cuts
        self.features = channels
        for name, child in network.named_children():
            self.add_module(name, child)

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """Stage name -> its modules."""
        return dict(zip(("stem", "s1", "s2", "s3", "s4"), self._stages(), strict=True))

    def run(self, x: Tensor, start: int = 0, stop: int = 5) -> Tensor:
        """Stages start .. stop-1."""
        for modules in self._stages()[start:stop]:
            for module in modules:
                x = module(x)
        return x

    def _stages(self) -> list[list[nn.Module]]:
        stages: list[list[nn.Module]] = [[]]
        for name, child in self.named_children():
            if name in self._cuts:
                stages.append([child])
            else:
                stages[-1].append(child)
        return stages


def _timm_source(name: str) -> Source:
    try:
        timm = importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:
        raise DataError(
            f"timm:{name}: timm does not import here ({error}). Install timm and the torchvision of your torch build "
            "(for CPU builds from PyTorch's own CPU index), or give the weights as a .safetensors file."
        ) from error
    network = timm.create_model(name, pretrained=True, num_classes=0)
    children = [child for child, _ in network.named_children()]
    cuts = [child for child in children if child.startswith("layer")]
    if len(cuts) != 4 or any(child in children[children.index(cuts[-1]) + 1 :] for child in ("conv_head", "norm")):
        raise DataError(f"timm:{name}: only networks of the ResNet family (layer1 .. layer4) are cut into stages here.")
    backbone = _TimmBackbone(network, int(network.num_features), cuts)
    for extra in children[children.index(cuts[-1]) + 1 :]:
        delattr(backbone, extra)
    digest = sha256(b"".join(v.float().numpy().tobytes() for v in backbone.state_dict().values()))
    facts = SourceFacts(
        name=f"timm:{name}",
        classes=("unknown",),
        seen_new_class="unknown",
        terms="see the model's card",
        architecture={"family": "timm"},
    )
    return Source(facts, digest, backbone, None)
