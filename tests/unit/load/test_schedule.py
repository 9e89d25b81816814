from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from load_tests.schedule import Stage, endless, poisson, share, spike, stages, trace


def test_gaps_are_exponential() -> None:
    """Kolmogorov and Smirnov see no difference at 1 %."""
    gaps = np.diff(poisson(200, 60, seed=7))
    assert stats.kstest(gaps, "expon", args=(0, 1 / 200)).pvalue > 0.01


def test_the_same_seed_gives_the_same_plan() -> None:
    """And another seed another one."""
    assert np.array_equal(poisson(50, 10, 3), poisson(50, 10, 3))
    assert not np.array_equal(poisson(50, 10, 3)[:100], poisson(50, 10, 4)[:100])


@pytest.mark.parametrize(("rate", "seconds"), [(0.05, 3), (3, 0.1), (1000, 20)])
def test_all_times_lie_in_the_run(rate: float, seconds: float) -> None:
    """Ascending, from 0 to the end, for few and for many."""
    times = poisson(rate, seconds, 1)
    assert ((times >= 0) & (times < seconds)).all()
    assert (np.diff(times) >= 0).all()


def test_workers_send_one_poisson_stream_together() -> None:
    """Shares of three workers have the whole's rate, and exponential gaps when pooled."""
    pooled = np.sort(np.concatenate([share([Stage(300, 40)], worker, 3, seed=11) for worker in range(3)]))
    assert abs(len(pooled) - 12_000) < 5 * 12_000**0.5
    assert stats.kstest(np.diff(pooled), "expon", args=(0, 1 / 300)).pvalue > 0.01


def test_a_spike_has_its_burst_in_the_middle() -> None:
    """Rates hold in each stage."""
    times = stages(spike(20, 200, calm=10, burst=10), seed=2)
    counts = np.histogram(times, [0, 10, 20, 30])[0]
    assert [True, True, True] == [
        abs(count - wanted) < 5 * wanted**0.5 for count, wanted in zip(counts, (200, 2000, 200), strict=True)
    ]


def test_an_endless_plan_goes_on() -> None:
    """Its mean gap is 1 / rate."""
    arrivals = endless(100, seed=0)
    assert 9 < [next(arrivals) for _ in range(1000)][-1] < 11


def test_a_trace_is_read(tmp_path: Path) -> None:
    """One number of seconds a line."""
    (tmp_path / "t").write_text("0\n0.5\n0.75\n")
    assert [0, 0.5, 0.75] == trace(tmp_path / "t").tolist()


@pytest.mark.parametrize("text", ["", "1\n0\n", "-1\n", "half past\n"])
def test_a_trace_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """With a sentence that names the file."""
    (tmp_path / "t").write_text(text)
    with pytest.raises(ValueError, match=str(tmp_path)):
        trace(tmp_path / "t")
