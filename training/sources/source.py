"""One pretrained network, and the file it is stored in: safetensors with its facts in the header.

Matrices and kernels are rounded to float16 once; everything that follows (adaptation, hashes, proof) starts
from that file read back as float32, so that a clone can rebuild it. Vectors (batch norm) stay float32.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from contract.artifact import file_sha256
from training.backbone import Architecture, ResNet
from training.data.archives import DataError
from training.network import Backbone


class SourceFacts(BaseModel):
    """What a source says of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    classes: tuple[str, ...]
    seen_new_class: Literal["no", "yes", "unknown"]
    terms: str
    architecture: dict[str, JsonValue]
    training: dict[str, JsonValue] = {}


@dataclass(frozen=True)
class Source:
    """`head` is the old classifier (weight, bias), or None where the file has none."""

    facts: SourceFacts
    sha256: str
    backbone: Backbone
    head: tuple[Tensor, Tensor] | None


def write_source(path: Path, facts: SourceFacts, tensors: dict[str, Tensor]) -> None:
    """tensors: torchvision's names, the head as `fc.weight`, `fc.bias`."""
    stored = {k: (v.half() if v.ndim > 1 else v.clone()).contiguous() for k, v in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(stored, partial, {"thaw": facts.model_dump_json()})
    partial.replace(path)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], SourceFacts | None]:
    """Every tensor as stored, and the facts when the file is one of ours. `.pt` only with `weights_only`."""
    if not path.is_file():
        raise DataError(f"{path}: no such file. Give a .safetensors or a state dict saved with torch.save.")
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, "pt") as file:  # type: ignore[no-untyped-call] # not annotated there
                facts = (file.metadata() or {}).get("thaw")
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
            return tensors, SourceFacts.model_validate_json(facts) if facts else None
        except (SafetensorError, ValidationError) as error:
            raise DataError(f"{path}: damaged, or no safetensors file ({error}). Copy or save it again.") from error
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise DataError(
            f"{path}: no plain state dict ({type(error).__name__}). Pickled modules may run code and are refused; "
            "save with torch.save(model.state_dict(), ...) or as .safetensors."
        ) from error
    if not isinstance(loaded, dict) or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise DataError(f"{path}: holds no mapping of names to tensors. Save model.state_dict().")
    return loaded, None


def resnet_source(path: Path, tensors: dict[str, Tensor], facts: SourceFacts | None) -> Source:
    """A ResNet of basic blocks under torchvision's names. Facts of a foreign file are read off its shapes."""
    head = (
        (tensors["fc.weight"].float(), tensors["fc.bias"].float())
        if {"fc.weight", "fc.bias"} <= tensors.keys()
        else None
    )
    architecture = architecture_of(path, tensors) if facts is None else Architecture(**_tupled(facts.architecture))
    facts = facts or SourceFacts(
        name=path.stem,
        classes=tuple(f"class {i}" for i in range(len(head[1]) if head else 1)),
        seen_new_class="unknown",
        terms="unknown: a file given by its user",
        architecture={"family": "resnet", **_listed(architecture)},
    )
    backbone = ResNet(architecture)
    state = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items() if not k.startswith("fc.")}
    try:
        backbone.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise DataError(
            f"{path}: does not fit a ResNet of basic blocks: {str(error).splitlines()[1].strip()}"
        ) from error
    return Source(facts, file_sha256(path), backbone, head)


def architecture_of(path: Path, tensors: dict[str, Tensor]) -> Architecture:
    """Read stem, width and blocks off the shapes. A 3x3 stem is taken to have stride 2 (`half`)."""
    stem = tensors.get("conv1.weight")
    if stem is None or "layer1.0.conv2.weight" not in tensors or "layer1.0.conv3.weight" in tensors:
        raise DataError(
            f"{path}: not a ResNet of basic blocks under torchvision's names (conv1, layer1.0.conv1, ...). "
            "ResNet-18 and -34 work; for other networks install timm and give timm:NAME."
        )
    blocks = [len({k.split(".")[1] for k in tensors if k.startswith(f"layer{i}.")}) for i in range(1, 5)]
    kind: Literal["torchvision", "half"] = "torchvision" if stem.shape[-1] == 7 else "half"
    return Architecture(kind, stem.shape[0], (blocks[0], blocks[1], blocks[2], blocks[3]))


def _tupled(architecture: dict[str, JsonValue]) -> dict[str, object]:
    plain = {k: v for k, v in architecture.items() if k != "family"}
    return {**plain, "blocks": tuple(plain["blocks"])}  # type: ignore[arg-type] # written by _listed


def _listed(architecture: Architecture) -> dict[str, JsonValue]:
    return {"stem": architecture.stem, "width": architecture.width, "blocks": list(architecture.blocks)}


def facts_of_run(
    name: str, classes: tuple[str, ...], terms: str, architecture: Architecture, training: str
) -> SourceFacts:
    """Facts of a source pretrained here, without the new class. training: JSON of every setting and result."""
    return SourceFacts(
        name=name,
        classes=classes,
        seen_new_class="no",
        terms=terms,
        architecture={"family": "resnet", **_listed(architecture)},
        training=json.loads(training),
    )
