"""The ResNet family: torchvision's names, stages that can be cut anywhere, one normalisation."""

import numpy as np
import pytest
import torch

from tests.unit.training.tiny import pixels
from training.backbone import MEAN, STAGES, STD, Architecture, ResNet, normalise


def test_resnet18_has_torchvisions_names_and_shapes() -> None:
    """A state dict made for torchvision's ResNet-18 fits without a map of names."""
    shapes = {name: tuple(t.shape) for name, t in ResNet(Architecture("torchvision", width=64)).state_dict().items()}
    assert 120 == len(shapes)
    assert (64, 3, 7, 7) == shapes["conv1.weight"]
    assert (512, 512, 3, 3) == shapes["layer4.1.conv2.weight"]
    assert (128, 64, 1, 1) == shapes["layer2.0.downsample.0.weight"]
    assert "layer1.0.downsample.0.weight" not in shapes
    assert 11_176_512 == sum(np.prod(s) for name, s in shapes.items() if "running" not in name and "num_" not in name)


@pytest.mark.parametrize(("stem", "side"), [("torchvision", 2), ("half", 4), ("full", 8)])
def test_the_stem_decides_how_fine_the_map_is(stem: str, side: int) -> None:
    """64 pixels become 2, 4 or 8 cells a side."""
    backbone = ResNet(Architecture(stem, width=4, blocks=(1, 1, 1, 1))).eval()  # type: ignore[arg-type] # one of three
    with torch.inference_mode():
        assert (1, 32, side, side) == backbone(torch.zeros(1, 3, 64, 64)).shape


@pytest.mark.parametrize("cut", range(6))
def test_stages_run_one_after_another(cut: int) -> None:
    """Cut anywhere, the two parts give what the whole gives."""
    torch.manual_seed(0)
    backbone = ResNet(Architecture(width=4)).eval()
    x = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(backbone(x), backbone.run(backbone.run(x, 0, cut), cut, len(STAGES)))


def test_features_are_as_many_as_the_head_needs() -> None:
    """Eight times the first stage's width."""
    assert [32, 512] == [ResNet(Architecture(width=w, blocks=(1, 1, 1, 1))).features for w in (4, 64)]


def test_normalisation_is_the_usual_one() -> None:
    """(x / 255 - mean) / std, channels first, float32."""
    images = pixels(2)
    expected = (images.astype(np.float64) / 255 - MEAN) / STD
    found = normalise(torch.from_numpy(images), MEAN, STD)
    assert torch.float32 == found.dtype
    assert np.allclose(expected.transpose(0, 3, 1, 2), found.numpy(), atol=1e-5)
