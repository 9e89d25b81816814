"""What the trainer's tests share: caches that are thrown away, and one finished job."""

from pathlib import Path

import pytest

from contract.artifact import Artifact
from tests.unit.training.tiny import finished_job
from training import metrics
from training.job import Job

SHARED = {"finished", "exported"}  # fixtures that export graphs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first makes what many share: on a busy machine that is not one test's time."""
    for item in items:
        if SHARED & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.timeout(60))


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches of pixels and views go where the test's other files go."""
    monkeypatch.setenv("THAW_STATE", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, list[Artifact]]:
    """A tiny job, run once: frozen and partial on coloured squares. Nobody writes into its folder."""
    folder = tmp_path_factory.mktemp("job")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THAW_STATE", str(folder / "state"))
        patch.setattr(metrics, "REPLICATES", 40)
        return finished_job(folder)
