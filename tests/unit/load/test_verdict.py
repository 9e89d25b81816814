from pathlib import Path

import pytest

from load_tests.cli import main
from load_tests.results import CLOSED, ROWS, SUMMARY, judged, read_summary, write_results
from load_tests.rows import write_rows
from tests.unit.load.made import rows, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished run."""
    write_rows(tmp_path / ROWS, rows())
    write_rows(tmp_path / CLOSED, rows(latency_ms=3))
    write_results(tmp_path, judged(tmp_path, run(closed_users=2)))
    return tmp_path


def test_rows_give_the_same_verdict_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And print it with both loops."""
    assert 0 == main(["verdict", str(folder)])
    printed = capsys.readouterr().out
    assert "objectives held" in printed
    assert "closed     p50    3.000" in printed
    assert {"latency.hgrm", "service.hgrm"} <= {path.name for path in folder.iterdir()}


def test_other_objectives_give_another_verdict(folder: Path) -> None:
    """Without sending anything."""
    (folder / "o.yaml").write_text("p50_ms: 1\n")
    assert 1 == main(["verdict", str(folder), "--objectives", str(folder / "o.yaml")])


def test_a_changed_summary_is_noticed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It was not made from these rows; one that is none is refused."""
    text = (folder / SUMMARY).read_text()
    (folder / SUMMARY).write_text(text.replace('"sent": 1000', '"sent": 1001'))
    assert 3 == main(["verdict", str(folder)])
    assert "was not made from these rows" in capsys.readouterr().out
    (folder / SUMMARY).write_text("{}")
    assert 2 == main(["verdict", str(folder)])
    with pytest.raises(ValueError, match=SUMMARY):
        read_summary(folder)
