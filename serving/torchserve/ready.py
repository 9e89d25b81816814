"""`python -m serving.torchserve.ready`: exit code 0 when every model answers its goldens right, over HTTP, now.

/ping says that the front end lives; a dead or wrong worker passes it. This asks what a client would ask.
"""

import argparse
import base64
import http.client
import json
import sys
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

from contract.artifact import GOLDEN, MANIFEST
from contract.errors import ArtifactError
from contract.golden import TOLERANCE, read_golden
from contract.manifest import Manifest
from serving import DEFAULT_HOST, DEFAULT_PORT

TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Question:
    """A stored photograph and what a model must say to it."""

    model: str
    version: str
    photograph: bytes
    scores: dict[str, float]
    has_inference_protocol: bool = False  # of the server: it reads nothing but inputs, and answers outputs

    def body(self) -> tuple[bytes, str]:
        """What is posted, and its content type."""
        if not self.has_inference_protocol:
            return self.photograph, "application/octet-stream"
        data = [base64.b64encode(self.photograph).decode()]
        tensor = {"name": "image_bytes", "shape": [1], "datatype": "BYTES", "data": data}
        return json.dumps({"inputs": [tensor]}).encode(), "application/json"


def archives_in(paths: list[Path]) -> list[Path]:
    """Files as they are, and for a folder its .mar files by name. Raises ArtifactError for a folder without one."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.mar")) if path.is_dir() else [path]
        if not inside:
            raise ArtifactError(f"{path}: no archive in this folder. Fill it with `python -m training package`.")
        found += inside
    return found


def questions(archives: list[Path], *, inference_protocol: bool = False) -> list[Question]:
    """One golden of each archive. Raises ArtifactError for a file that `training package` did not make."""
    return [replace(_question(path), has_inference_protocol=inference_protocol) for path in archives]


def probe(address: tuple[str, int], asked: list[Question], key: str = "", timeout_s: float = TIMEOUT_S) -> str | None:
    """address: host and port. None when every answer is within 1e-4, else a sentence about the first that is not."""
    for question in asked:
        connection = http.client.HTTPConnection(*address, timeout=timeout_s)
        try:
            status, body = _ask(connection, question, key)
        except (OSError, http.client.HTTPException) as error:
            return f"{question.model}: no answer from {address[0]}:{address[1]} ({error})"
        finally:
            connection.close()
        if trouble := _compare(question, status, body):
            return trouble
    return None


def inference_key(path: Path) -> str:
    """The key that clients send as `Authorization: Bearer`, from the key_file.json of a server with tokens."""
    return str(json.loads(path.read_text())["inference"]["key"])


def _question(path: Path) -> Question:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if Path(name).name == MANIFEST and "/" in name]
            manifest = Manifest.model_validate_json(archive.read(names[0]))
            golden = read_golden(zipfile.Path(archive, f"{manifest.name}/{manifest.version}/{GOLDEN}"))
    except (OSError, zipfile.BadZipFile, IndexError, KeyError, ValueError) as error:
        raise ArtifactError(
            f"{path}: no archive of ours ({error}). Make it with `python -m training package`."
        ) from error
    scores = dict(zip(manifest.labels, golden.probabilities[0].tolist(), strict=True))
    return Question(manifest.name, manifest.version, golden.photographs[0], scores)


def _ask(connection: http.client.HTTPConnection, question: Question, key: str) -> tuple[int, bytes]:
    body, content_type = question.body()
    headers = {"Content-Type": content_type} | ({"Authorization": f"Bearer {key}"} if key else {})
    connection.request("POST", f"/predictions/{question.model}/{question.version}", body, headers)
    response = connection.getresponse()
    return response.status, response.read()


def _compare(question: Question, status: int, body: bytes) -> str | None:
    if status != 200:
        return f"{question.model}: answered {status}: {' '.join(body.decode('utf-8', 'replace').split())[:300]}"
    try:
        found = json.loads(body)
        found = found["outputs"][0]["data"][0] if question.has_inference_protocol else found
        worst = max(abs(found[label] - score) for label, score in question.scores.items())
    except (ValueError, LookupError, TypeError):
        return f"{question.model}: answered something else than its labels with scores"
    if worst <= TOLERANCE:
        return None
    return f"{question.model}: its golden photograph differs by {worst:.1e}; the tolerance is {TOLERANCE:.0e}"


def main() -> int:
    """Returns the exit code; the sentence goes to stderr."""
    parser = argparse.ArgumentParser(prog="python -m serving.torchserve.ready", description=__doc__)
    parser.add_argument("archives", nargs="+", type=Path, metavar="ARCHIVE.mar", help="or a folder of them")
    parser.add_argument("--host", default=DEFAULT_HOST)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--key-file", type=Path, help="key_file.json of a server that was started with --tokens")
    parser.add_argument("--inference-protocol", action="store_true", help="as the server was started")
    chosen = parser.parse_args()
    try:
        key = inference_key(chosen.key_file) if chosen.key_file else ""
        asked = questions(archives_in(chosen.archives), inference_protocol=chosen.inference_protocol)
        trouble = probe((chosen.host, chosen.port), asked, key)
    except (ArtifactError, OSError, KeyError, ValueError) as error:
        trouble = str(error)
    if trouble:
        print(trouble, file=sys.stderr)
    return int(trouble is not None)


if __name__ == "__main__":
    sys.exit(main())
