"""The adapted network: who is frozen, what stays in eval mode, and what its outputs mean."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.training.tiny import adapted, pixels, source, source_network
from training.backbone import STAGES, Architecture, ResNet
from training.network import AdaptedNetwork, frozen_names, tensor_hash, tensor_hashes

DEPTHS = range(len(STAGES) + 1)
PARTS = ("conv1.", "bn1.", "layer1.", "layer2.", "layer3.", "layer4.", "fc.")  # conv1 and bn1 are the stem


@pytest.mark.parametrize("depth", DEPTHS)
def test_exactly_the_last_stages_and_the_head_are_thawed(depth: int) -> None:
    """Depth counts from the head; the head itself is always trained."""
    thawed = (*PARTS[6 - depth :],) if depth < 5 else PARTS
    for name, parameter in adapted(depth).named_parameters():
        assert name.startswith(thawed) == parameter.requires_grad, name


@pytest.mark.parametrize("depth", [-1, 6, 99])
def test_other_depths_are_refused(depth: int) -> None:
    """With the value and what it may be."""
    with pytest.raises(ValueError, match=f"depth is {depth}; expected 0"):
        adapted().thaw(depth)


@pytest.mark.parametrize("stem", ["torchvision", "half", "full"])
def test_every_tensor_belongs_to_exactly_one_stage(stem: str) -> None:
    """Parameters and buffers: none left out, none claimed twice."""
    backbone = ResNet(Architecture(stem, width=4))  # type: ignore[arg-type] # one of the three
    claimed = [
        id(tensor)
        for modules in backbone.stage_modules().values()
        for module in modules
        for tensor in (*module.parameters(), *module.buffers())
    ]
    assert STAGES == tuple(backbone.stage_modules())
    assert sorted(claimed) == sorted(id(tensor) for tensor in (*backbone.parameters(), *backbone.buffers()))


class Forgetful(ResNet):
    """A backbone that names no stage for its stem."""

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """Without conv1 and bn1."""
        return super().stage_modules() | {"stem": []}


class Greedy(ResNet):
    """A backbone whose first stage claims its second one too."""

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """layer2 twice."""
        stages = super().stage_modules()
        return stages | {"s1": stages["s1"] + stages["s2"]}


@pytest.mark.parametrize(("kind", "word"), [(Forgetful, "no stage claims conv1.weight"), (Greedy, "stage s2: claims")])
def test_a_backbone_that_cannot_say_who_is_frozen_is_refused(kind: type[ResNet], word: str) -> None:
    """A tensor in no stage would be trained or frozen by accident."""
    with pytest.raises(ValueError, match=word):
        AdaptedNetwork(kind(Architecture(width=4)), 5).thaw(1)


@pytest.mark.parametrize("depth", DEPTHS)
def test_batch_norm_stays_in_eval_mode_whoever_calls_train(depth: int) -> None:
    """Twice in a row, through a parent, after another thaw: no statistic moves, in thawed stages neither."""
    network = adapted(depth)
    network.train()
    network.train()
    nn.Sequential(network).train()
    network.thaw(depth)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert 12 == len(norms)
    assert not any(norm.training for norm in norms)
    assert network.training
    assert network.get_submodule("layer1").training
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    network(torch.from_numpy(pixels(4)))
    assert all(torch.equal(before[name], buffer) for name, buffer in network.named_buffers())


@pytest.mark.parametrize("depth", DEPTHS)
def test_frozen_names_are_parameters_and_buffers_of_the_frozen_stages(depth: int) -> None:
    """Statistics count as much as weights; the head and the temperature are no stage."""
    network = adapted(depth)
    frozen, thawed = frozen_names(network), (*PARTS[6 - depth :],) if depth < 5 else PARTS
    tensors = set(tensor_hashes(network))
    assert frozen == {name for name in tensors if not name.startswith(thawed)}
    if depth < 5:
        assert {"conv1.weight", "bn1.running_mean", "bn1.running_var", "bn1.num_batches_tracked"} <= frozen


def test_hashes_cover_every_tensor_of_the_backbone() -> None:
    """By the names of the source file, without head and temperature."""
    expected = set(source_network().backbone.state_dict())
    assert expected == set(tensor_hashes(adapted()))


def test_a_hash_is_of_float32_values_not_of_their_place_in_memory() -> None:
    """Channels-last or half precision stored, the same numbers give the same hash; one bit gives another."""
    kernel = torch.randn(4, 3, 3, 3).half()
    same = kernel.float().contiguous(memory_format=torch.channels_last)
    assert tensor_hash(kernel) == tensor_hash(same)
    moved = same.clone()
    moved[0, 0, 0, 0] = torch.nextafter(moved[0, 0, 0, 0], torch.tensor(9.0))
    assert tensor_hash(kernel) != tensor_hash(moved)


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_cached_way_gives_the_answers_of_the_whole(depth: int) -> None:
    """prefix then suffix equals forward, wherever the cut is."""
    network = adapted(depth).eval()
    images = torch.from_numpy(pixels(6))
    with torch.inference_mode():
        assert torch.allclose(network(images)[1], network.suffix(network.prefix(images)), atol=1e-5)


def test_probabilities_are_a_softmax_at_the_stored_temperature() -> None:
    """Logits are raw; temperature changes probabilities alone."""
    network = adapted().eval()
    network.temperature.fill_(2.5)
    with torch.inference_mode():
        probabilities, logits, _ = network(torch.from_numpy(pixels(5)))
    assert torch.allclose(torch.softmax(logits / 2.5, 1), probabilities)
    assert torch.allclose(torch.ones(5), probabilities.sum(1))


def test_the_activation_map_adds_up_to_the_logit() -> None:
    """Its mean plus the head's bias: the map explains all of the answer and nothing else."""
    network = adapted().eval()
    with torch.inference_mode():
        _, logits, maps = network(torch.from_numpy(pixels(3)))
    assert (3, 5, 2, 2) == maps.shape
    assert torch.allclose(logits, maps.mean((2, 3)) + network.fc.bias, atol=1e-5)


def test_a_photograph_does_not_depend_on_its_neighbours() -> None:
    """Alone or in a batch, an answer is the same."""
    network, images = adapted().eval(), torch.from_numpy(pixels(4))
    with torch.inference_mode():
        together, alone = network(images)[0], torch.cat([network(image[None])[0] for image in images])
    assert torch.allclose(together, alone, atol=1e-6)


def test_the_source_lends_its_own_modules() -> None:
    """Nothing is copied: the file's names and the network's are one."""
    given = source()
    network = AdaptedNetwork(given.backbone, 3)
    assert given.backbone.conv1 is network.get_submodule("conv1")
    assert {"fc.weight", "fc.bias", "temperature"} == set(network.state_dict()) - set(given.backbone.state_dict())
    assert np.isclose(1.0, network.temperature)
