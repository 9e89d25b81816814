"""Goldens: photographs whose right answers are known."""

import io
from pathlib import Path

import numpy as np
import pytest

from contract.errors import ArtifactError
from contract.golden import TOLERANCE, Golden, compare, golden_bytes, read_golden
from tests.fakes import photograph

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.0, 0.5, 0.5]], np.float32)
GOLDEN = Golden((photograph(1), photograph(2)), PROBABILITIES)


def shifted(row: int, by: float) -> np.ndarray:
    """The right answers, one of them off."""
    out = PROBABILITIES.copy()
    out[row, 0] += by
    return out


def test_a_golden_is_read_back(tmp_path: Path) -> None:
    """The same files, byte for byte, and the same probabilities, bit for bit."""
    path = tmp_path / "golden.npz"
    path.write_bytes(golden_bytes(GOLDEN))
    again = read_golden(path)
    assert GOLDEN.photographs == again.photographs
    assert PROBABILITIES.tobytes() == again.probabilities.tobytes()
    assert np.float32 == again.probabilities.dtype


def test_the_right_answers_are_right() -> None:
    """None means equal."""
    assert None is compare(GOLDEN, PROBABILITIES.copy())


def test_the_tolerance_is_inclusive_and_absolute() -> None:
    """Just inside passes, on a probability of 0 as of 0.7; just outside does not."""
    for row in (0, 1):
        assert None is compare(GOLDEN, shifted(row, TOLERANCE * 0.99))
        assert None is compare(GOLDEN, shifted(row, -TOLERANCE * 0.99))
        assert f"golden photograph {row} differs" in str(compare(GOLDEN, shifted(row, TOLERANCE * 1.5)))
        assert f"golden photograph {row} differs" in str(compare(GOLDEN, shifted(row, -TOLERANCE * 1.5)))


def test_the_worst_photograph_is_named() -> None:
    """With its difference and the tolerance, so that a reader can judge."""
    wrong = shifted(1, 0.25)
    wrong[0, 0] += 0.1
    assert "golden photograph 1 differs by 2.50e-01; the tolerance is 1e-04" == compare(GOLDEN, wrong)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_never_right(value: float) -> None:
    """NaN compares false with everything, so it is asked for by name."""
    wrong = PROBABILITIES.copy()
    wrong[0, 1] = value
    assert "the runtime gave values that are not finite" == compare(GOLDEN, wrong)
    assert compare(Golden(GOLDEN.photographs, wrong), PROBABILITIES) is not None


@pytest.mark.parametrize("shape", [(2, 2), (1, 3), (3, 3), (6,)])
def test_another_shape_is_never_right(shape: tuple[int, ...]) -> None:
    """No broadcasting: a missing label or photograph is a difference."""
    assert "shape" in str(compare(GOLDEN, np.zeros(shape, np.float32)))


def npz(**arrays: np.ndarray) -> bytes:
    """A file of plain arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        golden_bytes(GOLDEN)[:-100],
        npz(other=PROBABILITIES),
        npz(probabilities=PROBABILITIES),
        npz(probabilities=np.float32(1)),
        npz(probabilities=np.zeros((0, 3), np.float32)),
    ],
    ids=["empty", "text", "truncated", "no probabilities", "no photographs", "a number", "none"],
)
def test_what_is_no_golden_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Damaged, another file, or a golden of nothing: a runtime that proves nothing must not say ready."""
    path = tmp_path / "golden.npz"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"golden\.npz: no golden file"):
        read_golden(path)


def test_a_missing_golden_is_refused(tmp_path: Path) -> None:
    """As an artifact's fault, not as a bare OSError."""
    with pytest.raises(ArtifactError, match="no golden file"):
        read_golden(tmp_path / "golden.npz")


def test_a_pickled_golden_is_refused(tmp_path: Path) -> None:
    """Loading must not run what a file says."""
    path = tmp_path / "golden.npz"
    path.write_bytes(npz(probabilities=np.array([{"run": "me"}], dtype=object)))
    with pytest.raises(ArtifactError, match="no golden file"):
        read_golden(path)
