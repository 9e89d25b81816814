"""Archives: what goes in, what is refused, and that the same input gives the same bytes."""

import zipfile
from pathlib import Path

import pytest

from contract.artifact import Artifact
from contract.errors import ArtifactError
from tests.fakes import manifest, write_model
from tests.sources import ROOT
from training.package import Packaging, handler_modules, package
from training.program import require_parity

ONNX = Packaging(runtime="onnx")
DRAWN = ROOT / "model_store" / "drawn" / "frozen" / "1"


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    """A tiny model."""
    return write_model(tmp_path / "store", "tiny")


def test_the_same_artifact_gives_the_same_bytes(artifact: Artifact, tmp_path: Path) -> None:
    """No date, no order of a file system."""
    first = package(artifact.folder, tmp_path / "one", ONNX).read_bytes()
    assert first == package(artifact.folder, tmp_path / "two", ONNX).read_bytes()


def test_an_unchanged_archive_is_left_alone(artifact: Artifact, tmp_path: Path) -> None:
    """So that `make serve-torchserve` is quick the second time; another setting makes it anew."""
    path = package(artifact.folder, tmp_path / "out", ONNX)
    before = path.stat().st_ino
    assert before == package(artifact.folder, tmp_path / "out", ONNX).stat().st_ino
    assert before != package(artifact.folder, tmp_path / "out", Packaging(runtime="onnx", workers=2)).stat().st_ino


def test_an_archive_carries_what_its_handler_imports(artifact: Artifact, tmp_path: Path) -> None:
    """Any TorchServe can load it, without this repository."""
    with zipfile.ZipFile(package(artifact.folder, tmp_path / "out", ONNX)) as archive:
        names = set(archive.namelist())
    assert {"handler.py", "model-config.yaml", "MAR-INF/MANIFEST.json", "tiny/1/manifest.json"} <= names
    assert {"contract/pixels.py", "contract/__init__.py", "serving/errors.py", "serving/engine.py"} <= names
    assert set(handler_modules()) <= names


def test_no_parity_no_archive(tmp_path: Path) -> None:
    """A record that says the runtimes disagreed is no record of parity."""
    disagreed = manifest("tiny").parity.model_copy(update={"max_difference": 0.5})
    artifact = Artifact(tmp_path, manifest("tiny").model_copy(update={"parity": disagreed}))
    with pytest.raises(ArtifactError, match="parity"):
        require_parity(artifact)


def test_a_damaged_artifact_gives_no_archive(artifact: Artifact, tmp_path: Path) -> None:
    """Hashes are checked first."""
    (artifact.folder / "CARD.md").write_text("changed")
    with pytest.raises(ArtifactError, match="SHA-256"):
        package(artifact.folder, tmp_path / "out", ONNX)


def test_the_store_takes_no_archives(artifact: Artifact) -> None:
    """It holds artifacts only."""
    with pytest.raises(ArtifactError, match="inside the model store"):
        package(artifact.folder, ROOT / "model_store" / "torchserve", ONNX)


@pytest.mark.timeout(60)  # torch.export
def test_a_program_answers_the_goldens(tmp_path: Path) -> None:
    """The drawn model's program is rebuilt from its graph, saved, read back and compared, or nothing is written."""
    path = package(DRAWN, tmp_path, Packaging())
    with zipfile.ZipFile(path) as archive:
        assert "program.pt2" in archive.namelist()
        assert str(ROOT).encode() not in archive.read("program.pt2")
