"""Readiness that asks for a golden prediction, against servers that answer, lie or fail."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from contract.errors import ArtifactError
from serving.torchserve.ready import archives_in, inference_key, probe, questions
from tests.fakes import write_model
from training.package import Packaging, package


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model's archive."""
    root = tmp_path_factory.mktemp("ready")
    return package(write_model(root / "store", "tiny").folder, root / "out", Packaging(runtime="onnx"))


@contextmanager
def answering(reply: Callable[[BaseHTTPRequestHandler], tuple[int, object]]) -> Iterator[tuple[str, int]]:
    """A server that answers every POST with what `reply` says."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, document = reply(self)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield ("127.0.0.1", server.server_port)
        finally:
            server.shutdown()
            thread.join()


def test_the_golden_answer_is_ready(archive: Path) -> None:
    """The stored photograph goes to the archive's own model and version, with the key."""
    asked = questions([archive])
    seen: list[tuple[str, str | None]] = []

    def reply(request: BaseHTTPRequestHandler) -> tuple[int, object]:
        seen.append((request.path, request.headers["Authorization"]))
        return 200, asked[0].scores

    with answering(reply) as address:
        assert probe(address, asked, "secret") is None
    assert [("/predictions/tiny/1", "Bearer secret")] == seen


def test_a_lie_is_not_ready(archive: Path) -> None:
    """200 with a number that is off by a thousandth."""
    asked = questions([archive])
    wrong = {label: score + 0.001 for label, score in asked[0].scores.items()}
    with answering(lambda _: (200, wrong)) as address:
        assert "differs by 1.0e-03" in str(probe(address, asked))


def test_the_inference_protocol_is_spoken(archive: Path) -> None:
    """A server with that envelope reads nothing else."""
    asked = questions([archive], inference_protocol=True)
    document = {"outputs": [{"name": "image_bytes", "data": [asked[0].scores]}]}
    with answering(lambda _: (200, document)) as address:
        assert probe(address, asked) is None
    assert ["inputs"] == list(json.loads(asked[0].body()[0]))


@pytest.mark.parametrize(("status", "document"), [(503, {"message": "no worker"}), (200, ["bus"]), (200, {})])
def test_anything_else_is_not_ready(archive: Path, status: int, document: object) -> None:
    """A refusal, or a 200 that says nothing."""
    with answering(lambda _: (status, document)) as address:
        assert "tiny: answered" in str(probe(address, questions([archive])))


def test_nobody_there_is_not_ready(archive: Path) -> None:
    """A closed port."""
    with answering(lambda _: (200, {})) as address:
        pass
    assert "no answer" in str(probe(address, questions([archive])))


def test_a_foreign_archive_is_refused(tmp_path: Path) -> None:
    """Without goldens there is nothing to ask."""
    path = tmp_path / "other.mar"
    path.write_bytes(b"no zip")
    with pytest.raises(ArtifactError, match="no archive of ours"):
        questions([path])


def test_a_folder_stands_for_its_archives(archive: Path, tmp_path: Path) -> None:
    """By name, and nothing else that lies there; a folder without one is an error with what to do."""
    inside = [tmp_path / "a.mar", tmp_path / "b.mar"]
    for path in (*inside, tmp_path / "notes.txt"):
        path.touch()
    assert [archive, *inside] == archives_in([archive, tmp_path])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtifactError, match="training package"):
        archives_in([tmp_path / "empty"])


def test_the_key_of_clients_is_read(tmp_path: Path) -> None:
    """Not the management key, which opens more."""
    path = tmp_path / "key_file.json"
    path.write_text(json.dumps({"management": {"key": "m"}, "inference": {"key": "i"}, "API": {"key": "a"}}))
    assert "i" == inference_key(path)
