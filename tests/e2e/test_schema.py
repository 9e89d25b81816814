"""/openapi.json is true: requests made from it get the answers it promises, and a client made from it works."""

import importlib
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import ModuleType

import pytest

from tests.e2e.server_process import ServerProcess
from tests.fakes import LABELS, photograph, write_store
from tests.sources import ROOT

TAGS = ("photographs", "TorchServe", "inference", "operation", "administration")
CLIENT = "thaw_client"
KEY = "a-key-for-the-schema-alone"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A real process on tiny models."""
    store = write_store(tmp_path_factory.mktemp("schema") / "store")
    process = ServerProcess(store, drain_seconds=0, admin_key=KEY)
    yield process
    assert 0 == process.end()


def fuzz(server: ServerProcess, folder: Path, *words: str) -> None:
    """Run schemathesis on the served schema."""
    command = [BIN / "st", "--config-file", ROOT / "tests/e2e/schemathesis.toml", "run", f"{server.url}/openapi.json"]
    done = subprocess.run(
        [*command, "--no-color", "--seed", "1", "--header", f"Authorization: Bearer {KEY}", *words],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=900,
    )
    assert 0 == done.returncode, done.stdout[-5000:] + done.stderr


@pytest.mark.long
@pytest.mark.parametrize("tag", TAGS)
def test_answers_keep_to_the_schema(server: ServerProcess, tmp_path: Path, tag: str) -> None:
    """Boundaries, missing and wrong values of every parameter and body: documented statuses, types and forms only."""
    fuzz(server, tmp_path, "--phases", "examples,coverage", "--include-tag", tag)


@pytest.mark.long
def test_random_requests_keep_to_the_schema(server: ServerProcess, tmp_path: Path) -> None:
    """As above with random values, and in sequences of requests."""
    fuzz(server, tmp_path, "--phases", "fuzzing,stateful", "--max-examples", "100")


@pytest.fixture(scope="module")
def client(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """A package that openapi-python-client makes from the served schema."""
    folder = tmp_path_factory.mktemp("client")
    command = [BIN / "openapi-python-client", "generate", "--url", f"{server.url}/openapi.json", "--meta", "none"]
    done = subprocess.run([*command, "--output-path", folder / CLIENT], capture_output=True, text=True, timeout=60)
    assert 0 == done.returncode, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module(CLIENT)
    sys.path.remove(str(folder))


def part(client: ModuleType, name: str) -> ModuleType:
    """A module of the generated package."""
    return importlib.import_module(f"{client.__name__}.{name}")


def test_a_generated_client_answers_a_photograph(server: ServerProcess, client: ModuleType) -> None:
    """Bytes in, a typed answer out; refusals are typed as well."""
    predict = part(client, "api.photographs.predict")
    types = part(client, "types")
    models = part(client, "models")
    with client.Client(server.url) as http:
        answer = predict.sync(client=http, body=types.File(BytesIO(photograph(1))), model="frozen", top_k=2)
        refused = predict.sync(client=http, body=types.File(BytesIO(b"no photograph")))
    assert ("frozen", "1", 2) == (answer.model, answer.version, len(answer.predictions))
    assert {prediction.label for prediction in answer.predictions} <= set(LABELS)
    assert answer.decision.threshold == 0.5
    assert (models.Problem, 415) == (type(refused), refused.status)


def test_a_generated_client_speaks_the_inference_protocol(server: ServerProcess, client: ModuleType) -> None:
    """Typed tensors both ways."""
    infer = part(client, "api.inference.infer")
    models = part(client, "models")

    def request(data: str) -> object:
        tensor = {"name": "image_bytes", "shape": [1], "datatype": "BYTES", "data": [data]}
        return models.InferRequest.from_dict({"inputs": [tensor]})

    with client.Client(server.url) as http:
        answer = infer.sync("frozen", client=http, body=request(b64encode(photograph(1)).decode()))
        refused = infer.sync("frozen", client=http, body=request("aa=="))
        listed = part(client, "api.photographs.models").sync(client=http)
        metadata = part(client, "api.inference.model_metadata").sync("frozen", client=http)
    assert [[1, 5], [1, 5], [1, 5, 4, 4]] == [output.shape for output in answer.outputs]
    assert refused.error.startswith("Photograph 0: Not a photograph")
    assert ["frozen", "majority", "partial"] == [model.name for model in listed.models]
    assert list(LABELS) == metadata.parameters.labels
