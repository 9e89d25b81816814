import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from load_tests.cli import main
from load_tests.config import Matrix as Settings
from load_tests.matrix import Matrix, Point, Subject, carried, markdown, noise, point, ranged, size, verdict
from load_tests.prometheus import batch_shares
from load_tests.report.matrix_page import matrix_page
from load_tests.rows import SHED, table
from load_tests.servers import CONTENDERS
from load_tests.summary import summarise
from tests.sources import ROOT
from tests.unit.load.made import rows, run


def at(rate: float, p99: float, kind: str = "0.5", valid: int = 2) -> Point:
    """Two rounds at a rate."""
    some, slow = ranged([rate]), ranged([p99 - 1, p99])
    good = ranged([rate if p99 < 200 else 0])
    values = {"answered_per_s": some, "goodput_per_s": good, "p50_ms": slow, "p90_ms": slow, "p99_ms": slow}
    return Point(kind=kind, offered_per_s=rate, rounds=2, valid=valid, **values)


def matrix(**changes: object) -> Matrix:
    """Two servers with one model."""
    points = [at(20, 30, "common"), at(50, 60), at(90, 150), at(120, 900)]
    usual = {"model": "m", "start_s": ranged([1]), "ceiling_per_s": ranged([95, 105, 100]), "stages_ms": {"infer": 9.0}}
    ours = Subject(server="a", points=points, carried_per_s=90, batch_sizes={"1": 0.5, "4": 1.0}, failed=0, **usual)
    other = Subject(server="b", points=[at(20, 500, "common")], carried_per_s=None, batch_sizes={}, failed=0, **usual)
    values = {"exit": 0, "valid": True, "invalid_because": [], "slo_ms": 200, "rounds": 2, "seconds": 10, "machine": {}}
    values |= {
        "server_cores": 1,
        "generator_cores": 1,
        "began": 0,
        "subjects": [ours, other],
        "skipped": {"c": "not <here>"},
    }
    return Matrix.model_validate(values | changes)


def test_what_is_carried_held_in_every_round() -> None:
    """Not above a rate that failed, not where a round was invalid."""
    assert 90 == carried(matrix().subjects[0].points, 200)
    assert 50 == carried(matrix().subjects[0].points, 100)
    assert 20 == carried([at(20, 30), at(50, 60, valid=1), at(60, 50)], 200)
    assert carried([], 200) is None


def test_pods_are_counted_with_headroom() -> None:
    """300/s at 90/s a pod, 30 % kept free: five pods; what never held has no answer."""
    ours, other = size(matrix(), 300, 200, 0.3)
    assert (5, None) == (ours.pods, other.pods)
    assert "5 pods of 1 core: each carried 90.0/s, and 30% of it is kept free" == ours.words


def test_a_point_is_made_of_its_rounds() -> None:
    """Invalid rounds give no latency, but are counted."""
    good = summarise(table(rows(latency_ms=20)), run())
    slower = summarise(table([*rows(900, latency_ms=40), *rows(100, outcome=SHED)]), run())
    late = summarise(table(rows(late_ms=90)), run())
    found = point("common", [good, slower, late])
    assert (3, 2, ranged([20, 40])) == (found.rounds, found.valid, found.p50_ms)
    assert point("common", [late]).p99_ms is None


def test_exit_codes_of_a_matrix() -> None:
    """Nothing valid is 3, wrong answers are 4."""
    ours = matrix().subjects[0]
    assert 0 == verdict([ours])[0]
    assert 3 == verdict([])[0]
    assert 4 == verdict([ours.model_copy(update={"failed": 2})])[0]


def test_the_page_compares_and_needs_nothing_from_outside() -> None:
    """Four pictures a model, who was left out, how many pods; no address, no script."""
    page = matrix_page(matrix(), {("a", "m"): [("A title", "", "<svg></svg>")]})
    assert 5 == page.count("<svg")
    assert all(words in page for words in ("not &lt;here&gt;", "2 pods of 1 core", "A title", "up to 4: 100 %"))
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page


def test_the_table_is_markdown() -> None:
    """A row for each server and model, and below it what it rests on."""
    grid, _, words = markdown(matrix(machine={"processor": "A CPU"})).partition("\n\n")
    assert 4 == len(grid.splitlines())
    assert {9} == {line.count("|") for line in grid.splitlines()}
    assert all(part in words for part in ("2 rounds of 10 s", "server on 1 core", "A CPU", "Left out: c: not <here>."))


def test_a_noisy_machine_is_said() -> None:
    """Where medians of equal runs are more than a tenth apart; in the page and in the table."""
    ours = matrix().subjects[0]
    assert [] == noise([ours])
    apart = ours.model_copy(update={"server": "b", "points": [at(20, 5, "common")]})  # 4 ms and 5 ms
    (words,) = noise([ours, apart])
    assert words.startswith(
        "noisy machine: p50 of equal runs differs by more than 10% in 1 of 2 cases, by 25% with b m"
    )
    assert all("noisy machine" in made(matrix(warnings=[words])) for made in (markdown, lambda m: matrix_page(m, {})))


def test_size_reads_a_finished_matrix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m load_tests size DIR --rate 300,30`: a table, also between the markers of a document."""
    (tmp_path / "summary.json").write_text(matrix().model_dump_json())
    document = tmp_path / "README.md"
    document.write_text("before\n<!-- size -->\nold\n<!-- end of size -->\nafter\n")
    assert 0 == main(["size", str(tmp_path), "--rate", "300,30", "--document", str(document)])
    assert "| a | m | 90.0 | 5 | 1 |" in capsys.readouterr().out
    written = document.read_text()
    assert written.startswith("before\n<!-- size -->\n\n| server")
    assert "old" not in written
    assert written.endswith("\n\n<!-- end of size -->\nafter\n")


def test_a_document_without_its_place_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is measured, with the lines that should be there."""
    (tmp_path / "R.md").write_text("<!-- end of matrix -->\n<!-- matrix -->\n")
    assert 2 == main(["matrix", "--document", str(tmp_path / "R.md")])
    assert "has no lines <!-- matrix --> and <!-- end of matrix -->" in capsys.readouterr().err


def test_an_unknown_server_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    """The known ones are named."""
    assert 2 == main(["matrix", "--servers", "ours-float32,iis"])
    assert "torchserve-onnx" in capsys.readouterr().err


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    """A variant is asked of the models that have it; where none has it, the row is left out with a sentence."""
    int8 = CONTENDERS["ours-int8"]
    assert "none of a, b has a model.int8.onnx in the store" == int8.missing(tmp_path, ["a", "b"])
    assert all("" == CONTENDERS[name].missing(tmp_path, ["a"]) for name in CONTENDERS.keys() - {"ours-int8"})
    (tmp_path / "b" / "1").mkdir(parents=True)
    (tmp_path / "b" / "1" / "model.int8.onnx").touch()
    assert ("", ["b"]) == (int8.missing(tmp_path, ["a", "b"]), int8.models(tmp_path, ["a", "b"]))


def test_servers_are_started_by_their_make_verbs(tmp_path: Path) -> None:
    """Each verb and environment is one of the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    for contender in CONTENDERS.values():
        assert f"\n{contender.verb}: {contender.environment}/.made" in makefile
        command = contender.command(1234, ["a", "b"], tmp_path)
        assert {"PORT=1234", "NAMES=a b", f"MODELS={tmp_path}", *contender.variables} < {*command}


def test_quick_is_under_five_minutes() -> None:
    """As far as it can be told beforehand, with every server."""
    assert "about 4 minutes" in Settings(quick=True).estimate()


@pytest.fixture
def metrics_url() -> Iterator[str]:
    """A server whose /metrics has a histogram of batches."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            counts = {"1.0": 5, "2.0": 10, "+Inf": 10}
            self.wfile.write("".join(f'x_batch_size_bucket{{le="{n}"}} {c}.0\n' for n, c in counts.items()).encode())

        def log_message(self, *_: object) -> None:
            """Silent."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_batches_are_shares_up_to_the_largest(metrics_url: str) -> None:
    """Since the first look; nothing where there is no such server."""
    assert {"1": 0.5, "2": 1.0} == batch_shares(metrics_url, {})
    assert {} == batch_shares("http://127.0.0.1:9", {})
