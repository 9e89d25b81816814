"""The typed description that travels with every model: what the graph alone cannot say."""

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from contract.pixels import MIN_SIDE, Resize

SCHEMA_VERSION: Literal[2] = 2  # 1 knew no `variants`; it is still read
REFUSED_NAMES = ("source", "drawn", "torchserve")  # folders of a store that hold no model
NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
SHA256_PATTERN = r"^[0-9a-f]{64}$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """The pretrained network the model started from."""

    name: str
    sha256: str = Field(pattern=SHA256_PATTERN, description="Of the source's stored weights file.")
    seen_new_class: Literal["no", "yes", "unknown"] = Field(description="Whether pretraining saw the new class.")
    classes: int = Field(ge=1, description="How many classes the source knows.")
    terms: str = Field(description="Terms of the photographs behind the weights.")


class Input(_Strict):
    """What the graph takes, and how a photograph becomes that."""

    size: int = Field(ge=MIN_SIDE, le=1024, description="Side S of the square input, pixels.")
    resize: Resize


class Decision(_Strict):
    """When a photograph counts as the new class."""

    label: str
    threshold: float = Field(ge=0, le=1, description="Probability from which the answer is yes.")
    at_fpr: float = Field(
        gt=0, lt=1, description="False-positive rate on validation that the threshold was chosen for."
    )


class TensorRecord(_Strict):
    """SHA-256 of a parameter's or buffer's float32 bytes before and after adaptation."""

    before: str = Field(pattern=SHA256_PATTERN)
    after: str = Field(pattern=SHA256_PATTERN)
    frozen: bool


class Parity(_Strict):
    """Largest absolute difference of probabilities, torch against ONNX Runtime, both float32 on the CPU."""

    max_difference: float = Field(ge=0)
    tolerance: float = Field(gt=0)
    batches: tuple[int, ...]
    photographs: int = Field(ge=1)


class Variant(_Strict):
    """A lighter graph, measured beside float32. One that is not accepted is recorded and has no file."""

    accepted: bool
    settings: dict[str, JsonValue] = Field(description="How it was made.")
    photographs: int = Field(ge=1, description="Of validation, that both graphs answered.")
    ap_before: float | None = Field(description="Average precision of float32 on them; null when there is none.")
    ap_after: float | None = Field(description="Average precision of the variant on them.")
    max_difference: float = Field(ge=0, description="Largest difference of a probability on them.")
    golden_difference: float = Field(ge=0, description="Largest difference of a probability on the goldens.")
    golden_flips: int = Field(ge=0, description="Goldens with another label or decision.")
    tolerance: float = Field(gt=0, lt=1, description="Of a probability, when a runtime replays the goldens with it.")


class Manifest(_Strict):
    """`manifest.json`. Names in `files` are relative to the artifact's folder, the manifest left out."""

    schema_version: Literal[1, 2] = SCHEMA_VERSION
    name: str = Field(pattern=NAME_PATTERN)
    version: str = Field(pattern=r"^[1-9][0-9]{0,8}$")
    created: str = Field(description="UTC, ISO 8601.")
    labels: tuple[str, ...] = Field(min_length=2)
    new_labels: tuple[str, ...] = Field(min_length=1)
    source: Source
    architecture: dict[str, JsonValue] = Field(description="What the trainer needs to build the network again.")
    recipe: str
    depth: int = Field(ge=0, le=5, description="Thawed stages, counted from the head.")
    training: dict[str, JsonValue] = Field(description="Every setting of the adaptation.")
    data: dict[str, JsonValue] = Field(description="Data lists by name with their SHA-256 and counts.")
    input: Input
    decision: Decision
    temperature: float = Field(gt=0)
    files: dict[str, str]
    tensors: dict[str, TensorRecord]
    metrics: dict[str, JsonValue]
    parity: Parity
    variants: dict[Literal["int8", "fp16"], Variant] = Field({}, description="Beside float32, whose promise is parity.")
    terms: str = Field(description="What the weights may be used for.")
    libraries: dict[str, str]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Manifest":
        if self.name in REFUSED_NAMES:
            raise ValueError(f"name {self.name!r} is kept for a folder of the store; choose another")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"labels repeat: {', '.join(self.labels)}")
        unknown = [label for label in (*self.new_labels, self.decision.label) if label not in self.labels]
        if unknown:
            raise ValueError(f"{', '.join(unknown)} not among labels {', '.join(self.labels)}")
        moved = [name for name, record in self.tensors.items() if record.frozen and record.before != record.after]
        if moved:
            raise ValueError(f"frozen tensors changed: {', '.join(moved)}")
        return self

    def to_json(self) -> str:
        """Readable, with a stable order of keys."""
        return json.dumps(self.model_dump(mode="json"), indent=2) + "\n"
