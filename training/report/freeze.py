"""The freeze proof of a manifest, told stage by stage."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

from contract.manifest import Manifest
from training.network import AdaptedNetwork
from training.rebuild import build_backbone


@dataclass(frozen=True)
class Stage:
    """`before`, `after`: one SHA-256 over the stage's tensor hashes. `parameters`: numbers in its trainable tensors."""

    name: str
    is_frozen: bool
    tensors: int
    identical: int
    parameters: int
    before: str
    after: str


def stages(manifest: Manifest) -> list[Stage]:
    """From the photograph to the head. The head is new in every recipe and not among the proved tensors."""
    backbone = build_backbone(dict(manifest.architecture))
    owner = AdaptedNetwork(backbone, len(manifest.labels))  # knows the backbone's tensors by the manifest's names
    return [_stage(name, _names(owner, modules), manifest) for name, modules in backbone.stage_modules().items()]


def _names(network: AdaptedNetwork, modules: Iterable[nn.Module]) -> dict[str, int]:
    """Tensor name -> how many trained numbers it holds (none in a buffer)."""
    inside = {id(t) for module in modules for t in (*module.parameters(), *module.buffers())}
    parameters = {name: t.numel() for name, t in network.named_parameters() if id(t) in inside}
    return parameters | {name: 0 for name, t in network.named_buffers() if id(t) in inside}


def _stage(name: str, numbers: dict[str, int], manifest: Manifest) -> Stage:
    records = {tensor: manifest.tensors[tensor] for tensor in sorted(numbers) if tensor in manifest.tensors}
    return Stage(
        name,
        is_frozen=bool(records) and all(record.frozen for record in records.values()),
        tensors=len(records),
        identical=sum(record.before == record.after for record in records.values()),
        parameters=sum(numbers[tensor] for tensor in records),
        before=_together(f"{tensor} {record.before}" for tensor, record in records.items()),
        after=_together(f"{tensor} {record.after}" for tensor, record in records.items()),
    )


def _together(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
