"""A source is a file of ours, a state dict of the user's, or a name that is known; never a pickle."""

import importlib
import types
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tests.unit.training.tiny import (
    ARCHITECTURE,
    CLASSES,
    facts,
    pixels,
    source_file,
    source_network,
    torchvision_state,
)
from training.adapt import frozen_maps
from training.backbone import STAGES, Architecture, ResNet
from training.data.archives import DataError, sha256
from training.network import AdaptedNetwork
from training.sources import read
from training.sources.read import read_source
from training.sources.source import Source, write_source


def state(architecture: Architecture = ARCHITECTURE) -> dict[str, Tensor]:
    """A network's tensors under torchvision's names."""
    return {k: v.contiguous() for k, v in torchvision_state(source_network(0, architecture)).items()}


def same_backbone(expected: dict[str, Tensor], found: Source) -> bool:
    """Bit for bit."""
    backbone = found.backbone.state_dict()  # type: ignore[attr-defined] # every backbone is a module
    return all(torch.equal(tensor, expected[name]) for name, tensor in backbone.items())


def test_our_own_file_is_read_back_as_rounded(tmp_path: Path) -> None:
    """Matrices and kernels as float16, vectors exact, facts from the header, the hash of the file."""
    path = source_file(tmp_path / "tiny.safetensors")
    found = read_source(str(path), 32)
    rounded = {k: v.half().float() if v.ndim > 1 else v for k, v in state().items()}
    assert same_backbone(rounded, found)
    assert facts() == found.facts
    assert sha256(path.read_bytes()) == found.sha256
    assert found.head is not None
    assert torch.equal(rounded["fc.weight"], found.head[0])


def test_a_source_is_written_the_same_twice(tmp_path: Path) -> None:
    """The manifest names the file by its hash."""
    one, two = source_file(tmp_path / "one.safetensors"), source_file(tmp_path / "two.safetensors")
    assert one.read_bytes() == two.read_bytes()


def test_rounding_happens_once(tmp_path: Path) -> None:
    """Read and written again, not a bit moves: proof and adaptation start from one set of numbers."""
    first = read_source(str(source_file(tmp_path / "one.safetensors")), 32)
    tensors = first.backbone.state_dict()  # type: ignore[attr-defined] # as above
    write_source(tmp_path / "two.safetensors", facts(), tensors)
    assert same_backbone(tensors, read_source(str(tmp_path / "two.safetensors"), 32))


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
@pytest.mark.parametrize(
    "architecture",
    [ARCHITECTURE, Architecture("torchvision", 4, (2, 2, 2, 2)), Architecture("half", 4, (3, 4, 6, 3))],
    ids=["tiny", "resnet18", "resnet34"],
)
def test_a_users_state_dict_is_read_by_its_shapes(tmp_path: Path, suffix: str, architecture: Architecture) -> None:
    """Stem, width and blocks are read off; what the source has seen is unknown, its terms too."""
    path, tensors = tmp_path / f"mine{suffix}", state(architecture)
    save_file(tensors, path) if suffix == ".safetensors" else torch.save(tensors, path)
    found = read_source(str(path), 32)
    assert same_backbone(tensors, found)
    assert isinstance(found.backbone, ResNet)
    assert architecture == found.backbone.architecture
    assert ("mine", "unknown", len(CLASSES)) == (found.facts.name, found.facts.seen_new_class, len(found.facts.classes))
    assert sha256(path.read_bytes()) == found.sha256


def test_half_precision_weights_are_read_as_float32(tmp_path: Path) -> None:
    """bfloat16 and float16 alike."""
    for kind in (torch.float16, torch.bfloat16):
        save_file({k: v.to(kind) if v.ndim > 1 else v for k, v in state().items()}, tmp_path / "half.safetensors")
        found = read_source(str(tmp_path / "half.safetensors"), 32)
        assert {torch.float32} == {p.dtype for p in found.backbone.parameters()}  # type: ignore[attr-defined] # modules answer any name


def test_a_state_dict_without_a_head_has_none(tmp_path: Path) -> None:
    """Forgetting cannot be measured then, and nothing else is missing."""
    save_file({k: v for k, v in state().items() if not k.startswith("fc.")}, tmp_path / "body.safetensors")
    found = read_source(str(tmp_path / "body.safetensors"), 32)
    assert (None, 1) == (found.head, len(found.facts.classes))


def test_a_pickled_module_is_refused(tmp_path: Path) -> None:
    """Loading one may run code."""
    torch.save(nn.Linear(2, 2), tmp_path / "model.pt")
    with pytest.raises(DataError, match=r"Pickled modules may run code and are refused; save with torch\.save"):
        read_source(str(tmp_path / "model.pt"), 32)


class Bomb:
    """Leaves a file when unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (self.mark,))  # type: ignore[return-value] # what an attacker writes


def test_nothing_in_a_weights_file_is_run(tmp_path: Path) -> None:
    """Refused without its effect."""
    torch.save({"conv1.weight": Bomb(tmp_path / "ran")}, tmp_path / "bomb.pt")
    with pytest.raises(DataError, match="no plain state dict"):
        read_source(str(tmp_path / "bomb.pt"), 32)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [{"state_dict": {"conv1.weight": torch.zeros(1)}, "epoch": 3}, [torch.zeros(1)]])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: object) -> None:
    """A whole checkpoint, a list: the sentence says what to save."""
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(DataError, match=r"no mapping of names to tensors\. Save model\.state_dict\(\)"):
        read_source(str(tmp_path / "checkpoint.pt"), 32)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("content", [b"", b"no weights at all", b"\xff" * 100], ids=["empty", "text", "noise"])
def test_a_damaged_file_is_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    """As data that cannot be used, with its name."""
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"broken{suffix}"):
        read_source(str(path), 32)


def test_a_truncated_or_unknown_file_of_ours_is_refused(tmp_path: Path) -> None:
    """Half a download; a header whose facts are of another version."""
    path = source_file(tmp_path / "tiny.safetensors")
    data = path.read_bytes()
    path.write_bytes(data[:-100])
    with pytest.raises(DataError, match=r"tiny\.safetensors: damaged"):
        read_source(str(path), 32)
    save_file(state(), path, {"thaw": '{"name": "tiny"}'})
    with pytest.raises(DataError, match=r"tiny\.safetensors: damaged"):
        read_source(str(path), 32)


def test_bottleneck_blocks_are_refused(tmp_path: Path) -> None:
    """ResNet-50 and up: the sentence says which networks work, and the way for the others."""
    tensors = state() | {"layer1.0.conv3.weight": torch.zeros(16, 4, 1, 1)}
    save_file(tensors, tmp_path / "resnet50.safetensors")
    with pytest.raises(DataError, match=r"not a ResNet of basic blocks.*ResNet-18 and -34 work.*timm:NAME"):
        read_source(str(tmp_path / "resnet50.safetensors"), 32)


@pytest.mark.parametrize("names", [["features.0.weight"], ["conv1.weight"]])
def test_other_networks_are_refused(tmp_path: Path, names: list[str]) -> None:
    """No guess is made."""
    save_file({name: torch.zeros(4, 3, 3, 3) for name in names}, tmp_path / "vgg.safetensors")
    with pytest.raises(DataError, match="not a ResNet of basic blocks"):
        read_source(str(tmp_path / "vgg.safetensors"), 32)


@pytest.mark.parametrize("change", ["missing", "extra", "shape"])
def test_a_network_that_almost_fits_is_refused(tmp_path: Path, change: str) -> None:
    """Every tensor has its place, none is left over: half a source would adapt, quietly worse."""
    tensors = state()
    if change == "missing":
        del tensors["layer3.0.bn2.running_var"]
    if change == "extra":
        tensors["layer3.0.se.weight"] = torch.zeros(1)
    if change == "shape":
        tensors["layer3.0.conv2.weight"] = torch.zeros(1, 1, 3, 3)
    save_file(tensors, tmp_path / "almost.safetensors")
    with pytest.raises(DataError, match=r"almost\.safetensors: does not fit a ResNet of basic blocks: .*layer3"):
        read_source(str(tmp_path / "almost.safetensors"), 32)


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in the store, the package, and the way to more."""
    source_file(tmp_path / "ours-e8.safetensors")
    monkeypatch.setattr(read, "STORE", tmp_path)
    with pytest.raises(DataError, match=r"'nope'.*Known: ours-e8, efficientnet-lite0, timm:NAME"):
        read_source("nope", 32)


def test_a_name_in_the_store_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without path or suffix."""
    source_file(tmp_path / "ours-e8.safetensors")
    monkeypatch.setattr(read, "STORE", tmp_path)
    assert "tiny" == read_source("ours-e8", 32).facts.name


@pytest.mark.parametrize("error", [ImportError("No module named 'timm'"), RuntimeError("operator nms does not exist")])
def test_timm_is_refused_where_it_does_not_import(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absent, or beside a torchvision of another build: what is wrong, and two ways out."""

    def fails(name: str) -> None:
        raise error

    monkeypatch.setattr(importlib, "import_module", fails)
    with pytest.raises(DataError, match=r"timm:resnet18: timm does not import here \(.*\.safetensors"):
        read_source("timm:resnet18", 32)


class TimmLike(nn.Module):
    """A network as timm makes them: stem and layers as children, then a pool."""

    num_features = 32

    def __init__(self, extra: str = "global_pool") -> None:
        super().__init__()
        body = source_network().backbone
        self.conv1, self.bn1, self.act1, self.maxpool = body.conv1, body.bn1, nn.ReLU(), nn.Identity()
        for i in range(1, 5):
            self.add_module(f"layer{i}", body.get_submodule(f"layer{i}"))
        self.add_module(extra, nn.AdaptiveAvgPool2d(1))


def with_timm(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that makes this network."""
    library = types.SimpleNamespace(create_model=lambda name, pretrained, num_classes: network)
    monkeypatch.setattr(importlib, "import_module", lambda name: library)


def test_a_network_of_timms_resnet_family_is_cut_into_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """All five stages, every parameter in one, and the features that our own network of these weights gives."""
    with_timm(TimmLike(), monkeypatch)
    found = read_source("timm:resnet10", 32)
    assert STAGES == tuple(found.backbone.stage_modules())
    assert ("timm:resnet10", "unknown", None) == (found.facts.name, found.facts.seen_new_class, found.head)
    theirs, ours = (AdaptedNetwork(b, 5) for b in (found.backbone, source_network().backbone))
    for network in (theirs, ours):
        network.thaw(2)
    images = pixels(3)
    assert torch.allclose(*(frozen_maps(network, images, torch.float32) for network in (theirs, ours)), atol=1e-5)


def test_other_networks_of_timm_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be cut at layer1 .. layer4 is not cut at all."""
    for network in (nn.Sequential(nn.Conv2d(3, 4, 3)), TimmLike("conv_head")):
        with_timm(network, monkeypatch)
        with pytest.raises(DataError, match=r"only networks of the ResNet family"):
            read_source("timm:vit", 32)
