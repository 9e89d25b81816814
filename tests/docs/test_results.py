"""Results in the documents come from stored scores, by one command."""

import pytest

from tests.sources import ROOT
from training.evaluate import read_scores
from training.tables import results_markdown

SCORES = sorted((ROOT / "training" / "results").glob("*.csv.gz"))


@pytest.mark.long
@pytest.mark.skipif(not SCORES, reason="no photographs have been evaluated yet")
def test_the_tables_are_those_that_the_stored_scores_give() -> None:
    """`make results` prints what docs/results.md shows, to the last digit."""
    tables = results_markdown([row for path in SCORES for row in read_scores(path)])
    shown = (ROOT / "docs" / "results.md").read_text()
    missing = [line for line in tables.splitlines() if line and line not in shown]
    assert [] == missing
