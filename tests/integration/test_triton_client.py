"""NVIDIA's client of the Open Inference Protocol, as it is installed, against our routes."""

from collections.abc import Iterator

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput, InferResult
from tritonclient.utils import InferenceServerException

from contract.pixels import to_input
from tests.fakes import LABELS, SIZE, photograph
from tests.integration.running import Running

SEEDS = (1, 2)


@pytest.fixture
def client(real: Running) -> Iterator[InferenceServerClient]:
    """Connected to the shared server."""
    with InferenceServerClient(f"127.0.0.1:{real.port}") as client:
        yield client


def pixels(*, binary: bool) -> InferInput:
    """Two prepared photographs."""
    rgb = np.stack([to_input(photograph(seed), SIZE).rgb for seed in SEEDS])
    return InferInput("images", list(rgb.shape), "UINT8").set_data_from_numpy(rgb, binary_data=binary)


def encoded(data: list[bytes] | None = None) -> InferInput:
    """Two photographs as files."""
    data = data or [photograph(seed) for seed in SEEDS]
    return InferInput("image_bytes", [len(data)], "BYTES").set_data_from_numpy(np.array(data, np.object_))


def expected(real: Running) -> list[list[float]]:
    """What our own route says of the two."""
    answers = [real.post("/predict?model=frozen", photograph(seed)).json["predictions"] for seed in SEEDS]
    return [[{item["label"]: item["score"] for item in answer}[label] for label in LABELS] for answer in answers]


@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("kind", ["json", "binary", "bytes"])
def test_infer(real: Running, client: InferenceServerClient, kind: str, binary_out: bool) -> None:
    """Pixels in JSON, pixels in binary and files, answered in JSON and in binary: the same numbers."""
    given = encoded() if kind == "bytes" else pixels(binary=kind == "binary")
    outputs = [InferRequestedOutput(name, binary_data=binary_out) for name in ("probabilities", "activation_map")]
    result = client.infer("frozen", [given], outputs=outputs, request_id="seventeen")
    assert expected(real) == result.as_numpy("probabilities").tolist()
    assert (2, len(LABELS), 4, 4) == result.as_numpy("activation_map").shape
    assert ("seventeen", "1") == (result.get_response()["id"], result.get_response()["model_version"])
    assert result.as_numpy("logits") is None


def test_infer_with_nothing_but_an_input(real: Running, client: InferenceServerClient) -> None:
    """The client's default asks for every output in binary."""
    result = client.infer("frozen", [encoded()], model_version="1", timeout=5_000_000)
    assert expected(real) == result.as_numpy("probabilities").tolist()
    assert (2, len(LABELS)) == result.as_numpy("logits").shape


def test_classification(client: InferenceServerClient) -> None:
    """Triton's extension: the best labels as strings."""
    result = client.infer("frozen", [encoded()], outputs=[InferRequestedOutput("probabilities", class_count=2)])
    rows = result.as_numpy("probabilities")
    assert (2, 2) == rows.shape
    assert {text.decode().split(":")[2] for text in rows.ravel()} <= set(LABELS)


def test_asynchronous_requests(real: Running, client: InferenceServerClient) -> None:
    """Sent together, answered each."""
    pending = [client.async_infer("frozen", [encoded()]) for _ in range(3)]
    results: list[InferResult] = [each.get_result() for each in pending]
    assert [expected(real)] * 3 == [result.as_numpy("probabilities").tolist() for result in results]


def test_health_and_metadata(client: InferenceServerClient) -> None:
    """All questions that the client asks by the protocol."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("frozen", "1")
    assert not client.is_model_ready("tram")
    assert "thaw" == client.get_server_metadata()["name"]
    assert ["images", "image_bytes"] == [tensor["name"] for tensor in client.get_model_metadata("stable")["inputs"]]


def test_errors_are_the_client_s_own_exception(client: InferenceServerClient) -> None:
    """With our sentence as its message and our status."""
    with pytest.raises(InferenceServerException, match="Photograph 1: Not a photograph") as caught:
        client.infer("frozen", [encoded([photograph(1), b"no photograph"])])
    assert "415" == caught.value.status()
    with pytest.raises(InferenceServerException, match="No model 'tram'"):
        client.infer("tram", [encoded()])
