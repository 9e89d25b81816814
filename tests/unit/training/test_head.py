"""Head first: logistic regression with sets of labels."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from torch import nn

from training.head import fit_head, set_loss


def one_hot(targets: torch.Tensor, labels: int) -> torch.Tensor:
    """bool (N, K) with one label each."""
    return nn.functional.one_hot(targets, labels).bool()


@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0.1, 30))
def test_the_loss_is_minus_the_log_of_the_summed_probability(seed: int, labels: int, scale: float) -> None:
    """For any logits and any sets: -log sum of the allowed probabilities, averaged over rows."""
    random = np.random.default_rng(seed)
    logits = torch.from_numpy(random.normal(0, scale, (7, labels)))
    sets = torch.from_numpy(random.random((7, labels)) < 0.5)
    sets[torch.arange(7), torch.from_numpy(random.integers(0, labels, 7))] = True
    p = torch.softmax(logits, 1)
    expected = -torch.log((p * sets).sum(1)).mean()
    assert float(expected) == pytest.approx(float(set_loss(logits, sets)), rel=1e-6, abs=1e-9)


def test_with_single_labels_it_is_cross_entropy() -> None:
    """The usual loss is the special case."""
    logits, targets = torch.randn(50, 5), torch.randint(0, 5, (50,))
    assert torch.allclose(nn.functional.cross_entropy(logits, targets), set_loss(logits, one_hot(targets, 5)))


def test_when_everything_is_allowed_nothing_is_learnt() -> None:
    """Loss 0 and no gradient: such a photograph says nothing."""
    logits = torch.randn(4, 3, requires_grad=True)
    loss = set_loss(logits, torch.ones(4, 3, dtype=torch.bool))
    loss.backward()
    assert 0 == pytest.approx(float(loss.detach()), abs=1e-6)
    assert torch.allclose(torch.zeros(4, 3), logits.grad, atol=1e-7)


def test_a_set_does_not_say_which_of_its_labels() -> None:
    """Within the set the gradient keeps the model's own proportions; outside it pushes down."""
    logits = torch.tensor([[1.0, 2.0, 0.5]], requires_grad=True)
    set_loss(logits, torch.tensor([[False, True, True]])).backward()
    gradient = logits.grad[0]
    assert 0 < gradient[0]
    share = torch.softmax(torch.tensor([2.0, 0.5]), 0)
    assert torch.allclose(-gradient[0] * share, gradient[1:])


def test_large_logits_stay_finite() -> None:
    """Float32 exponentials overflow from 89 on; the loss does not."""
    logits = torch.tensor([[1000.0, -1000.0], [-1000.0, 1000.0]])
    loss = set_loss(logits, torch.tensor([[True, False], [True, False]]))
    assert 1000 == pytest.approx(float(loss))


def clouds(seed: int = 0, labels: int = 3, features: int = 8, each: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    """Overlapping groups of points far from the origin, scaled unevenly, and their labels."""
    random = np.random.default_rng(seed)
    targets = np.repeat(np.arange(labels), each)
    points = random.normal(0, 1, (labels * each, features)) + 1.5 * random.normal(0, 1, (labels, features))[targets]
    scaled = points * np.logspace(-2, 2, features) + 50
    return torch.from_numpy(scaled.astype(np.float32)), torch.from_numpy(targets)


def test_a_fitted_head_separates() -> None:
    """On raw features: the standardising inside is folded into weight and bias."""
    features, targets = clouds()
    weight, bias = fit_head(features, one_hot(targets, 3), 1e-4)
    assert ((3, 8), (3,)) == (weight.shape, bias.shape)
    assert 0.95 < float(((features @ weight.T + bias).argmax(1) == targets).float().mean())


def test_a_fitted_head_is_the_one_scikit_learn_finds() -> None:
    """The same penalised likelihood has one optimum: probabilities agree within a hundredth."""
    features, targets = clouds()
    penalty = 1e-2
    weight, bias = fit_head(features, one_hot(targets, 3), penalty)
    x = ((features - features.mean(0)) / features.std(0)).numpy()
    judge = LogisticRegression(C=1 / (2 * penalty * len(x)), max_iter=2000, tol=1e-8).fit(x, targets.numpy())
    found = torch.softmax(features @ weight.T + bias, 1).numpy()
    assert np.allclose(judge.predict_proba(x), found, atol=1e-2)


def test_a_stronger_penalty_gives_a_smaller_head() -> None:
    """On standardised weights."""
    features, targets = clouds()
    sizes = [
        float((fit_head(features, one_hot(targets, 3), penalty)[0] * features.std(0)).norm())
        for penalty in (1e-4, 1e-2, 1)
    ]
    assert sorted(sizes, reverse=True) == sizes


def test_sets_teach_where_single_labels_are_missing() -> None:
    """Half the points of labels 1 and 2 carry {1, 2}: the head still tells all three apart."""
    features, targets = clouds()
    sets = one_hot(targets, 3)
    sets[(targets > 0) & (torch.arange(len(targets)) % 2 == 0), 1:] = True
    weight, bias = fit_head(features, sets, 1e-3)
    assert 0.9 < float(((features @ weight.T + bias).argmax(1) == targets).float().mean())


def test_a_feature_that_never_varies_does_no_harm() -> None:
    """A dead channel has no spread to divide by."""
    features, targets = clouds()
    features[:, 0] = 3.0
    weight, bias = fit_head(features, one_hot(targets, 3), 1e-4)
    assert torch.isfinite(weight).all()
    assert torch.isfinite(bias).all()
