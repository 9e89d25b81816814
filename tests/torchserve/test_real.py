"""A real TorchServe beside our own server: same models, same photographs, same answers."""

import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contract.artifact import read_artifact
from contract.golden import TOLERANCE
from serving.engine import CPU
from serving.loading import load_models
from serving.torchserve.ready import inference_key, probe, questions
from tests.integration.running import Running, running
from tests.torchserve.exchange import BUS, CASES, SAMPLES, STORE, Case, ask, read_recorded
from tests.torchserve.process import TorchServe, torchserve
from training.package import Packaging, package

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

# Both runtimes of the handler.
RUNTIMES = {"frozen": "program", "partial": "onnx", "majority": "program"}
GOLDENS = read_artifact(STORE / "frozen" / "1").golden().photographs
TEN = (*(path.read_bytes() for path in SAMPLES), *GOLDENS)[:10]
SAFE_END_S = 5.0
HISTOGRAMS = ("handler_decode_milliseconds", "handler_infer_seconds", "handler_seconds", "handler_batch_photographs")


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The drawn store's models."""
    out = tmp_path_factory.mktemp("archives")
    return [package(STORE / name / "1", out, Packaging(runtime)) for name, runtime in RUNTIMES.items()]  # type: ignore[arg-type] # the literals above


@pytest.fixture(scope="module")
def theirs(archives: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchServe]:
    """TorchServe with all of them; its tests leave it as it was."""
    with torchserve(archives, tmp_path_factory.mktemp("torchserve")) as server:
        yield server


@pytest.fixture(scope="module")
def ours() -> Iterator[Running]:
    """Our server on the same store."""
    with running(load_models(STORE, CPU, 4), lanes=2) as server:
        yield server


@pytest.mark.parametrize("model", RUNTIMES)
def test_ten_photographs_are_answered_alike(theirs: TorchServe, ours: Running, model: str) -> None:
    """Same labels in the same order, probabilities within 1e-4."""
    for photograph in TEN:
        case = Case("", "POST", f"/predictions/{model}", photograph, {"Content-Type": "image/jpeg"})
        expected, found = (ask(port, case) for port in (theirs.port, ours.port))
        assert 200 == expected["status"] == found["status"]
        assert list(expected["body"]) == list(found["body"])
        assert expected["body"] == pytest.approx(found["body"], abs=TOLERANCE)


def test_the_recording_is_still_what_it_answers(theirs: TorchServe) -> None:
    """What the replay test compares our server with, asked again of the real one."""
    for case in CASES:
        recorded, found = read_recorded()[case.name], ask(theirs.port, case)
        assert recorded["status"] == found["status"], case.name
        assert list(recorded["body"]) == list(found["body"]), case.name
        assert recorded["headers"] == found["headers"], case.name


def test_one_broken_photograph_among_many_fails_alone(theirs: TorchServe) -> None:
    """Twelve at once, so that batches form: one is refused as a client's mistake, the others are right."""
    bodies = [BUS] * 6 + [BUS[:2000]] + [BUS] * 5
    cases = [Case("", "POST", "/predictions/frozen", body, {"Content-Type": "image/jpeg"}) for body in bodies]
    with ThreadPoolExecutor(len(cases)) as clients:
        answers = list(clients.map(lambda case: ask(theirs.port, case), cases))
    assert [200] * 6 + [422] + [200] * 5 == [answer["status"] for answer in answers]
    first = answers[0]["body"]
    assert all(first == pytest.approx(a["body"], abs=TOLERANCE) for a in answers if a["status"] == 200)


def test_its_metrics_are_prometheus_text_with_histograms(theirs: TorchServe) -> None:
    """Each step of the handler, with counts in buckets that end below +Inf. promtool reads the page, where it is."""
    page = theirs.metrics()
    for name in (
        "handler_decode_milliseconds",
        "handler_infer_seconds",
        "handler_seconds",
        "handler_batch_photographs",
    ):
        assert f"# TYPE {name} histogram" in page
        assert f'{name}_bucket{{model="frozen"' in page
    if promtool := shutil.which("promtool"):
        checked = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, text=True)
        assert "error" not in checked.stderr.lower(), checked.stderr  # its style (exit 3) is TorchServe's own


def test_management_listens_on_no_port(theirs: TorchServe) -> None:
    """TorchServe's usual one, beside the inference port, is closed; registering is switched off even for its owner."""
    with pytest.raises(ConnectionRefusedError):
        ask(theirs.port + 1, Case("", "GET", "/models"))
    refused = ask(theirs.port, Case("", "POST", "/models?url=http://127.0.0.1:1/x.mar"))
    assert refused["status"] in (404, 405)


def test_readiness_asks_it(theirs: TorchServe, archives: list[Path]) -> None:
    """Every model's golden, over HTTP."""
    assert probe(("127.0.0.1", theirs.port), questions(archives)) is None


def test_the_inference_protocol_goes_as_far_as_inferring(tmp_path: Path) -> None:
    """/v2/models/NAME/infer answers with TorchServe's own envelope; health and metadata it does not have."""
    archive = package(STORE / "partial" / "1", tmp_path, Packaging("onnx", batch_size=1))
    with torchserve([archive], tmp_path, "--inference-protocol") as server:
        body, content_type = questions([archive], inference_protocol=True)[0].body()
        found = ask(server.port, Case("", "POST", "/v2/models/partial/infer", body, {"Content-Type": content_type}))
        assert (200, "partial") == (found["status"], found["body"]["model_name"])
        assert 404 == ask(server.port, Case("", "GET", "/v2/health/ready"))["status"]


def test_tokens_are_asked_for_when_switched_on(archives: list[Path], tmp_path: Path) -> None:
    """Without the key 400, with it an answer, for longer than its hour. Five seconds after SIGTERM nothing is left."""
    with torchserve(archives[1:2], tmp_path, "--tokens") as server:
        (key_file,) = tmp_path.glob("thaw-torchserve-*/key_file.json")
        ends = json.loads(key_file.read_text())["inference"]["expiration time"]
        assert datetime.now(UTC) + timedelta(days=360) < datetime.fromisoformat(ends)
        bare = {"Content-Type": "image/jpeg"}
        without = ask(server.port, Case("", "POST", "/predictions/partial", BUS, bare))
        assert (400, "InvalidKeyException") == (without["status"], without["body"]["type"])
        bearer = bare | {"Authorization": f"Bearer {inference_key(key_file)}"}
        assert 200 == ask(server.port, Case("", "POST", "/predictions/partial", BUS, bearer))["status"]
        server.process.terminate()
        began = time.monotonic()
        assert 0 == server.process.wait(SAFE_END_S)
        assert time.monotonic() - began < SAFE_END_S
        assert not [pid for pid in server.group() if str(tmp_path) in Path(f"/proc/{pid}/cmdline").read_text()]
        with pytest.raises((ConnectionRefusedError, http.client.HTTPException)):
            ask(server.port, Case("", "GET", "/ping"))
