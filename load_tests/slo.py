"""How many requests prove a percentile: the early-stopping rule of MLPerf's load generator, at 99 % confidence."""

from functools import lru_cache
from math import exp, lgamma, log, log1p

CONFIDENCE = 0.99
HELD, MISSED, UNPROVEN = "held", "missed", "unproven"


@lru_cache(maxsize=4096)
def requests_needed(over: int, percent: float) -> int:
    """Fewest requests of which `over` may exceed the limit while "the percentile holds" is proven.

    The smallest n with P(Binomial(n, 1 - percent / 100) <= over) <= 1 - CONFIDENCE.
    """
    low, high = over, max(2 * over, 2)
    while _at_most(over, high, percent) > 1 - CONFIDENCE:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _at_most(over, middle, percent) > 1 - CONFIDENCE else (low, middle)
    return high


def judge(requests: int, over: int, percent: float) -> str:
    """held: proven. missed: more were over the limit than the percentile allows. unproven: too few to tell."""
    if requests and over > requests * (1 - percent / 100):
        return MISSED
    return HELD if requests >= requests_needed(over, percent) else UNPROVEN


def _at_most(over: int, requests: int, percent: float) -> float:
    """P(Binomial(requests, 1 - percent / 100) <= over)."""
    if requests <= over:
        return 1.0
    share = 1 - percent / 100
    terms = (
        lgamma(requests + 1)
        - lgamma(k + 1)
        - lgamma(requests - k + 1)
        + k * log(share)
        + (requests - k) * log1p(-share)
        for k in range(over + 1)
    )
    return sum(exp(term) for term in terms)
