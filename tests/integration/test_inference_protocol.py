"""The Open Inference Protocol over bare HTTP: what it promises, and how it refuses."""

import base64
import json
import struct
from typing import Any

import numpy as np
import pytest

from contract.pixels import to_input
from serving.inference_protocol.routes import LONG_JSON
from tests.fakes import LABELS, SIZE, FakeEngine, photograph, plain
from tests.hostile import png_bomb
from tests.integration.running import Reply, Running, wait_until

INFER = "/v2/models/partial/infer"
JSON = "application/json"
OUTPUTS = ["probabilities", "logits", "activation_map"]


def encoded(*photographs: bytes, **rest: object) -> dict[str, Any]:
    """A request with photographs in base64."""
    data = [base64.b64encode(each).decode() for each in photographs]
    return {"inputs": [{"name": "image_bytes", "shape": [len(data)], "datatype": "BYTES", "data": data}], **rest}


def pixels(data: object, *shape: int, **changes: object) -> dict[str, Any]:
    """A request with a tensor of pixels in JSON."""
    return {"inputs": [{"name": "images", "shape": shape, "datatype": "UINT8", "data": data, **changes}]}


def ask(server: Running, document: object, path: str = INFER, **headers: str) -> Reply:
    """POST of a JSON document."""
    return server.post(path, json.dumps(document).encode(), JSON, **headers)


def ask_binary(server: Running, document: dict[str, Any], *behind: bytes, length: int | None = None) -> Reply:
    """POST of a JSON document with tensors behind it."""
    head = json.dumps(document).encode()
    headers = {"Inference-Header-Content-Length": str(len(head) if length is None else length)}
    return server.post(INFER, head + b"".join(behind), "application/octet-stream", **headers)


def values(reply: Reply) -> dict[str, Any]:
    """Arrays of a JSON answer by name."""
    assert 200 == reply.status, reply.body
    return {output["name"]: np.reshape(output["data"], output["shape"]) for output in reply.json["outputs"]}


def scores(server: Running, data: bytes, path: str = "/predict") -> list[float]:
    """What /predict says of it, in the order of the labels."""
    found = {item["label"]: item["score"] for item in server.post(path, data).json["predictions"]}
    return [found[label] for label in LABELS]


def test_photographs_get_the_answers_of_predict(real: Running) -> None:
    """Probabilities to the last digit, logits that give them, and the activation map, in the order of the rows."""
    given = values(ask(real, encoded(photograph(1), photograph(2))))
    assert OUTPUTS == list(given)
    assert [scores(real, photograph(1)), scores(real, photograph(2))] == given["probabilities"].tolist()
    powers = np.exp(given["logits"])
    assert given["probabilities"] == pytest.approx(powers / powers.sum(axis=1, keepdims=True), abs=1e-6)
    assert (2, len(LABELS), 4, 4) == given["activation_map"].shape


def test_pixels_are_what_the_graph_takes(real: Running) -> None:
    """Prepared as the contract says, a photograph's pixels answer like the photograph, flat, nested or binary."""
    rgb = to_input(photograph(1), SIZE).rgb
    shape = (1, SIZE, SIZE, 3)
    flat = ask(real, pixels(rgb.ravel().tolist(), *shape))
    nested = ask(real, pixels([rgb.tolist()], *shape))
    document = pixels(None, *shape, parameters={"binary_data_size": rgb.nbytes})
    binary = ask_binary(real, document, rgb.tobytes())
    expected = [[scores(real, photograph(1))]] * 3
    assert expected == [values(reply)["probabilities"].tolist() for reply in (flat, nested, binary)]


def test_long_json_is_read_beside_the_loop(real: Running) -> None:
    """Sixteen photographs as numbers are parsed in another thread, with the same answers."""
    rgb = np.stack([to_input(photograph(seed), SIZE).rgb for seed in range(16)])
    document = pixels(rgb.ravel().tolist(), *rgb.shape)
    assert LONG_JSON < len(json.dumps(document))
    expected = values(ask(real, encoded(*map(photograph, range(16)))))["probabilities"]
    assert expected.tolist() == pytest.approx(values(ask(real, document))["probabilities"], abs=1e-6)


def test_the_envelope(real: Running) -> None:
    """Real name and version even for an alias; the id only when there is one; outputs as asked, in that order."""
    reply = ask(real, encoded(photograph(1), id="17", outputs=[{"name": "logits"}]), "/v2/models/stable/infer").json
    assert ("partial", "1", "17", ["logits"]) == (
        reply["model_name"],
        reply["model_version"],
        reply["id"],
        [output["name"] for output in reply["outputs"]],
    )
    assert "id" not in ask(real, encoded(photograph(1)), "/v2/models/frozen/versions/1/infer").json


def test_binary_tensors_go_both_ways(real: Running) -> None:
    """Photographs with their lengths before them; tensors behind the JSON, whose length the header tells."""
    photographs = [photograph(1), photograph(2)]
    packed = b"".join(struct.pack("<I", len(each)) + each for each in photographs)
    tensor = {"name": "image_bytes", "shape": [2, 1], "datatype": "BYTES"}
    tensor["parameters"] = {"binary_data_size": len(packed)}
    outputs = [{"name": "logits", "parameters": {"binary_data": False}}, {"name": "probabilities"}]
    document = {"inputs": [tensor], "outputs": outputs, "parameters": {"binary_data_output": True}}
    reply = ask_binary(real, document, packed)
    length = int(reply.headers["inference-header-content-length"])
    in_json, behind = json.loads(reply.body[:length])["outputs"]
    assert "application/octet-stream" == reply.headers["content-type"]
    assert ({"binary_data_size": 2 * len(LABELS) * 4}, True) == (behind["parameters"], "data" in in_json)
    assert [scores(real, each) for each in photographs] == np.frombuffer(reply.body[length:], "<f4").reshape(
        2, -1
    ).tolist()


def test_classification(fake: Running) -> None:
    """`score:index:label`, highest first, as many as asked for; of a map it means nothing."""
    asked = [{"name": "probabilities", "parameters": {"classification": 2}}]
    output = ask(fake, encoded(plain(51), outputs=asked)).json["outputs"][0]
    assert ("BYTES", [1, 2]) == (output["datatype"], output["shape"])
    assert ["0.200000:0:bus", "0.200000:1:car"] == output["data"]
    asked = [{"name": "activation_map", "parameters": {"classification": 1}}]
    assert 400 == ask(fake, encoded(plain(51), outputs=asked)).status


def test_rows_of_one_request_share_batches(fake: Running, engine: FakeEngine) -> None:
    """Each row is a photograph of its own in the queue: batches are greedy, slots are counted one by one."""
    engine.gate.clear()
    waiting = fake.later("/predict", plain(1))
    wait_until(lambda: engine.batches == [1])
    document = pixels(np.zeros((4, SIZE, SIZE, 3), int).ravel().tolist(), 4, SIZE, SIZE, 3)
    fake.later(INFER, json.dumps(document).encode())
    wait_until(lambda: 5 == fake.metric("thaw_slots_in_use"))
    engine.gate.set()
    assert 200 == waiting.reply().status
    wait_until(lambda: engine.batches == [1, 4])


def test_one_bad_photograph_is_named_and_neighbours_are_answered(fake: Running) -> None:
    """The protocol knows no answer in part; another client's photographs in the same batch never notice."""
    reply = ask(fake, encoded(plain(1), b"no photograph", plain(2)))
    assert (415, ["error"]) == (reply.status, list(reply.json))
    assert reply.json["error"].startswith("Photograph 1: Not a photograph")
    assert 422 == ask(fake, encoded(photograph(1)[:200])).status
    assert 413 == ask(fake, encoded(png_bomb())).status
    assert 200 == fake.post("/predict", plain(3)).status


TENSOR = {"name": "image_bytes", "shape": [1], "datatype": "BYTES", "data": ["aa=="]}
REFUSED = [
    (b"", "empty"),
    (b"\xff\xd8\xff", "no JSON"),
    (b"[" * 100_000, "no JSON"),
    (b"[]", "the document"),
    ({}, "`inputs`"),
    ({"inputs": []}, "`inputs`"),
    ({"inputs": [TENSOR, TENSOR]}, "`inputs`"),
    ({"inputs": [TENSOR | {"name": "x"}]}, "`inputs[0].name` = 'x'"),
    ({"inputs": [TENSOR | {"datatype": "FP32"}]}, "'FP32'"),
    ({"inputs": [TENSOR | {"datatype": "UINT8"}]}, "send BYTES"),
    ({"inputs": [TENSOR | {"shape": [1, 2]}]}, "[1, 2]"),
    ({"inputs": [TENSOR | {"shape": [2]}]}, "1 elements"),
    ({"inputs": [TENSOR | {"shape": [-1]}]}, "shape[0]"),
    (b'{"inputs": [{"name": "images", "datatype": "UINT8", "shape": [' + b"1" * 5000 + b"]}]}", ""),
    ({"inputs": [TENSOR | {"shape": [0], "data": []}]}, "no photograph"),
    ({"inputs": [TENSOR | {"data": ["%"]}]}, "image_bytes[0]"),
    ({"inputs": [TENSOR | {"data": [[[[["aa=="]]]]]}]}, "deeper"),
    ({"inputs": [TENSOR | {"data": None}]}, "needs either"),
    ({"inputs": [TENSOR | {"parameters": {"binary_data_size": 4}}]}, "0 bytes follow"),
    ({"inputs": [TENSOR | {"parameters": {"shared_memory_region": "x"}}]}, "shared_memory_region"),
    (encoded(b"", outputs=[{"name": "classes"}]), "'classes'"),
    (encoded(b"", outputs=[{"name": "logits"}, {"name": "logits"}]), "twice"),
    (encoded(b"", parameters={"timeout": "soon"}), "timeout"),
    (encoded(b"", parameters={"binary_data_output": 1}), "binary_data_output"),
    (encoded(b""), "Photograph 0: "),
    (pixels([1], 1, SIZE, SIZE, 4), f"[N, {SIZE}, {SIZE}, 3]"),
    (pixels([1], 1, SIZE, SIZE, 3), "1 values"),
    (pixels([[1]], 1, SIZE, SIZE, 3), "shape [1, 1]"),
    (pixels([256] * SIZE * SIZE * 3, 1, SIZE, SIZE, 3), "0 to 255"),
    (pixels([-1] * SIZE * SIZE * 3, 1, SIZE, SIZE, 3), "0 to 255"),
    (pixels([0.5] * SIZE * SIZE * 3, 1, SIZE, SIZE, 3), "0 to 255"),
    (pixels([True] * SIZE * SIZE * 3, 1, SIZE, SIZE, 3), "0 to 255"),
    (pixels([[1], 2], 1, SIZE, SIZE, 3), "0 to 255"),
    (pixels([], 0, SIZE, SIZE, 3), "no photograph"),
]


@pytest.mark.parametrize(("document", "word"), REFUSED)
def test_refusals_of_a_body(real: Running, document: object, word: str) -> None:
    """400 with a sentence that names the place, in the protocol's form."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    reply = real.post(INFER, body, JSON)
    assert (400, JSON, ["error"]) == (reply.status, reply.headers["content-type"], list(reply.json))
    assert word.lower() in reply.json["error"].lower()


def test_refusals_of_binary_tensors(real: Running) -> None:
    """Lengths that do not add up are told with both numbers."""
    tensor = {"name": "image_bytes", "shape": [1], "datatype": "BYTES"}

    def refused(size: int, behind: bytes, length: int | None = None) -> str:
        document = {"inputs": [{**tensor, "parameters": {"binary_data_size": size}}]}
        reply = ask_binary(real, document, behind, length=length)
        assert 400 == reply.status
        return str(reply.json["error"])

    assert "4 bytes follow the JSON, but its inputs announce 5" in refused(5, b"1234")
    assert "the element at byte 0 ends after the tensor" in refused(8, struct.pack("<I", 5) + b"1234")
    assert "the element at byte 5" in refused(7, struct.pack("<I", 1) + b"1" + b"12")
    assert "'999999'" in refused(0, b"", length=999_999)
    assert "no length" in refused(0, b"", length=0)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/tram", 404),
        ("GET", "/v2/models/tram/ready", 404),
        ("POST", "/v2/models/tram/infer", 404),
        ("POST", "/v2/models/partial/versions/9/infer", 404),
        ("GET", "/v2/nothing/here", 404),
        ("GET", INFER, 405),
        ("POST", "/v2/health/live", 405),
        ("POST", INFER + "?top_k=1", 400),
        ("POST", INFER + "?timeout_ms=0", 400),
    ],
)
def test_refusals_of_a_route(real: Running, method: str, path: str, status: int) -> None:
    """Every refusal below /v2 has the protocol's form."""
    reply = real.send(method, path, json.dumps(encoded(photograph(1))).encode() if method == "POST" else b"")
    assert (status, JSON, ["error"]) == (reply.status, reply.headers["content-type"], list(reply.json))


def test_limits(real: Running) -> None:
    """Bytes before the body is read, photographs by the slots, encodings not at all."""
    assert 413 == real.post(INFER, b"x" * 10_000_001, JSON).status
    many = ask(real, encoded(*[b"x"] * 65))
    assert (413, True) == (many.status, "at most 64" in many.json["error"])
    assert 415 == ask(real, encoded(photograph(1)), Content_Encoding="gzip").status


def test_a_full_server_sheds_and_late_answers_are_not_computed(fake: Running, engine: FakeEngine) -> None:
    """429 with Retry-After like everywhere; the protocol's own timeout is in microseconds."""
    engine.gate.clear()
    waiting = [fake.later("/predict", plain(level)) for level in range(32)]
    wait_until(lambda: 32 == fake.metric("thaw_slots_in_use"))
    shed = ask(fake, encoded(plain(1)))
    assert (429, ["error"]) == (shed.status, list(shed.json))
    assert shed.headers["retry-after"].isdecimal()
    engine.gate.set()
    assert {200} == {each.reply().status for each in waiting}
    engine.gate.clear()
    held = fake.later("/predict", plain(1))
    wait_until(lambda: 1 == fake.metric("thaw_slots_in_use"))
    assert 504 == ask(fake, encoded(plain(2), parameters={"timeout": 30_000})).status
    engine.gate.set()
    assert 200 == held.reply().status


def test_metadata_is_the_graph_s(real: Running) -> None:
    """Shapes with their fixed sides, labels in the order of the columns, versions that are loaded."""
    given = real.get("/v2/models/stable").json
    assert ("partial", ["1"], list(LABELS)) == (given["name"], given["versions"], given["parameters"]["labels"])
    assert [("images", [-1, SIZE, SIZE, 3]), ("image_bytes", [-1])] == [
        (tensor["name"], tensor["shape"]) for tensor in given["inputs"]
    ]
    assert OUTPUTS == [tensor["name"] for tensor in given["outputs"]]
    assert given == real.get("/v2/models/partial/versions/1").json


def test_health(fake: Running) -> None:
    """True while photographs may be sent, 503 in the protocol's form while draining."""
    assert {"live": True} == fake.get("/v2/health/live").json
    assert {"ready": True} == fake.get("/v2/health/ready").json
    assert {"name": "partial", "ready": True} == fake.get("/v2/models/partial/versions/1/ready").json
    fake.server.pipeline.is_draining = True
    replies = [fake.get(path) for path in ("/v2/health/ready", "/v2/models/partial/ready", "/v2/health/live")]
    assert [503, 503, 200] == [reply.status for reply in replies]
    assert "draining" in replies[0].json["error"]


def test_the_server_s_metadata(fake: Running) -> None:
    """The provider in use is named; the extensions are those that work."""
    given = fake.get("/v2").json
    assert ("thaw", "FakeProvider") == (given["name"], given["provider"])
    assert ["binary_tensor_data", "classification"] == given["extensions"]


def test_requests_are_counted_by_model(fake: Running) -> None:
    """Under the route's own name, with the outcome."""
    ask(fake, encoded(plain(1)))
    ask(fake, encoded(b"x"))
    for outcome in ("ok", "refused"):
        assert 1 == fake.metric("thaw_requests_total", route="inference", model="partial", version="1", outcome=outcome)
