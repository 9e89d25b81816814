"""Head first: multinomial logistic regression on frozen features, with sets of labels.

A photograph whose collection lacks a label carries the set of labels it may have; its loss is minus the log
of the set's summed probability (Jin and Ghahramani 2002).
"""

import torch
from torch import Tensor


def set_loss(logits: Tensor, allowed: Tensor) -> Tensor:
    """logits: (N, K); allowed: bool (N, K), at least one true a row. Returns the mean of -log sum of allowed p."""
    inside = logits.masked_fill(~allowed, float("-inf"))
    return (torch.logsumexp(logits, 1) - torch.logsumexp(inside, 1)).mean()


def fit_head(features: Tensor, allowed: Tensor, l2: float, iterations: int = 200) -> tuple[Tensor, Tensor]:
    """features: float32 (M, F). Returns weight (K, F) and bias (K,) of the head on the raw features.

    Features are standardised inside, so that `l2` (on the standardised weights) means the same for each source.
    """
    mean, std = features.mean(0), features.std(0).clamp_min(1e-6)
    x = (features - mean) / std
    weight = torch.zeros(allowed.shape[1], features.shape[1], requires_grad=True)
    bias = torch.zeros(allowed.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=iterations, line_search_fn="strong_wolfe", tolerance_change=1e-7
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = set_loss(x @ weight.T + bias, allowed) + l2 * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call] # not annotated there
        return loss

    optimizer.step(closure)  # type: ignore[arg-type, no-untyped-call]
    with torch.no_grad():
        raw = weight / std
        return raw.clone(), (bias - raw @ mean).clone()
