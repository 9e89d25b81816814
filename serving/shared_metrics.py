"""Metrics of several processes as one: each writes its values into a file of its own, any of them reads all."""

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where the library looks


def share_metrics(folder: str, slot: int) -> None:
    """From now on this process's metrics live in `folder`. A slot's counters go on where a dead process left them."""
    for path in Path(folder).glob(f"gauge_live*_{slot}.db"):
        path.unlink()
    os.environ[_FOLDER] = folder
    values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call] # not annotated there


def merged_registry() -> CollectorRegistry | None:
    """Reads the files of all processes; None when this process serves alone."""
    if _FOLDER not in os.environ:
        return None
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # not annotated there
    return registry
