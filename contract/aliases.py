"""Names that point to a version: one file of the store, replaced in one step."""

import json
import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from contract.errors import ArtifactError
from contract.manifest import NAME_PATTERN

ALIASES = "aliases.json"
STABLE = "stable"  # what answers when no model is named
SHADOW = "shadow"  # what gets a copy of the traffic of `stable`
LATEST = "latest"  # instead of a number: the highest version that is whole
VERSION_PATTERN = r"^[1-9][0-9]{0,8}$"


class Alias(BaseModel):
    """Where an alias points.

    `share` of the requests for `stable` go there when given; for `shadow` it is the share that is copied, all when left
    out. `previous`: the version that rolling back returns to, written by an activation.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    model: str = Field(pattern=NAME_PATTERN)
    version: str = Field(pattern=rf"{VERSION_PATTERN}|^{LATEST}$")
    share: float | None = Field(default=None, ge=0, le=1)
    previous: str | None = Field(default=None, pattern=VERSION_PATTERN)

    @property
    def key(self) -> tuple[str, str]:
        """(name, version)."""
        return self.model, self.version


_ADAPTER = TypeAdapter(dict[Annotated[str, Field(pattern=NAME_PATTERN)], Alias])


def read_aliases(store: Path) -> dict[str, Alias]:
    """Alias name -> where it points; empty when the store has no file. Raises ArtifactError for a damaged one."""
    path = store / ALIASES
    if not path.exists():
        return {}
    try:
        aliases = _ADAPTER.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise ArtifactError(
            f'{path}: {where}: {first["msg"]}. Expected {{"stable": {{"model": ..., "version": ...}}}}.'
        ) from error
    if STABLE in aliases and aliases[STABLE].share is not None:
        raise ArtifactError(f"{path}: stable.share: stable gets what the others leave. Take its share out.")
    if (total := sum(alias.share or 0.0 for alias in sharing(aliases).values())) > 1:
        raise ArtifactError(f"{path}: shares add up to {total:g}, at most 1 can be given away. Lower one of them.")
    return aliases


def sharing(aliases: dict[str, Alias]) -> dict[str, Alias]:
    """The aliases that take a share of the requests for `stable`, by name."""
    return {name: alias for name, alias in sorted(aliases.items()) if alias.share and name != SHADOW}


def write_aliases(store: Path, aliases: dict[str, Alias]) -> None:
    """Replace the file in one step: a reader sees the old or the new one."""
    path = store / ALIASES
    partial = path.with_name(f".{ALIASES}.{os.getpid()}")
    content = {name: alias.model_dump(exclude_none=True) for name, alias in sorted(aliases.items())}
    partial.write_text(json.dumps(content, indent=2) + "\n")
    partial.replace(path)
