import io
import json
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from serving.bench.bare import Arrangement
from serving.bench.client import Measured, Target, request_bytes
from serving.bench.limit import arrangements_for
from serving.bench.machine import busy_s, cpu_s, facts, pss_mb, tree
from serving.bench.photographs import draw
from serving.bench.rounds import Round, Row, table
from serving.bench.servers import Peer, installed, peer
from serving.bench.tune import Candidate, Found, candidates, env_file
from tests.fakes import FakeEngine, fake_model

MEASURED = Measured(400.0, 0.03, 0.04, 0.05, 0.1, {"200": 2000, "lost": 1})
ROUND = Round(MEASURED, 1.8, 0.05, 140.0, 0.9)


def test_the_client_s_share_is_taken_out() -> None:
    """The bare loop had two cores, the server only those that its client left."""
    assert 400 / 500 * 2 / 1.9 == pytest.approx(ROUND.of_bound(500.0, 2))


def test_a_table_has_spread_and_errors() -> None:
    """Median and extremes of rate and ratio; what was no 200 is counted over all rounds."""
    text = table([Row("thaw", "", [(ROUND, 500.0), (ROUND, 450.0)]), Row("absent")], 2)
    assert "| thaw |  | 400.0 [400.0, 400.0] | 0.889 [0.842, 0.936] | 30.0 | 50.0 | 222 | 0.100 | 0.05 | 2 |" in text
    assert "absent" not in text


def test_drawn_photographs_are_as_large_as_said() -> None:
    """640x480, 75 kB, the same for the same seed."""
    data = draw(3)
    with Image.open(io.BytesIO(data)) as picture:
        assert ("JPEG", (640, 480)) == (picture.format, picture.size)
    assert 74_000 < len(data) < 80_000
    assert data == draw(3)
    assert data != draw(4)


@pytest.mark.parametrize("kind", ["raw", "multipart", "v2", "v2-binary"])
def test_requests_say_their_length(kind: str) -> None:
    """What follows the head is as long as the head says."""
    head, _, body = request_bytes(Target(1, "/x", kind), b"photograph").partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"POST /x HTTP/1.1" == head.split(b"\r\n")[0]


def test_the_machine_is_read() -> None:
    """This process is in its own tree, uses memory and time, and not more than all."""
    assert os.getpid() in tree(os.getpid())
    assert 0 < cpu_s([os.getpid()]) < busy_s()
    assert pss_mb([os.getpid()]) > 1
    assert 0 == cpu_s([2**22 + 1])
    assert {"date", "processor", "granted cores", "onnxruntime"} <= facts().keys()


def test_arrangements_use_all_cores() -> None:
    """As processes and as threads; one core has nothing to share."""
    assert {4} == {each.processes * each.threads for each in arrangements_for(4)}
    assert {Arrangement(1, 1, 1), Arrangement(1, 1, 4), Arrangement(1, 1, 8)} == set(arrangements_for(1))


def test_only_installed_peers_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the configuration that their own grid liked best among those without errors."""
    monkeypatch.delenv("BENCH_VENVS", raising=False)
    programs = tmp_path / "venvs" / "mosec" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").touch()
    (tmp_path / "results").mkdir()
    rows = [
        {"conf": {"WORKERS": 2}, "ok_per_s": 300, "foreign_cores": 0.0, "codes": {"200": 9}},
        {"conf": {"WORKERS": 3}, "ok_per_s": 310, "foreign_cores": 0.0, "codes": {"200": 9}},
        {"conf": {"WORKERS": 4}, "ok_per_s": 900, "foreign_cores": 0.0, "codes": {"200": 9, "503": 1}},
    ]
    (tmp_path / "results" / "grid.json").write_text(json.dumps({"mosec": rows}))
    (found,) = installed(tmp_path)
    assert ("mosec", {"WORKERS": "3"}, "/inference") == (found.name, found.settings, found.path)
    assert (str(programs / "python"), f"{tmp_path}/peers/mosec_app.py") == found.command[:2]


def test_a_peer_finds_what_it_needs(tmp_path: Path) -> None:
    """Port, graph, names and a photograph to warm up with, where the folder's scripts look for them."""
    script = (
        "import http.server, os, pathlib\n"
        "assert pathlib.Path(os.environ['BENCH_ASSETS'], 'photo_00.jpg').read_bytes() == b'photograph'\n"
        "assert pathlib.Path(os.environ['BENCH_MODEL']).read_bytes() == b'graph'\n"
        "assert os.environ['BENCH_SIZE'] == '32' and os.environ['BENCH_LABELS'].startswith('bus,')\n"
        "class Yes(http.server.BaseHTTPRequestHandler):\n"
        "    def do_POST(self):\n"
        "        self.send_response(200)\n"
        "        self.end_headers()\n"
        "http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Yes).serve_forever()\n"
    )
    graph = tmp_path / "graph.onnx"
    graph.write_bytes(b"graph")
    chosen = Peer("any", (sys.executable, "-c", script), "/predict", "raw", {"WORKERS": "2"})
    with peer(chosen, fake_model(FakeEngine()), graph, b"photograph") as server:
        assert server.pids == [server.pid]
    assert not Path(f"/proc/{server.pid}").exists()


def test_tuned_settings_are_an_env_file() -> None:
    """Names of settings, the objective and what was found in a comment."""
    text = env_file(Found(Candidate(2, 4), 8, ROUND), 60.0)
    assert ["THAW_LANES=2", "THAW_BATCH_LIMIT=4", "THAW_SLOTS=8", "THAW_DEADLINE_MS=240"] == text.splitlines()[1:]
    assert "p99 within 60 ms" in text
    assert {2, 3} == {each.lanes for each in candidates(2)}
