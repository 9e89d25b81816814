import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from load_tests.histogram import histogram, merged, percentile_ms
from load_tests.rows import DROPPED, Row, read_rows, table, write_rows
from tests.unit.load.made import rows


def test_rows_come_back(tmp_path: Path) -> None:
    """With their stages, to the microsecond; what was never sent has no sending time."""
    made = [*rows(600), Row(3.5, float("nan"), 8.5, DROPPED, worker=2, words="no\r\nplace")]
    write_rows(tmp_path / "r.gz", made)
    ours, again = table(made), table(read_rows(tmp_path / "r.gz"))
    for name in ("due", "sent", "end"):
        assert np.allclose(getattr(ours, name), getattr(again, name), rtol=0, atol=1e-6, equal_nan=True)
    assert np.array_equal(ours.stages["infer"], again.stages["infer"], equal_nan=True)
    assert ours.outcome.tolist() == again.outcome.tolist()
    assert 1 == np.isnan(again.sent).sum()
    assert {"", "no place"} == set(again.words.tolist())


def test_another_file_is_refused(tmp_path: Path) -> None:
    """With the columns that it should have."""
    (tmp_path / "r.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    with pytest.raises(ValueError, match="due_s"):
        read_rows(tmp_path / "r.gz")


@settings(deadline=None)  # a busy machine is no failure
@given(some.lists(some.lists(some.floats(0.01, 1e5), min_size=1, max_size=60), min_size=1, max_size=5))
def test_merged_histograms_are_the_pooled_rows(parts: list[list[float]]) -> None:
    """Percentiles of the sum are those of all values together, within 1 %."""
    whole, pooled = merged(histogram(part) for part in parts), np.concatenate(parts)
    for percent in (50, 90, 99, 100):
        rank = max(int(percent / 100 * len(pooled) + 0.5), 1)  # HdrHistogram's own rule
        assert np.sort(pooled)[rank - 1] == pytest.approx(percentile_ms(whole, percent), rel=0.01, abs=1e-3)
