import numpy as np
import pytest

from load_tests.slo import judge, proven_percentile, requests_needed

# Requests over the limit -> requests needed at 99 % confidence; MLPerf's early-stopping rule.
OVER = (0, 1, 2, 5, 10, 20, 50, 100)
NEEDED = {
    90: (44, 64, 81, 127, 197, 325, 681, 1246),
    95: (90, 130, 165, 259, 398, 656, 1372, 2504),
    99: (459, 662, 838, 1307, 2010, 3304, 6898, 12571),
    99.9: (4603, 6636, 8403, 13105, 20140, 33097, 69058, 125826),
}


@pytest.mark.parametrize("percent", NEEDED)
def test_requests_needed(percent: float) -> None:
    """The published numbers come out."""
    assert NEEDED[percent] == tuple(requests_needed(over, percent) for over in OVER)


@pytest.mark.parametrize(
    ("requests", "over", "verdict"),
    [(459, 0, "held"), (458, 0, "unproven"), (1000, 5, "unproven"), (1000, 11, "missed"), (0, 0, "unproven")],
)
def test_verdicts_on_p99(requests: int, over: int, verdict: str) -> None:
    """Held is proven, missed is seen, between them nothing is claimed."""
    assert verdict == judge(requests, over, 99)


def test_a_proven_percentile_is_a_high_value() -> None:
    """Of 1,000 values it is the one with two above it; of 400 none proves p99."""
    values = np.arange(1000.0)
    assert 997 == proven_percentile(values, 99)
    assert proven_percentile(values[:400], 99) is None
