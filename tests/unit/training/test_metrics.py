"""Ranking figures against scikit-learn's, ties counted against us, intervals that cover."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from training import metrics
from training.metrics import auroc, average_precision, bootstrap, rate, recall_at_fpr, threshold_at_fpr

SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
POSITIVE = np.array([True, False, True, False, False])
NONE = np.zeros(5, bool)


def draw(seed: int, count: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """Scores without ties, and who is positive: at least one of each."""
    random = np.random.default_rng(seed)
    positive = random.random(count) < random.uniform(0.1, 0.9)
    positive[:2] = True, False
    return random.permutation(count) + 2.0 * positive * random.random(count) * count, positive


@given(st.integers(0, 10**6), st.integers(2, 120))
def test_without_ties_we_agree_with_scikit_learn(seed: int, count: int) -> None:
    """Average precision and area under the curve, at whatever base rate."""
    scores, positive = draw(seed, count)
    assert average_precision_score(positive, scores) == pytest.approx(average_precision(scores, positive))
    assert roc_auc_score(positive, scores) == pytest.approx(auroc(scores, positive))


@given(st.integers(0, 10**6), st.sampled_from([0.01, 0.05, 0.2, 0.5]))
def test_recall_is_the_highest_within_the_false_positives(seed: int, fpr: float) -> None:
    """As read off scikit-learn's curve."""
    scores, positive = draw(seed, 150)
    false, true, _ = roc_curve(positive, scores, drop_intermediate=False)
    assert true[false <= fpr].max() == pytest.approx(recall_at_fpr(scores, positive, None, fpr))


def test_average_precision_by_hand() -> None:
    """Positives at rank 1 and 3: (1/1 + 2/3) / 2."""
    assert 5 / 6 == pytest.approx(average_precision(SCORES, POSITIVE))


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]])
def test_equal_scores_put_the_negatives_first(order: list[int]) -> None:
    """All alike: nothing was told apart, whatever order the rows lie in. scikit-learn would say 0.5 for both."""
    positive = np.array([True, True, False, False])[order]
    scores = np.ones(4)
    assert (1 / 3 + 2 / 4) / 2 == pytest.approx(average_precision(scores, positive))
    assert 0 == auroc(scores, positive)
    assert 0 == recall_at_fpr(scores, positive)


def test_ties_never_help() -> None:
    """Rounding the scores can only lower a figure."""
    scores, positive = draw(3, 200)
    coarse = np.floor(scores / 40)
    assert average_precision(coarse, positive) < average_precision(scores, positive)
    assert auroc(coarse, positive) < auroc(scores, positive)


@given(st.integers(0, 10**6))
def test_whole_weights_are_repeated_rows(seed: int) -> None:
    """What the bootstrap counts on: weight 3 is the row three times, weight 0 is no row."""
    scores, positive = draw(seed, 40)
    weights = np.random.default_rng(seed).integers(0, 4, 40).astype(float)
    weights[:2] = 1
    times = weights.astype(int)
    many, who = np.repeat(scores, times), np.repeat(positive, times)
    assert auroc(many, who) == pytest.approx(auroc(scores, positive, weights))
    assert recall_at_fpr(many, who, None, 0.1) == pytest.approx(recall_at_fpr(scores, positive, weights, 0.1))
    assert rate(who, np.ones(len(who), bool)) == pytest.approx(rate(positive, np.ones(40, bool), weights))


def test_what_cannot_be_told_is_nan() -> None:
    """No positives, no negatives, no rows: never a nought that looks like a result."""
    for figure in (average_precision, auroc, recall_at_fpr):
        assert np.isnan(figure(SCORES, NONE))
        assert np.isnan(figure(np.empty(0), np.empty(0, bool)))
    assert np.isnan(auroc(SCORES, ~NONE))
    assert np.isnan(recall_at_fpr(SCORES, ~NONE))
    assert np.isnan(rate(~NONE, NONE))


@pytest.mark.parametrize("fpr", [0.01, 0.1, 0.34])
def test_the_threshold_is_the_lowest_that_keeps_the_promise(fpr: float) -> None:
    """At most that share of the negatives lies above it; the next lower negative would break it."""
    scores, positive = draw(5, 300)
    negatives = np.sort(scores[~positive])[::-1]
    threshold = threshold_at_fpr(scores, positive, fpr)
    assert fpr >= (negatives > threshold).mean()
    lower = negatives[negatives < threshold].max()
    assert fpr < (negatives > lower).mean()


def test_a_rate_is_a_share_of_the_rows_asked_about() -> None:
    """Hits elsewhere do not count."""
    hits, among = np.array([1, 1, 0, 0, 1], bool), np.array([1, 0, 1, 1, 0], bool)
    assert 1 / 3 == pytest.approx(rate(hits, among))


def test_an_interval_is_seeded() -> None:
    """The same rows give the same interval, another seed another one."""
    groups = np.array([f"g{i // 2}" for i in range(80)])
    scores, positive = draw(2)
    figures = [bootstrap(lambda w: auroc(scores, positive, w), groups, positive, seed) for seed in (0, 0, 1)]
    assert figures[0] == figures[1]
    assert figures[0] != figures[2]
    assert figures[0].low <= figures[0].value <= figures[0].high
    assert auroc(scores, positive) == figures[0].value


def test_an_interval_covers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 95 % intervals for a mean that is known, 89 to 99 of 100 hold it, rows of a group being alike."""
    monkeypatch.setattr(metrics, "REPLICATES", 300)
    random, covered = np.random.default_rng(0), 0
    groups = np.repeat([f"g{i:03}" for i in range(120)], 3)
    for _ in range(100):
        values = np.repeat(random.random(120) < 0.4, 3)
        interval = bootstrap(lambda w, v=values: rate(v, np.ones(360, bool), w), groups, np.zeros(360, bool))
        covered += interval.low <= 0.4 <= interval.high
    assert 89 <= covered <= 99


def test_groups_not_rows_are_drawn() -> None:
    """Ten copies of a photograph are one photograph: the interval is as wide as without the copies."""
    random = np.random.default_rng(4)
    values, names = random.random(60) < 0.5, np.array([f"g{i:02}" for i in range(60)])
    everyone, nobody = np.ones(600, bool), np.zeros(600, bool)
    single = bootstrap(lambda w: rate(values, everyone[:60], w), names, nobody[:60])
    copies = bootstrap(lambda w: rate(np.repeat(values, 10), everyone, w), np.repeat(names, 10), nobody)
    assert single.high - single.low == pytest.approx(copies.high - copies.low)


def test_every_replicate_has_positives() -> None:
    """Groups with a positive are drawn apart, so that one bus in a thousand is never lost."""
    positive = np.arange(200) == 7
    seen: list[float] = []

    def count(weights: np.ndarray | None) -> float:
        seen.append(float(positive.sum() if weights is None else weights[positive].sum()))
        return seen[-1]

    bootstrap(count, np.array([str(i) for i in range(200)]), positive)
    assert {1.0} == set(seen)


def test_an_interval_of_what_cannot_be_told_is_nan() -> None:
    """In all three parts."""
    interval = bootstrap(lambda w: float("nan"), np.array(["a", "b"]), np.array([False, False]))
    assert np.isnan([interval.value, interval.low, interval.high]).all()
