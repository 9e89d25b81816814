from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from load_tests.config import Server
from load_tests.document import Summary
from load_tests.rows import read_rows, table
from load_tests.schedule import Stage, share
from load_tests.summary import summarise
from tests.integration.load_process import GENEROUS, load, null_server, summary_of

# Each starts two to five processes that import gevent: seconds alone, more beside other work.
pytestmark = pytest.mark.timeout(120)
SHORT = ("--rate", "250", "--duration", "2", "--warmup", "0.5", "--drain", "5")


def test_a_run_is_sent_as_planned_and_judged_from_its_rows(tmp_path: Path) -> None:
    """Every due request went out and is accounted for; the kept rows give the same summary again."""
    with null_server("--delay-ms", "5") as (url, _):
        done = load("server", "--host", url, *SHORT, *GENEROUS, "--out", str(tmp_path))
    found = summary_of(tmp_path)
    assert 0 == done.returncode == found["exit"], done.stdout + done.stderr
    due = share([Stage(250, 2.5)], 0, 1, Server.model_fields["seed"].default)
    planned = int((due >= 0.5).sum())
    assert (planned, planned, planned / 2) == (found["sent"], found["ok"], found["offered_per_s"])
    assert 5 < found["service_ms"]["p50"] <= found["latency_ms"]["p50"]
    assert {"work"} == found["stages_ms"].keys()
    rows = read_rows(tmp_path / "requests.csv.gz")
    assert due.round(6).tolist() == [row.due for row in rows]
    summary = Summary.model_validate(found)
    assert summary == summarise(table(rows), summary.run)
    assert (tmp_path / "latency.hgrm").read_text().count("\n") > 10


def test_a_server_that_dies_in_the_run_is_an_error(tmp_path: Path) -> None:
    """Exit 4; what was answered and what broke add up, the reason is named, and the results are written."""
    with null_server("--die-after", "300") as (url, _):
        done = load("server", "--host", url, *SHORT, *GENEROUS, "--out", str(tmp_path))
    found = summary_of(tmp_path)
    assert (4, found["sent"] - found["ok"]) == (done.returncode, found["failures"]["broken"]), done.stdout
    assert found["ok"] > 100 < found["failed"]
    assert "refused" in found["failure_words"]["broken"]
    assert "Connection refused" in (tmp_path / "report.html").read_text()


class OneRoute(BaseHTTPRequestHandler):
    """POST /predict and nothing else; HTTP/1.0, where the end of the connection is the end of the answer."""

    def do_POST(self) -> None:
        """Whatever is sent, it is a bus."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200 if self.path == "/predict" else 404)
        self.end_headers()
        self.wfile.write(b'{"predictions": [{"label": "bus", "score": 0.9}]}')

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.mark.parametrize("verb", ["server", "single"])
def test_one_route_is_enough(tmp_path: Path, verb: str) -> None:
    """No metrics, no timing, no keep-alive: what is absent is left out of the report; its words may be its own."""
    options = ("--labels", "none", "--duration", "1.5", "--warmup", "0.3", "--out", str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), OneRoute) as other:
        thread = Thread(target=other.serve_forever)
        thread.start()
        done = load(verb, "--host", f"http://127.0.0.1:{other.server_port}", *options)
        other.shutdown()
        thread.join()
    found = summary_of(tmp_path)
    assert 0 == found["failed"] < found["ok"] == found["sent"], done.stdout + done.stderr
    assert {} == found["stages_ms"]
    assert "step:" not in (tmp_path / "report.html").read_text()


@pytest.mark.long
def test_one_wrong_label_fails_the_run(tmp_path: Path) -> None:
    """Exit 4, although the limit on errors would let it pass; unless labels are not looked at."""
    (tmp_path / "o.yaml").write_text("p99_ms: 5000\nerror_rate: 0.5\n")
    with null_server("--wrong-every", "100") as (url, _):
        where = ("--host", url, *SHORT, "--objectives", str(tmp_path / "o.yaml"))
        done = load("server", *where, "--out", str(tmp_path / "a"))
        unlooked = load("server", *where, "--labels", "none", "--out", str(tmp_path / "b"))
    assert 4 == done.returncode, done.stdout
    assert {"wrong"} == summary_of(tmp_path / "a")["failures"].keys()
    assert {} == summary_of(tmp_path / "b")["failures"]
    assert 4 != unlooked.returncode


def test_a_missed_objective_ends_with_1(tmp_path: Path) -> None:
    """Shedding is no error, but too little goodput."""
    (tmp_path / "o.yaml").write_text("p99_ms: 5000\nerror_rate: 0.001\ngoodput: 0.99\n")
    with null_server("--delay-ms", "40", "--shed-above", "8") as (url, _):
        options = (*SHORT[2:], "--rate", "600", "--objectives", str(tmp_path / "o.yaml"))
        done = load("server", "--host", url, *options, "--out", str(tmp_path))
    assert 1 == done.returncode, done.stdout
    assert {"shed"} == summary_of(tmp_path)["failures"].keys()


def test_a_rate_that_cannot_be_sent_is_invalid(tmp_path: Path) -> None:
    """Exit 3 before errors are looked at, and no latency is claimed anywhere."""
    with null_server("--fail-every", "2") as (url, _):
        options = ("--rate", "20000", "--duration", "1.5", "--warmup", "0", "--max-wait-s", "0.5", "--drain", "2")
        done = load("server", "--host", url, *options, "--out", str(tmp_path))
    found = summary_of(tmp_path)
    assert (3, 3, False) == (done.returncode, found["exit"], found["valid"])
    assert {None} == set(found["latency_ms"].values()) == set(found["service_ms"].values())
    assert "INVALID" in done.stdout
    assert "p99" not in done.stdout.partition("INVALID")[0]


@pytest.mark.parametrize("verb", ["single", "multi", "offline"])
def test_closed_loops_count_photographs(tmp_path: Path, verb: str) -> None:
    """Users wait for their answers; photographs are requests times batch."""
    options = ("--batch", "1", "--labels", "none", "--duration", "1", "--warmup", "0.3")
    with null_server("--delay-ms", "10") as (url, _):
        done = load(verb, "--host", url, *options, "--out", str(tmp_path))
    found = summary_of(tmp_path)
    assert 0 == done.returncode == found["exit"], done.stdout + done.stderr
    assert found["offered_per_s"] is None
    assert found["ok"] == found["sent"] > 5


def test_a_spike_reports_its_burst(tmp_path: Path) -> None:
    """What was offered, and that it was normal at once; a closed loop at the same rate is shown beside."""
    options = ("--rate", "60", "--duration", "3", "--warmup", "0.5", "--factor", "3", "--closed", "2", *GENEROUS)
    with null_server("--delay-ms", "5") as (url, _):
        load("spike", "--host", url, *options, "--out", str(tmp_path))
    found = summary_of(tmp_path)
    assert 0 == found["burst"]["recovery_s"]
    assert 2 * 60 < found["burst"]["offered_per_s"] < 4 * 60
    assert 2 == found["closed_beside"]["users"]


def test_workers_send_their_shares_and_all_rows_come_back(tmp_path: Path) -> None:
    """Two processes: the pooled plan is the sum of two Poisson streams, each with half the rate and its own seed."""
    with null_server("--delay-ms", "5") as (url, _):
        done = load("server", "--host", url, *SHORT, *GENEROUS, "--processes", "2", "--out", str(tmp_path))
    found = summary_of(tmp_path)
    assert 0 == done.returncode, done.stdout + done.stderr
    rows = table(read_rows(tmp_path / "requests.csv.gz"))
    for worker in (0, 1):
        planned = share([Stage(250, 2.5)], worker, 2, 0)
        assert planned.round(6).tolist() == rows.where(rows.worker == worker).due.tolist()
    assert 2 == found["run"]["workers"]
