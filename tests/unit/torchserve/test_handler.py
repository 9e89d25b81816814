"""The handler, called as TorchServe calls it; the real process is in tests/torchserve."""

import ast
import base64
from pathlib import Path

import pytest

from contract.errors import ArtifactError
from contract.golden import TOLERANCE
from serving.engine import CPU
from serving.loading import load_models
from tests.fakes import LABELS, photograph, write_model
from tests.sources import ROOT
from tests.unit.torchserve.worker import loaded, unpack
from training.package import Packaging, package

HANDLER = ROOT / "serving" / "torchserve" / "handler.py"
MOST_LINES = 79


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model's archive with the graph, unpacked."""
    root = tmp_path_factory.mktemp("handler")
    artifact = write_model(root / "store", "tiny")
    return unpack(package(artifact.folder, root / "out", Packaging(runtime="onnx")), root / "unpacked")


def test_the_handler_is_one_small_class() -> None:
    """TorchServe refuses a file with two classes; a reader refuses one that is long."""
    text = HANDLER.read_text()
    assert ["PhotographHandler"] == [node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    assert text.count("\n") <= MOST_LINES


def test_answers_are_those_of_our_server(folder: Path) -> None:
    """Same labels in the same order, same numbers."""
    model = load_models(folder.parent / "store", CPU, 4).find("tiny")
    data = photograph(7)
    expected = model.infer(model.prepare(data).rgb[None]).probabilities[0].tolist()
    handler, context = loaded(folder)
    (answer,) = handler.handle([{"body": bytearray(data)}], context)
    assert sorted(expected, reverse=True) == pytest.approx(list(answer.values()), abs=TOLERANCE)
    assert {label: pytest.approx(score, abs=TOLERANCE) for label, score in zip(LABELS, expected, strict=True)} == answer


def test_a_bad_photograph_fails_alone(folder: Path) -> None:
    """Its neighbours in the batch are answered, and the batch is counted without it."""
    handler, context = loaded(folder)
    good, bad = photograph(1), photograph(2)
    first, broken, text, last = handler.handle(
        [{"body": good}, {"body": bad[:300]}, {"body": b"x"}, {"data": good}], context
    )
    assert {1: 422, 2: 415} == context.statuses
    assert ("UnprocessableEntityException", 415) == (broken["type"], text["code"])
    assert first == last
    assert set(LABELS) == set(first)
    assert [(2, ["tiny"])] == context.series["handler_batch_photographs"].values


def test_a_batch_of_bad_photographs_is_answered(folder: Path) -> None:
    """Nothing is left to infer, and nothing fails."""
    handler, context = loaded(folder)
    assert [400, 400] == [answer["code"] for answer in handler.handle([{"body": bytearray()}, {}], context)]


@pytest.mark.parametrize("data", [{"image": 10**12}, {"image": [1, 2]}, {"pixels": "x"}, "no base64!", "Ä"])
def test_json_without_a_photograph_is_refused(folder: Path, data: object) -> None:
    """A number is not a length to reserve; whatever it is, the worker lives."""
    handler, context = loaded(folder)
    (answer,) = handler.handle([{"body": data}], context)
    assert (400, "BadRequestException") == (answer["code"], answer["type"])


def test_base64_is_read(folder: Path) -> None:
    """As text, as TorchServe's own image handlers take it, and in our JSON."""
    handler, context = loaded(folder)
    text = base64.b64encode(photograph(3)).decode()
    plain, in_json, raw = handler.handle([{"data": text}, {"body": {"image": text}}, {"body": photograph(3)}], context)
    assert raw == plain == in_json


def test_an_explanation_is_the_map(folder: Path) -> None:
    """Only for the request that asked for it; one grid for each label, as our /explanations answers."""
    handler, context = loaded(folder)
    context.explained = {1}
    plain, explained = handler.handle([{"body": photograph(4)}] * 2, context)
    assert all(isinstance(score, float) for score in plain.values())
    assert list(LABELS) == list(explained)
    assert [4] * 4 == [len(row) for row in explained["bus"]]


def test_a_changed_file_is_refused(folder: Path, tmp_path: Path) -> None:
    """The manifest's hashes are checked before anything is loaded."""
    copied = unpack(folder.parent / "out" / "tiny.mar", tmp_path / "copy")
    graph = copied / "tiny" / "1" / "model.onnx"
    graph.write_bytes(graph.read_bytes() + b"\0")
    with pytest.raises(ArtifactError, match="SHA-256"):
        loaded(copied)


def test_a_changed_program_is_refused(folder: Path, tmp_path: Path) -> None:
    """program.pt2 is no file of the artifact, so its hash is in the archive's configuration."""
    copied = unpack(folder.parent / "out" / "tiny.mar", tmp_path / "copy")
    config = copied / "model-config.yaml"
    config.write_text(config.read_text().replace("runtime: onnx", "runtime: program"))
    (copied / "program.pt2").write_bytes(b"another")
    with pytest.raises(ArtifactError, match="not the file that was packaged"):
        loaded(copied)


def test_wrong_goldens_are_refused(folder: Path, tmp_path: Path) -> None:
    """Hashes that agree prove the files; only an answer proves the runtime."""
    other = write_model(tmp_path / "store", "tiny", seed=5)
    copied = unpack(package(other.folder, tmp_path / "out", Packaging(runtime="onnx")), tmp_path / "copy")
    handler, context = loaded(copied)
    handler.graph = loaded(folder)[0].graph
    wrong = type(handler)()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("serving.torchserve.handler.load_graph", lambda *_: handler.graph)
        with pytest.raises(ArtifactError, match="does not answer as exported"):
            wrong.initialize(context)
