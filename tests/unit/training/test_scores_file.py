"""The file of scores: any name survives it, and what is no such file is refused."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.archives import DataError
from training.evaluate import COLUMNS, Scored, read_scores, write_scores

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=12)
SCORED = st.builds(
    Scored, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, st.booleans(), st.booleans(), st.floats(allow_nan=False), TEXT
)
DAMAGED = {
    "empty": b"",
    "no gzip": b"run,test",
    "other columns": gzip.compress(b"run,test\na,b\n"),
    "a word for a number": gzip.compress((",".join(COLUMNS) + "\na,b,c,d,e,f,1,0,much,bus\n").encode()),
    "a short row": gzip.compress((",".join(COLUMNS) + "\na,b\n").encode()),
    "no UTF-8": gzip.compress(b"\xff\xfe"),
    "cut": gzip.compress(b"x" * 4000)[:20],
    "overwritten": gzip.compress(b"x" * 4000)[:-9] + b"123456789",
    "no deflate": gzip.compress(b"x")[:10] + b"\xff" * 20,
}


@given(st.lists(SCORED, max_size=4))
def test_any_rows_come_back_whole(tmp_path_factory: pytest.TempPathFactory, scored: list[Scored]) -> None:
    """Commas, quotes, line ends and every bit of a score: names are the user's own."""
    path = tmp_path_factory.mktemp("scores") / "x.csv.gz"
    write_scores(path, scored)
    assert scored == read_scores(path)


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Cut, foreign, or with a word for a number: named, with what makes it anew."""
    path = tmp_path / "scores.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"scores\.csv\.gz: no table of scores .*python -m training adapt"):
        read_scores(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """With the same words."""
    with pytest.raises(DataError, match="no table of scores"):
        read_scores(tmp_path / "absent.csv.gz")
