import os

import pytest

from serving.engine import CPU, CUDA
from serving.settings import Settings
from serving.shape import Shape, shape_of


@pytest.mark.parametrize(
    ("provider", "settings", "shape"),
    [
        (CPU, {}, Shape(8, 4)),
        (CUDA, {}, Shape(8, 32, is_pool=True)),
        (CPU, {"processes": 4}, Shape(2, 4)),
        (CPU, {"processes": 16}, Shape(1, 4)),
        (CPU, {"shape": "pool", "lanes": 3, "batch_limit": 16}, Shape(3, 16, is_pool=True)),
        (CUDA, {"shape": "lanes"}, Shape(8, 32)),
    ],
)
def test_the_shape_follows_the_provider(
    monkeypatch: pytest.MonkeyPatch, provider: str, settings: dict[str, object], shape: Shape
) -> None:
    """Lanes on the CPU, a pool before a device, the granted cores divided by the processes; or as told."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    monkeypatch.setattr("serving.shape.granted_cores", lambda: 8)
    assert shape == shape_of(Settings(**settings), provider)  # type: ignore[arg-type] # checked by the model
