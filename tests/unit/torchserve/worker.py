"""What a TorchServe worker does around a handler, in this process: unpack, configure, call, collect statuses."""

import types
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from serving.torchserve.handler import PhotographHandler


@dataclass
class Series:
    """A histogram of metrics.yaml."""

    values: list[tuple[float, list[str]]] = field(default_factory=list)

    def add_or_update(self, value: float, dimensions: list[str]) -> None:
        """As TorchServe's CachingMetric."""
        self.values.append((value, dimensions))


class Context:
    """TorchServe's context: where the model is, what was configured, and the answer's status, type and headers."""

    def __init__(self, folder: Path) -> None:
        self.system_properties = {"model_dir": str(folder)}
        self.model_yaml_config = yaml.safe_load((folder / "model-config.yaml").read_text())
        self.series = {"handler_seconds": Series(), "handler_batch_photographs": Series()}
        self.metrics = types.SimpleNamespace(cache={"histogram": self.series})
        self.statuses: dict[int, int] = {}
        self.explained: set[int] = set()

    def set_response_status(self, code: int, idx: int) -> None:
        """Of one request of the batch."""
        self.statuses[idx] = code

    def set_response_content_type(self, idx: int, value: str) -> None:
        """Of one request of the batch."""

    def get_request_header(self, idx: int, key: str) -> str | None:
        """The front end adds `explain: True` to /explanations."""
        return "True" if key == "explain" and idx in self.explained else None


def unpack(archive: Path, folder: Path) -> Path:
    """As the front end does, before it starts workers."""
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    return folder


def loaded(folder: Path) -> tuple[PhotographHandler, Context]:
    """A handler that has checked its model."""
    handler, context = PhotographHandler(), Context(folder)
    handler.initialize(context)
    return handler, context
