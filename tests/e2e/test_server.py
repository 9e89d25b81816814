"""The server as a process: start, refusal to start, load, signals, memory, silence."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server_process import ServerProcess, environment, run, wait_until
from tests.fakes import photograph, write_model, write_store
from tests.hostile import png_bomb
from tests.sources import ROOT

MOST_MEMORY_MB = 400
LONGEST_START_S = 2.0
CLIENTS = 6


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tiny models."""
    return write_store(tmp_path_factory.mktemp("e2e") / "store")


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[ServerProcess]:
    """Shared by tests that leave it as it was."""
    process = ServerProcess(store)
    yield process
    assert 0 == process.end()


def test_it_answers(server: ServerProcess) -> None:
    """From start to answer, over a real socket, with real models."""
    status, body = server.post("/predict", photograph(1))
    assert (200, "partial") == (status, json.loads(body)["model"])


def test_no_torch_and_little_memory(server: ServerProcess) -> None:
    """Torch is not even mapped; memory stays below the bar, also after bombs and bad bodies."""
    wait_until(lambda: b"thaw_spares 1" in server.get("/metrics")[1])
    before = server.pss_mb()
    bomb = png_bomb()
    for _ in range(5):
        assert 413 == server.post("/predict", bomb)[0]
        assert 422 == server.post("/predict", photograph(1)[:-100])[0]
    assert "torch" not in server.mapped()
    assert MOST_MEMORY_MB > server.pss_mb()
    assert 30 > server.pss_mb() - before  # the bomb's pixels alone would be 507


def test_the_log_is_json_and_says_the_terms(server: ServerProcess) -> None:
    """One object a line; settings, what `auto` chose, terms of the weights, address."""
    lines = [json.loads(line) for line in server.log.splitlines()]
    words = ("settings", "CPUExecutionProvider: auto found", "terms of", "listening")
    assert [*words] == [word for line in lines for word in words if line["message"].startswith(word)]
    assert server.port == lines[-1]["port"]


def test_the_first_answer_costs_little() -> None:
    """Start, the shipped models with their goldens and an answer: so much is computed, however busy the machine."""
    server = ServerProcess(ROOT / "model_store", spare=False)
    assert 200 == server.post("/predict", photograph(1))[0]
    assert LONGEST_START_S > server.cpu_seconds()
    assert 0 == server.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_under_load_loses_nothing(store: Path, number: int) -> None:
    """Clients that reconnect all the time get 200 until they are refused a connection; exit code 0."""
    server = ServerProcess(store, drain_seconds=0.5)
    statuses: list[int] = []
    lost: list[BaseException] = []
    enough = threading.Event()
    clients = [
        threading.Thread(target=ask_until_refused, args=(server, statuses, lost, enough)) for _ in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    assert enough.wait(10)
    assert 0 == server.end(number)
    for client in clients:
        client.join(10)
    assert [] == lost
    assert {200} == set(statuses)


def ask_until_refused(
    server: ServerProcess, statuses: list[int], lost: list[BaseException], enough: threading.Event
) -> None:
    """Connect, ask, read, again; only a refused connection is a proper end."""
    body = photograph(1)
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        except ConnectionRefusedError:
            return
        except OSError as error:
            lost.append(error)
            return
        with connection:
            try:
                connection.sendall(head.encode() + body)
                answer = b"".join(iter(lambda: connection.recv(65536), b""))  # noqa: B023 - used up before the next turn
                statuses.append(int(answer[9:12]))
            except (OSError, ValueError) as error:
                lost.append(error)
                return
        if len(statuses) > 50:
            enough.set()


def test_a_second_signal_ends_the_gap(store: Path) -> None:
    """Whoever presses Ctrl-C twice does not wait."""
    server = ServerProcess(store, drain_seconds=600, stop_seconds=600)
    server.process.send_signal(signal.SIGINT)
    assert server.process.stderr is not None
    assert b"draining" in server.process.stderr.readline()
    assert 0 == server.end(signal.SIGINT)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"prot": 80}, ["THAW_PROT", "THAW_PORT"]),
        ({"port": 70_000}, ["THAW_PORT", "65535"]),
        ({"provider": "cuda"}, ["THAW_PROVIDER=cuda", "onnxruntime-gpu"]),
        ({"port": "tcp://10.0.0.1:8080"}, ["THAW_PORT", "enableServiceLinks"]),
    ],
)
def test_wrong_settings_stop_the_start(store: Path, settings: dict[str, object], words: list[str]) -> None:
    """Exit code 4 and one sentence with what to do."""
    ended = run(store=store, **settings)
    assert 4 == ended.returncode
    assert all(word in ended.stderr.decode() for word in words), ended.stderr


def test_a_taken_port_stops_the_start(store: Path) -> None:
    """Named with its number, before any model is loaded."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = run(store=store, port=port)
    assert 4 == ended.returncode
    assert f"127.0.0.1:{port}" in ended.stderr.decode()


def damage_graph(store: Path) -> None:
    """One bit."""
    path = store / "frozen" / "1" / "model.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def change_answers(store: Path) -> None:
    """Goldens of another model, with right hashes."""
    shutil.rmtree(store / "frozen")
    write_model(store, "frozen", seed=1)
    for name in ("golden.npz",):
        shutil.copy(store / "partial" / "1" / name, store / "frozen" / "1" / name)
    path = store / "frozen" / "1" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["golden.npz"] = json.loads((store / "partial/1/manifest.json").read_text())["files"]["golden.npz"]
    path.write_text(json.dumps(manifest))


def point_nowhere(store: Path) -> None:
    """An alias to a version that is not there."""
    (store / "aliases.json").write_text('{"stable": {"model": "partial", "version": "9"}}')


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (damage_graph, "SHA-256"),
        (change_answers, "golden photograph"),
        (point_nowhere, "partial/9"),
        (shutil.rmtree, "no such folder"),
    ],
)
def test_a_damaged_store_is_refused(store: Path, tmp_path: Path, damage: object, word: str) -> None:
    """Exit code 3, before the port answers, with the file that is wrong."""
    copy = tmp_path / "store"
    shutil.copytree(store, copy)
    damage(copy)  # type: ignore[operator] # one of the functions above
    ended = run(store=store, models=copy)
    assert 3 == ended.returncode
    assert word in ended.stderr.decode()


def test_the_runtime_tells_nobody(store: Path, tmp_path: Path) -> None:
    """No telemetry: no file in the home folder, no socket but the listener and its loop's own."""
    home = tmp_path / "home"
    home.mkdir()
    inherited = {
        name: value for name, value in environment(store).items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")
    }
    script = (
        "import os\nfrom pathlib import Path\nfrom serving.engine import CPU\nfrom serving.loading import load_models\n"
        f"load_models(Path({str(store)!r}), CPU, 4)\n"
        "paths = [f'/proc/self/fd/{number}' for number in os.listdir('/proc/self/fd')]\n"
        "print([path for path in paths if os.path.lexists(path) and 'socket' in os.readlink(path)])\n"
    )
    settings = {**inherited, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    ended = subprocess.run(
        [sys.executable, "-B", "-c", script], capture_output=True, env=settings, cwd=ROOT, timeout=15, check=True
    )
    assert b"[]\n" == ended.stdout
    assert [] == list(home.rglob("*"))


def test_the_probe_of_the_container(server: ServerProcess) -> None:
    """Exit code 0 when ready, 1 with the reason when not."""
    probe = [sys.executable, "-m", "serving.health"]
    inherited = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert 0 == subprocess.run(probe, env={**inherited, "THAW_PORT": str(server.port)}, timeout=15).returncode
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        silent = {**inherited, "THAW_PORT": str(nobody.getsockname()[1])}
        ended = subprocess.run(probe, env=silent, timeout=15, capture_output=True)
    assert (1, True) == (ended.returncode, b"no answer" in ended.stderr)


def test_a_stop_while_starting_is_a_clean_end(store: Path) -> None:
    """Nothing is in flight yet, so nothing is lost: exit 0."""
    command = [sys.executable, "-m", "serving"]
    with subprocess.Popen(command, env=environment(store), cwd=store, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b'"settings"' in process.stderr.readline()
        process.terminate()
    assert 0 == process.returncode
