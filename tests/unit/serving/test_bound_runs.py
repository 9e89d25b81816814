from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from serving import engine
from serving.bound_runs import padded_sizes
from serving.engine import CPU, Engine
from tests.fakes import SIZE, graph_bytes


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A tiny graph on disk."""
    path = tmp_path / "model.onnx"
    path.write_bytes(graph_bytes(1))
    return path


@pytest.fixture
def padded(graph: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine that treats the CPU as a device: sizes 1, 2, 4, 6, bound memory."""
    monkeypatch.setattr(engine, "PADDED", {CPU})
    return Engine(graph, CPU, 6)


def pictures(count: int) -> NDArray[np.uint8]:
    """Random ones, the same every time."""
    return np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


@pytest.mark.parametrize(("limit", "sizes"), [(1, (1,)), (2, (1, 2)), (6, (1, 2, 4, 6)), (32, (1, 2, 4, 8, 16, 32))])
def test_sizes_double(limit: int, sizes: tuple[int, ...]) -> None:
    """Few enough to try all, close enough that half of a batch is the most that is wasted."""
    assert sizes == padded_sizes(limit)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 7, 13])
def test_filling_changes_no_answer(graph: Path, padded: Engine, count: int) -> None:
    """Every photograph gets what it gets alone in a plain session, map included; more than the limit goes in parts."""
    images, plain = pictures(count), Engine(graph, CPU)
    together = padded.run(images, explain=True)
    alone = [plain.run(image[None], explain=True) for image in images]
    for name in ("probabilities", "logits", "activation_map"):
        expected = np.concatenate([getattr(each, name) for each in alone])
        np.testing.assert_allclose(expected, getattr(together, name), atol=1e-5)


def test_answers_do_not_change_with_the_next_run(padded: Engine) -> None:
    """The bound memory is the input's alone: what was returned stays."""
    first = padded.run(pictures(2)).probabilities
    before = first.copy()
    padded.run(255 - pictures(2))
    np.testing.assert_array_equal(before, first)


def test_every_size_was_run_before_it_is_needed(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for kernels to be chosen: the constructor has run each size once."""
    seen: list[int] = []
    original = engine.BoundRuns._run

    def note(self: object, images: NDArray[np.uint8], wanted: tuple[str, ...]) -> object:
        seen.append(len(images))
        return original(self, images, wanted)  # type: ignore[arg-type] # the instance

    monkeypatch.setattr(engine, "PADDED", {CPU})
    monkeypatch.setattr(engine.BoundRuns, "_run", note)
    Engine(graph, CPU, 6)
    assert [1, 2, 4, 6] == seen
