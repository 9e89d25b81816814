import pytest

from load_tests.slo import judge, requests_needed

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
