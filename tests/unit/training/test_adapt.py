"""The frozen proof: what the depth keeps frozen is byte for byte what the source holds, or nothing is kept."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.unit.training.tiny import QUICK, adapted, allowed, pixels, prepared, quiet, source, source_network
from training import adapt as module
from training.adapt import Adaptation, FrozenTensorMovedError, adapt, fit_temperature, prove_frozen
from training.fit import Examples, Trial
from training.head import set_loss
from training.network import AdaptedNetwork, frozen_names, tensor_hash, tensor_hashes

DEPTHS = range(6)
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def adaptation(depth: int, **settings: object) -> Adaptation:
    """A short real one on coloured squares."""
    return adapt(source(), prepared(), dataclasses.replace(QUICK, depth=depth, **settings), quiet())


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("depth", DEPTHS)
def test_frozen_tensors_stay_byte_for_byte_and_thawed_ones_move(depth: int, bf16: bool) -> None:
    """Parameters and buffers, compared as bytes with the source, not only by the hashes that are recorded."""
    found = adaptation(depth, bf16=bf16)
    original = source_network().backbone.state_dict()
    after = {name: tensor for name, tensor in found.network.state_dict().items() if name in original}
    same = {name for name, tensor in after.items() if tensor.numpy().tobytes() == original[name].numpy().tobytes()}
    parameters = {name for name, _ in found.network.named_parameters()} - {"fc.weight", "fc.bias"}
    statistics = {name for name in original if name.endswith(STATISTICS)}
    assert found.frozen == frozen_names(found.network)
    assert set(original) == set(after)
    assert found.frozen | statistics == same
    assert parameters - found.frozen == set(original) - same
    assert {0: 72, 1: 54, 2: 36, 3: 18, 4: 6, 5: 0}[depth] == len(found.frozen)


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_record_holds_every_tensor_before_and_after(depth: int) -> None:
    """`before` is the source's, `after` the network's, both by hash; frozen ones agree."""
    found = adaptation(depth)
    assert {name: tensor_hash(tensor) for name, tensor in source().backbone.state_dict().items()} == found.before
    assert tensor_hashes(found.network) == found.after
    assert all(found.before[name] == found.after[name] for name in found.frozen)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_the_proof_fails_when_a_frozen_statistic_moves(statistic: str) -> None:
    """Moved by hand, by the least there is: no weight changed, and the proof still raises and names it."""
    network = adapted(1)
    before, frozen = tensor_hashes(network), frozenset(frozen_names(network))
    prove_frozen(before, tensor_hashes(network), frozen)
    name = f"layer2.0.bn1.{statistic}"
    buffer = network.get_buffer(name).view(-1)
    buffer[0] = torch.nextafter(buffer[0], torch.tensor(9.0)) if buffer.is_floating_point() else buffer[0] + 1
    with pytest.raises(FrozenTensorMovedError, match=f"1 frozen tensors changed, {name}"):
        prove_frozen(before, tensor_hashes(network), frozen)


def test_the_proof_fails_when_frozen_batch_norm_is_in_train_mode() -> None:
    """One forward pass, no optimizer, no gradient: the usual way in which a frozen network moves unseen."""
    network = adapted(3)
    before, frozen = tensor_hashes(network), frozenset(frozen_names(network))
    images = torch.from_numpy(pixels(8))
    with torch.no_grad():
        network.train()(images)
        prove_frozen(before, tensor_hashes(network), frozen)
        nn.Module.train(network)(images)  # as a network without our `train` would be
    with pytest.raises(FrozenTensorMovedError, match="Statistics moved"):
        prove_frozen(before, tensor_hashes(network), frozen)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_an_adaptation_whose_batch_norm_trains_is_not_kept(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way, with `train` broken: adapt raises instead of returning a network."""

    def broken(network: AdaptedNetwork, mode: bool = True) -> AdaptedNetwork:
        return nn.Module.train(network, True)

    monkeypatch.setattr(AdaptedNetwork, "train", broken)
    with pytest.raises(FrozenTensorMovedError):
        adaptation(depth)


def test_a_fit_that_moves_a_frozen_weight_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever moved it, one bit is enough."""

    def careless(network: AdaptedNetwork, *given: object) -> Trial:
        with torch.no_grad():
            network.get_parameter("conv1.weight").view(-1)[0] += 1e-3
        return Trial(0.1, 1.0, 0.0, ())

    monkeypatch.setattr(module, "fit", careless)
    with pytest.raises(FrozenTensorMovedError, match=r"conv1\.weight"):
        adaptation(3)


def test_a_fit_that_moves_a_thawed_statistic_shows_in_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is thawed, so it is no breach; the hashes say that it changed."""
    real = module.fit

    def moving(network: AdaptedNetwork, *given: object) -> Trial:
        trial = real(network, *given)  # type: ignore[arg-type] # handed on
        network.get_buffer("layer4.0.bn1.running_mean").add_(1)
        return trial

    monkeypatch.setattr(module, "fit", moving)
    found = adaptation(1)
    assert found.before["layer4.0.bn1.running_mean"] != found.after["layer4.0.bn1.running_mean"]


def test_depth_0_fits_the_head_alone() -> None:
    """No trial of a rate, one per penalty, and the head is the best of them."""
    found = adaptation(0, penalties=(1e-4, 1e-2))
    assert ((), [1e-4, 1e-2]) == (found.trials, [trial.setting for trial in found.head_trials])
    assert max(trial.val_ap for trial in found.head_trials) == pytest.approx(found.val_ap)


def test_the_best_rate_on_validation_stays() -> None:
    """Every rate starts anew from the same head; a diverged one is marked and never chosen."""
    found = adaptation(1, rates=(1e30, 0.03, 1e-6))
    assert [True, False, False] == [trial.diverged for trial in found.trials]
    assert max(trial.val_ap for trial in found.trials[1:]) == pytest.approx(found.val_ap)
    assert all(torch.isfinite(tensor).all() for tensor in found.network.state_dict().values())


def test_when_every_rate_diverges_the_head_is_left() -> None:
    """Still a network that answers: the one that the head made."""
    found = adaptation(1, rates=(1e30,))
    assert found.before == found.after
    assert found.head_trials[0].val_ap == pytest.approx(found.val_ap)


def test_every_rate_starts_from_the_same_weights() -> None:
    """The order of the trials changes nothing."""
    forth, back = (adaptation(1, rates=rates).trials for rates in ((0.03, 0.003), (0.003, 0.03)))
    assert forth == back[::-1]


def test_an_adaptation_is_the_same_twice() -> None:
    """Same source, data, recipe, threads: the same bytes."""
    one, two = adaptation(3), adaptation(3)
    assert one.after == two.after
    assert (one.temperature, one.threshold, one.val_ap) == (two.temperature, two.threshold, two.val_ap)


def test_the_threshold_lets_one_in_a_hundred_through() -> None:
    """At most 1 % of validation's negatives exceed it, as served, and no photograph's probability is at its edge."""
    found, data = adaptation(0), prepared()
    with torch.inference_mode():
        p = found.network.eval()(torch.from_numpy(np.array(data.val_pixels)))[0][:, 0].numpy()
    negatives = p[~Examples(torch.zeros(1), data.val_allowed).positive.numpy()]
    assert 0.01 >= (negatives > found.threshold).mean()
    assert negatives.max() < found.threshold < p[p > negatives.max()].min()


@pytest.mark.parametrize("true", [0.5, 1.0, 2.0, 5.0])
def test_the_temperature_is_found(true: float) -> None:
    """Labels drawn from a softmax at a known temperature give it back."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (20_000, 5))
    chances = np.exp(logits / true) / np.exp(logits / true).sum(1, keepdims=True)
    drawn = (chances.cumsum(1) > random.random((20_000, 1))).argmax(1)
    sets = torch.nn.functional.one_hot(torch.from_numpy(drawn), 5).bool()
    assert true == pytest.approx(fit_temperature(torch.from_numpy(logits), sets), rel=0.05)


def test_the_temperature_has_bounds() -> None:
    """Perfect validation answers would ask for 0; 1/8 is as sure as we get."""
    logits, sets = torch.eye(5).double() * 2, torch.eye(5).bool()
    assert 1 / 8 == pytest.approx(fit_temperature(logits, sets), rel=1e-3)
    assert 8 == pytest.approx(fit_temperature(-logits, sets), rel=1e-3)


def test_calibration_never_makes_validation_worse() -> None:
    """Its loss at the temperature is at most that at 1."""
    found, data = adaptation(0), prepared()
    with torch.inference_mode():
        logits = found.network.eval()(torch.from_numpy(np.array(data.val_pixels)))[1]
    at: Callable[[float], Tensor] = lambda t: set_loss(logits / t, data.val_allowed)  # noqa: E731 - said once
    assert at(found.temperature) <= at(1.0) + 1e-6
    assert found.temperature == pytest.approx(float(found.network.temperature))


def test_seconds_and_lines_are_kept() -> None:
    """Who waits can see what for."""
    watch = quiet()
    found = adapt(source(), prepared(), dataclasses.replace(QUICK, depth=1), watch)
    assert {"cache", "head", "fit"} == set(found.seconds)
    said = watch.console.file.getvalue()  # type: ignore[attr-defined] # a StringIO
    assert all(word in said for word in ("head alone", "rate 0.03"))


def test_labels_are_as_many_as_the_data_names() -> None:
    """The head is new: its size comes from the labels, not from the source."""
    data = dataclasses.replace(prepared(), labels=("bus", "car", "truck", "motorbike", "other"))
    assert (5, 32) == adapt(source(), data, QUICK, quiet()).network.fc.weight.shape
    assert (1, 5) == allowed(["bus"]).shape
