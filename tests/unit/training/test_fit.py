"""The loop: what the optimizer holds, what a curve says, what becomes of a trial that diverges."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.training.tiny import QUICK, adapted, prepared
from training.adapt import frozen_maps
from training.fit import REPORT_EVERY, Examples, TailAverage, fit, log_odds, make_optimizer, predict, thawed_parameters
from training.network import AdaptedNetwork, frozen_names


def examples(network: AdaptedNetwork) -> tuple[Examples, Examples]:
    """Cached maps of coloured squares, to fit and to validate."""
    data = prepared()
    train = Examples(frozen_maps(network, data.fit_pixels, torch.float32), data.fit_allowed)
    return train, Examples(frozen_maps(network, data.val_pixels, torch.float32), data.val_allowed)


def nothing(step: int) -> None:
    """Nobody watches."""


@pytest.mark.parametrize("depth", range(6))
def test_the_optimizer_holds_exactly_the_thawed_tensors(depth: int) -> None:
    """By identity: none more, none less, none twice; head always, buffers never."""
    network = adapted(depth)
    held = [id(p) for group in make_optimizer(network, QUICK, 0.1).param_groups for p in group["params"]]
    frozen = frozen_names(network)
    expected = [id(p) for name, p in network.named_parameters() if name not in frozen]
    assert sorted(expected) == sorted(held)
    assert len(held) == len(set(held))


def test_only_matrices_and_kernels_decay() -> None:
    """A batch norm's scale that decays would turn a channel off."""
    decayed, plain = make_optimizer(adapted(5), QUICK, 0.1).param_groups
    assert (QUICK.weight_decay, 0.0) == (decayed["weight_decay"], plain["weight_decay"])
    assert all(p.ndim > 1 for p in decayed["params"])
    assert all(p.ndim == 1 for p in plain["params"])


def test_fitting_learns() -> None:
    """Loss falls, and the new class ranks higher than by chance."""
    network, recipe = adapted(2), dataclasses.replace(QUICK, steps=3 * REPORT_EVERY, rates=(0.03,))
    train, val = examples(network)
    trial = fit(network, train, val, recipe, 0.03, nothing)
    assert [REPORT_EVERY * i for i in (1, 2, 3)] == [point["step"] for point in trial.curve]
    assert trial.curve[-1]["train_loss"] < trial.curve[0]["train_loss"]
    assert 0.9 < trial.val_ap <= 1.0
    assert not trial.diverged


def test_every_step_is_told() -> None:
    """A bar has something to show."""
    network, seen = adapted(1), []
    fit(network, *examples(network), QUICK, 0.01, seen.append)
    assert list(range(1, QUICK.steps + 1)) == seen


def test_the_same_seed_gives_the_same_bytes() -> None:
    """And another seed other ones."""
    ends = []
    for seed in (0, 0, 1):
        network = adapted(2)
        fit(network, *examples(network), dataclasses.replace(QUICK, seed=seed), 0.03, nothing)
        ends.append(network.state_dict()["layer4.0.conv1.weight"].numpy().tobytes())
    assert ends[0] == ends[1]
    assert ends[0] != ends[2]


def test_a_diverging_trial_ends_and_says_so() -> None:
    """At the step whose loss is no number any more: no validation figure, the rest of the steps are spared."""
    network, seen = adapted(1), []
    trial = fit(network, *examples(network), dataclasses.replace(QUICK, clip=1e30, steps=50), 1e30, seen.append)
    assert trial.diverged
    assert np.isnan([trial.val_ap, trial.val_loss]).all()
    assert 50 > len(seen)


def test_the_tail_is_a_mean() -> None:
    """Of what was added, not of where it began."""
    parameter = nn.Parameter(torch.tensor([100.0]))
    tail = TailAverage([parameter])
    for value in (1.0, 2.0, 6.0):
        with torch.no_grad():
            parameter.fill_(value)
        tail.add()
    tail.apply()
    assert torch.allclose(torch.tensor([3.0]), parameter)


def test_examples_know_which_are_surely_new() -> None:
    """A photograph that may be a bus or a car is no positive."""
    sets = torch.tensor([[True, False, False], [True, True, False], [False, True, False]])
    assert [True, False, False] == Examples(torch.zeros(3, 1, 1, 1), sets).positive.tolist()


def test_log_odds_order_as_the_served_probability_does() -> None:
    """They are the logit of that probability, without its saturation at 1."""
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [400.0, 0.0, 0.0]])
    p = torch.softmax(logits.double(), 1)[:2, 0]
    assert torch.allclose(torch.log(p / (1 - p)), log_odds(logits)[:2])
    assert 390 < float(log_odds(logits)[2]) < 401
    assert torch.float64 == log_odds(logits).dtype


def test_predictions_do_not_depend_on_the_batch() -> None:
    """Float32 logits, in order."""
    network = adapted(1)
    train, _ = examples(network)
    assert torch.allclose(predict(network, train.maps, 7), predict(network, train.maps, 64), atol=1e-5)


def test_what_is_thawed_is_what_the_depth_says() -> None:
    """Depth 0 thaws two tensors: the head's weight and bias."""
    assert [2, 5 * 32 + 5] == [
        len(thawed_parameters(adapted(0))),
        sum(p.numel() for p in thawed_parameters(adapted(0))),
    ]
