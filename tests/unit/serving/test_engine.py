from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from contract.errors import ArtifactError
from serving import engine
from serving.engine import CPU, CUDA, Engine, choose_provider, heavy_elsewhere
from serving.errors import StartError
from tests.fakes import SIZE, graph_bytes


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny graph on disk."""
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    path.write_bytes(graph_bytes(1))
    return path


def test_batches_do_not_change_answers(graph: Path) -> None:
    """A photograph gets the same probabilities alone and among others."""
    loaded = Engine(graph, CPU)
    images = np.random.default_rng(0).integers(0, 256, (7, SIZE, SIZE, 3), dtype=np.uint8)
    together = loaded.run(images).probabilities
    alone = np.concatenate([loaded.run(image[None]).probabilities for image in images])
    np.testing.assert_allclose(alone, together, atol=1e-6)
    assert np.float32 == together.dtype


def test_the_map_comes_when_asked(graph: Path) -> None:
    """Not otherwise: its copy is the only cost."""
    image = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    assert Engine(graph, CPU).run(image).activation_map is None
    grid = Engine(graph, CPU).run(image, explain=True).activation_map
    assert grid is not None
    assert (1, 5, 4, 4) == grid.shape


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    """With its path, in one line."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(ArtifactError, match=str(path)):
        Engine(path, CPU)


def test_auto_takes_what_is_there() -> None:
    """No CUDA in this build: the CPU, by name."""
    expected = CUDA if CUDA in onnxruntime.get_available_providers() and engine._has_cuda_device() else CPU
    assert expected == choose_provider("auto")
    assert CPU == choose_provider("cpu")


def test_cuda_is_never_answered_with_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build without it: the start fails and names the package."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    with pytest.raises(StartError, match="THAW_PROVIDER=cuda"):
        choose_provider("cuda")


def test_a_silent_change_of_provider_is_caught(graph: Path) -> None:
    """The runtime gives a CPU session with a warning when CUDA does not work; we do not."""
    if CUDA in onnxruntime.get_available_providers():
        pytest.skip("this machine may have CUDA")
    with pytest.warns(UserWarning, match="CUDA"), pytest.raises(StartError, match=f"Asked for {CUDA}, but"):
        Engine(graph, CUDA)


def test_the_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A CUDA build whose libraries do not load: the start fails in the loader's own words."""
    library = tmp_path / "capi" / "libonnxruntime_providers_cuda.so"
    library.parent.mkdir()
    library.write_bytes(b"no library")
    monkeypatch.setattr(onnxruntime, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    with pytest.raises(StartError, match=r"Missing library: .*libonnxruntime_providers_cuda\.so"):
        choose_provider("cuda")


@pytest.mark.parametrize(
    ("missing", "cure"), [("libcublasLt.so.13", "pip install"), ("libcuda.so.1", "comes with the NVIDIA driver")]
)
def test_the_cure_fits_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str, cure: str) -> None:
    """What comes with wheels is installed, what comes with the driver is not."""

    def refuse(name: str, mode: int) -> None:
        raise OSError(f"{missing}: cannot open shared object file")

    library = tmp_path / "capi" / "libonnxruntime_providers_cuda.so"
    library.parent.mkdir()
    library.touch()
    monkeypatch.setattr(onnxruntime, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setattr(engine.ctypes, "CDLL", refuse)
    assert missing in engine._what_cuda_lacks()
    assert cure in engine._what_cuda_lacks()


@pytest.mark.parametrize(("built_in", "words"), [([CPU], "a CPU build"), ([CUDA, CPU], "no CUDA device")])
def test_auto_says_why(monkeypatch: pytest.MonkeyPatch, built_in: list[str], words: str) -> None:
    """When it does not take CUDA, the log tells the reason."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built_in)
    monkeypatch.setattr(engine, "_has_cuda_device", lambda: False)
    chosen, why = engine._choose("auto")
    assert (CPU, True) == (chosen, words in why)


@dataclass
class Node:
    """As the runtime tells of one."""

    op_type: str


def test_convolutions_on_another_provider_are_seen() -> None:
    """Bookkeeping may stay on the CPU; what takes the time may not."""
    parts = [(CUDA, [Node("Conv"), Node("Relu")]), (CPU, [Node("Shape"), Node("Gather")])]
    assert [] == heavy_elsewhere(CUDA, parts)
    assert ["Conv", "Gemm"] == heavy_elsewhere(CUDA, [*parts, (CPU, [Node("Gemm"), Node("Conv")])])
