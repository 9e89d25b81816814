"""Servers that tests of this folder share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.engine import CPU
from serving.loading import load_models
from tests.fakes import FakeEngine, fake_models, write_store
from tests.integration.running import Running, running


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    """Opened again at the end, so that no lane waits behind a failed test."""
    fake = FakeEngine()
    yield fake
    fake.gate.set()


@pytest.fixture
def fake(engine: FakeEngine) -> Iterator[Running]:
    """A server with one lane on FakeEngine; the calls of its self-test are forgotten."""
    with running(fake_models(engine)) as server:
        forget_calls(engine)
        yield server
        engine.gate.set()


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of three real, tiny models."""
    return write_store(tmp_path_factory.mktemp("tiny") / "store")


@pytest.fixture(scope="session")
def real(tiny_store: Path) -> Iterator[Running]:
    """A server on ONNX Runtime, shared: its tests must not disturb it."""
    with running(load_models(tiny_store, CPU, 4), lanes=2) as server:
        yield server


def forget_calls(engine: FakeEngine) -> None:
    """As if the engine had never run."""
    while engine.entered.acquire(blocking=False):
        pass
    engine.batches.clear()
