"""The forms of request and answer that clients rely on."""

import base64
import json

import pytest

from tests.fakes import LABELS, FakeEngine, photograph, plain
from tests.integration.running import Running

MULTIPART = "multipart/form-data; boundary=edge"


def form(*files: bytes, field: str = "image", end: bytes = b"--edge--\r\n") -> bytes:
    """A form as a browser sends it, with a text field that is no photograph."""
    head = b'--edge\r\nContent-Disposition: form-data; name="comment"\r\n\r\nhello\r\n'
    disposition = f'Content-Disposition: form-data; name="{field}"; filename="a.jpg"'.encode()
    parts = [b"--edge\r\n" + disposition + b"\r\nContent-Type: image/jpeg\r\n\r\n" + file + b"\r\n" for file in files]
    return head + b"".join(parts) + end


def in_json(**document: object) -> bytes:
    """A JSON body; bytes become base64."""
    return json.dumps(document, default=lambda data: base64.b64encode(data).decode()).encode()


@pytest.mark.parametrize(
    "content_type", ["image/jpeg", "application/octet-stream", "application/x-www-form-urlencoded"]
)
def test_raw_bodies(real: Running, content_type: str) -> None:
    """What the header says of a raw body does not matter: the bytes decide."""
    expected = real.post("/predict", photograph(1)).json["predictions"]
    assert expected == real.post("/predict", photograph(1), content_type).json["predictions"]


def test_all_body_forms_give_one_answer(real: Running) -> None:
    """Raw, form and JSON are three ways to send the same photograph."""
    expected = real.post("/predict", photograph(1)).json["predictions"]
    forms = [
        real.post("/predict", form(photograph(1), field="whatever"), MULTIPART),
        real.post("/predict", in_json(image=photograph(1)), "application/json"),
        real.send("POST", "/predict", photograph(1)),
    ]
    assert [expected] * 3 == [reply.json["predictions"] for reply in forms]


def test_the_envelope(real: Running) -> None:
    """Names are real ones, labels sorted, scores unrounded, the decision by the manifest's threshold."""
    answer = real.post("/predict", photograph(1)).json
    assert ["model", "version", "variant", "provider", "predictions", "decision", "timings_ms"] == list(answer)
    assert ("partial", "1", "float32") == (answer["model"], answer["version"], answer["variant"])
    assert "CPUExecutionProvider" == answer["provider"]
    scores = [item["score"] for item in answer["predictions"]]
    assert sorted(scores, reverse=True) == scores
    assert set(LABELS) == {item["label"] for item in answer["predictions"]}
    assert sum(scores) == pytest.approx(1)
    bus = next(item["score"] for item in answer["predictions"] if item["label"] == "bus")
    assert {"label": "bus", "is": bus >= 0.5, "threshold": 0.5, "at_fpr": 0.01} == answer["decision"]
    assert ["queue", "decode", "infer", "total"] == list(answer["timings_ms"])


def test_scores_are_not_rounded(fake: Running) -> None:
    """A score is the float32 that the model gave, digit for digit."""
    bus = next(item for item in fake.post("/predict", plain(51)).json["predictions"] if item["label"] == "bus")
    assert 0.20000000298023224 == bus["score"]


def test_top_k_and_explanation(real: Running) -> None:
    """top_k cuts the list, not the decision; cam adds a grid for each label."""
    answer = real.post("/predict?top_k=2&explain=cam", photograph(1)).json
    assert 2 == len(answer["predictions"])
    assert "bus" == answer["decision"]["label"]
    assert list(LABELS) == list(answer["activation_map"])
    assert [4, 4] == [len(answer["activation_map"]["bus"]), len(answer["activation_map"]["bus"][0])]


def test_several_photographs(real: Running) -> None:
    """Answer or problem, in order, under 200; a JSON list of one is a list as well."""
    results = real.post("/predict", form(photograph(1), b"nothing", photograph(2)), MULTIPART).json["results"]
    assert [None, 415, None] == [result.get("status") for result in results]
    assert "/docs#unsupported-format" == results[1]["type"]
    one = real.post("/predict", in_json(images=[photograph(1)]), "application/json").json["results"]
    assert results[0]["predictions"] == one[0]["predictions"]
    mixed = real.post("/predict", in_json(images=["!", photograph(1), ""]), "application/json").json["results"]
    assert [400, None, 400] == [result.get("status") for result in mixed]


def test_compare_decodes_once_and_answers_with_all(real: Running, fake: Running, engine: FakeEngine) -> None:
    """Every name of the store, each with its own answer, equal to what /predict says."""
    answers = real.post("/compare", photograph(1)).json["models"]
    assert ["frozen", "majority", "partial"] == list(answers)
    for name, answer in answers.items():
        assert real.post(f"/predict?model={name}", photograph(1)).json["predictions"] == answer["predictions"]
    assert 1 == len({answer["timings_ms"]["decode"] for answer in answers.values()})
    many = real.post("/compare", in_json(images=[photograph(1), b""]), "application/json").json["results"]
    assert [True, False] == ["models" in result for result in many]
    fake.post("/compare", plain(1))
    assert [1, 1, 1] == engine.batches


def test_request_ids(fake: Running) -> None:
    """A decent one is kept and returned, anything else is replaced."""
    assert "abc-123" == fake.post("/predict", plain(1), X_Request_Id="abc-123").headers["x-request-id"]
    assert "abc-123" == fake.post("/predict", b"no", X_Request_Id="abc-123").json["request_id"]
    assert "<script>" != fake.post("/predict", plain(1), X_Request_Id="<script>").headers["x-request-id"]
    assert 1 < len({fake.get("/livez").headers["x-request-id"] for _ in range(2)})


def test_server_timing_tells_the_steps(fake: Running) -> None:
    """Browsers show the steps of an answer."""
    timing = fake.post("/predict", plain(1)).headers["server-timing"]
    assert ["queue", "decode", "infer", "answer", "total"] == [step.partition(";")[0] for step in timing.split(", ")]


def test_models(real: Running) -> None:
    """The list says what is loaded, what is default, and where the aliases point."""
    document = real.get("/models").json
    assert ["frozen", "majority", "partial"] == [model["name"] for model in document["models"]]
    assert {"stable": {"model": "partial", "version": "1"}} == document["aliases"]
    assert {"no"} == {model["seen_new_class"] for model in document["models"]}


def test_torchserve_s_clients_may_send_what_theirs_knew(real: Running) -> None:
    """A parameter that we do not know is ignored there, and refused on our own routes."""
    plain = real.post("/predictions/frozen", photograph(1))
    for path in ("/predictions/frozen?topk=1&session=7", "/predictions/frozen/1?model=other"):
        assert (200, plain.body) == (real.post(path, photograph(1)).status, real.post(path, photograph(1)).body)
    assert 200 == real.post("/explanations/frozen?target=0", photograph(1)).status
    assert 400 == real.post("/predictions/frozen?top_k=none", photograph(1)).status


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_torchserve_predictions(real: Running, method: str) -> None:
    """Label -> probability, sorted; the version is optional; a grid on request."""
    headers = {"Content-Type": "image/jpeg"}
    scores = real.send(method, "/predictions/frozen", photograph(1), headers).json
    assert sorted(scores.values(), reverse=True) == list(scores.values())
    assert scores == real.send(method, "/predictions/frozen/1", photograph(1), headers).json
    assert (
        scores
        == real.send(method, "/predictions/frozen", form(photograph(1), field="data"), {"Content-Type": MULTIPART}).json
    )
    explained = real.send(method, "/predictions/frozen?explain=cam", photograph(1), headers).json
    assert scores == {label: explained[label] for label in LABELS}
    assert list(LABELS) == list(explained["activation_map"])


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "kind"),
    [
        ("POST", "/predictions/none", photograph(1), 404, "ModelNotFoundException"),
        ("POST", "/predictions/frozen/2", photograph(1), 404, "ModelVersionNotFoundException"),
        ("DELETE", "/predictions/frozen", b"", 405, "MethodNotAllowedException"),
        ("POST", "/predictions/frozen", b"", 400, "BadRequestException"),
        ("POST", "/predictions/frozen", b"no photograph", 415, "UnsupportedMediaTypeException"),
        ("POST", "/predictions/frozen", photograph(1)[:200], 422, "UnprocessableEntityException"),
        ("POST", "/predictions/frozen", b"x" * 10_000_001, 413, "RequestEntityTooLargeException"),
    ],
)
def test_torchserve_errors(real: Running, method: str, path: str, body: bytes, code: int, kind: str) -> None:
    """`{code, type, message}` in plain JSON, with the status in `code` too."""
    reply = real.send(method, path, body)
    assert (code, "application/json") == (reply.status, reply.headers["content-type"])
    assert (code, kind) == (reply.json["code"], reply.json["type"])
    assert ["code", "type", "message"] == list(reply.json)


def test_ping(real: Running) -> None:
    """As TorchServe answers when all workers live."""
    assert {"status": "Healthy"} == real.get("/ping").json


def test_health_routes(real: Running) -> None:
    """Live, ready and started are three questions."""
    replies = [real.get(path).json for path in ("/livez", "/readyz", "/startupz")]
    assert [{"status": "live"}, {"status": "ready"}, {"status": "started"}] == replies


@pytest.mark.parametrize(
    ("asked", "status", "word"),
    [
        (("POST", "/predict?model=tram", photograph(1), "image/jpeg"), 404, "frozen, majority, partial"),
        (("POST", "/predict?top_k=0", photograph(1), "image/jpeg"), 400, "top_k"),
        (("POST", "/predict?top_k=x", photograph(1), "image/jpeg"), 400, "whole number"),
        (("POST", "/predict?topk=1", photograph(1), "image/jpeg"), 400, "'top_k'"),
        (("POST", "/predict?top_k=1&top_k=2", photograph(1), "image/jpeg"), 400, "twice"),
        (("POST", "/predict?explain=lime", photograph(1), "image/jpeg"), 400, "cam"),
        (("POST", "/predict?timeout_ms=-1", photograph(1), "image/jpeg"), 400, "timeout_ms"),
        (("POST", "/compare?model=frozen", photograph(1), "image/jpeg"), 400, "model"),
        (("POST", "/predict", photograph(1), "text/plain"), 415, "text/plain"),
        (("POST", "/predict", b"{", "application/json"), 400, "JSON"),
        (("POST", "/predict", b"[" * 100_000, "application/json"), 400, "JSON"),
        (("POST", "/predict", b"[]", "application/json"), 400, "image"),
        (("POST", "/predict", in_json(image="%%%"), "application/json"), 400, "base64"),
        (("POST", "/predict", in_json(image=photograph(1), more=1), "application/json"), 400, "exactly"),
        (("POST", "/predict", in_json(images=[]), "application/json"), 400, "no photograph"),
        (("POST", "/predict", in_json(images=["aa==", 3]), "application/json"), 400, "images[1]"),
        (("POST", "/predict", in_json(images=["aa=="] * 65), "application/json"), 413, "64"),
        (("POST", "/predict", form(photograph(1), end=b""), MULTIPART), 400, "closing boundary"),
        (("POST", "/predict", form(), MULTIPART), 400, "no file"),
        (("POST", "/predict", b"no form", MULTIPART), 400, "multipart"),
        (("POST", "/predict", form(photograph(1)), "multipart/form-data"), 400, "boundary"),
        (("GET", "/predict", b"", "image/jpeg"), 405, "POST"),
        (("POST", "/models", b"", "image/jpeg"), 405, "GET"),
        (("GET", "/nowhere", b"", "image/jpeg"), 404, "/docs"),
        (("GET", "/static/../settings.py", b"", "image/jpeg"), 404, "No file"),
        (("GET", "/static/%2e%2e/settings.py", b"", "image/jpeg"), 404, "No file"),
    ],
)
def test_refusals(real: Running, asked: tuple[str, str, bytes, str], status: int, word: str) -> None:
    """Problem details with a sentence that says what was wrong and what to do."""
    method, path, body, content_type = asked
    reply = real.send(method, path, body, {"Content-Type": content_type})
    assert (status, "application/problem+json") == (reply.status, reply.headers["content-type"])
    assert (status, f"/docs#{reply.json['type'][6:]}") == (reply.json["status"], reply.json["type"])
    assert reply.headers["x-request-id"] == reply.json["request_id"]
    assert word in reply.json["detail"]
    assert (status == 405) == ("allow" in reply.headers)


def test_an_encoded_body_is_not_guessed_at(real: Running) -> None:
    """A compressed body is refused, not decoded."""
    assert 415 == real.post("/predict", photograph(1), Content_Encoding="gzip").status


def test_the_page_is_strict(real: Running) -> None:
    """The page and its files come with a policy that lets nothing in from elsewhere."""
    for path, kind in (("/", "text/html"), ("/docs", "text/html"), ("/static/style.css", "text/css")):
        reply = real.get(path)
        assert (200, True) == (reply.status, reply.headers["content-type"].startswith(kind))
        policy = reply.headers["content-security-policy"]
        assert policy.startswith("default-src 'self'; img-src 'self' data: blob:;")


def test_metrics_have_all_series_from_the_start(fake: Running) -> None:
    """A scrape before the first photograph shows zeros, not gaps; afterwards what happened."""
    for outcome in ("ok", "gone", "refused", "shed", "deadline", "error"):
        assert 0 == fake.metric("thaw_requests_total", route="predict", model="partial", version="1", outcome=outcome)
    assert (32, 0) == (fake.metric("thaw_slots"), fake.metric("thaw_slots_in_use"))
    assert 0 == fake.metric("thaw_predictions_total", model="partial", label="bus")
    fake.post("/predict", plain(255))
    fake.post("/predict?model=a-clients-words", plain(255))
    assert 1 == fake.metric("thaw_requests_total", route="predict", model="partial", version="1", outcome="ok")
    assert 1 == fake.metric("thaw_requests_total", route="predict", model="", version="", outcome="refused")
    assert 1 == fake.metric("thaw_predictions_total", model="partial", label="bus")
    assert 1 == fake.metric("thaw_new_class_probability_count", model="partial")
    assert 1 == fake.metric("thaw_step_seconds_count", step="decode")
    assert 1 == fake.metric("thaw_model_info", model="partial", version="1", provider="FakeProvider")
    assert "words" not in fake.get("/metrics").body.decode()
