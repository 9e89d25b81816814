"""`limit`, `tune`, `doctor` and the bench, with tiny models and times."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.server_process import ServerProcess, environment, run
from tests.fakes import photograph, write_store
from tests.sources import ROOT


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tiny models."""
    return write_store(tmp_path_factory.mktemp("measured") / "store")


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small photograph, so that little time is spent on drawing."""
    path = tmp_path_factory.mktemp("picture") / "one.jpg"
    path.write_bytes(photograph(1))
    return str(path)


@pytest.mark.long
def test_limit_tells_costs_and_rates(store: Path, picture: str) -> None:
    """Each step on one core, and each arrangement, best first."""
    ended = run("limit", "--rounds", "1", "--seconds", "0.05", "--photographs", picture, store=store)
    assert 0 == ended.returncode, ended.stderr
    lines = ended.stdout.decode().splitlines()
    assert 3 == sum(line.startswith("one core, batches of") for line in lines)
    rates = [float(line.split("batch")[1].split()[1]) for line in lines if line.startswith("processes x threads")]
    assert sorted(rates, reverse=True) == rates != []


def test_tune_writes_settings_that_a_server_takes(store: Path, picture: str, tmp_path: Path) -> None:
    """An env file; impossible objectives are said to be so."""
    out = tmp_path / "thaw.env"
    script = (
        "import sys\nfrom serving.bench import tune\n"
        "tune.candidates = lambda cores: iter([tune.Candidate(1, 1), tune.Candidate(1, 4)])\n"
        "tune.CONNECTIONS = (1, 4)\n"
        "from serving.verbs import run\nsys.exit(run(sys.argv[1:]))\n"
    )
    words = ["tune", "--out", str(out), "--seconds", "0.2", "--photographs", picture, "--p99-ms"]
    command = [sys.executable, "-c", script, *words]
    found = subprocess.run([*command, "5000"], env=environment(store), cwd=ROOT, capture_output=True, timeout=19)
    assert 0 == found.returncode, found.stderr
    settings = dict(line.split("=") for line in out.read_text().splitlines() if not line.startswith("#"))
    assert {"THAW_LANES", "THAW_BATCH_LIMIT", "THAW_SLOTS", "THAW_DEADLINE_MS"} == settings.keys()
    server = ServerProcess(store, **{name.removeprefix("THAW_").lower(): value for name, value in settings.items()})
    assert 200 == server.post("/predict", photograph(1))[0]
    assert 0 == server.end()


def test_doctor_finds_nothing_wrong(store: Path) -> None:
    """Settings with their origin, provider, models and their goldens, and the server that runs; secrets stay hidden."""
    server = ServerProcess(store, api_keys="a secret that is long enough")
    ended = run("doctor", store=store, port=server.port, api_keys="a secret that is long enough", lanes=2)
    assert 0 == server.end()
    text = ended.stdout.decode()
    assert 0 == ended.returncode, text
    for words in (
        "THAW_LANES=2  (environment)",
        "THAW_HOST=127.0.0.1  (default)",
        "partial/1 as float32: hashes right",
    ):
        assert words in text
    assert f"127.0.0.1:{server.port} answers /readyz with 200" in text
    assert "a secret" not in text


def test_doctor_says_what_is_wrong(store: Path, tmp_path: Path) -> None:
    """A store that is not there, and something else on the port: exit code 1 and a sentence for each."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        stranger.settimeout(0.1)
        absent = run("doctor", store=store, models=tmp_path / "absent", port=stranger.getsockname()[1])
    assert 1 == absent.returncode
    assert b"absent" in absent.stdout.split(b"verdict:")[1]


@pytest.mark.long
def test_the_bench_writes_its_table(store: Path, picture: str, tmp_path: Path) -> None:
    """Bound and server in one round; the machine, the load and the noise are beside the figures."""
    out = tmp_path / "bench.md"
    words = ["--rounds", "1", "--seconds", "0.3", "--connections", "2", "--photographs", picture, "--out", str(out)]
    command = [sys.executable, "-m", "serving.bench", *words]
    ended = subprocess.run(command, env=environment(store), cwd=ROOT, timeout=120)
    assert 0 == ended.returncode
    text = out.read_text()
    assert "| thaw |" in text
    assert "bare loop on" in text
