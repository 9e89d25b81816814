"""`aliases.json`: which model and version `stable`, `canary`, ... mean. One file, replaced atomically."""

import json
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from contract.errors import ArtifactError
from contract.manifest import NAME_PATTERN

ALIASES = "aliases.json"
STABLE = "stable"


class Alias(BaseModel):
    """Where an alias points; `share` of the traffic of `stable` goes there when given."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    model: str = Field(pattern=NAME_PATTERN)
    version: str = Field(pattern=r"^[1-9][0-9]{0,8}$")
    share: float | None = Field(default=None, ge=0, le=1)


_ADAPTER = TypeAdapter(dict[str, Alias])


def read_aliases(store: Path) -> dict[str, Alias]:
    """Alias name -> where it points; empty when the store has no file. Raises ArtifactError for a damaged one."""
    path = store / ALIASES
    if not path.exists():
        return {}
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise ArtifactError(
            f'{path}: {where}: {first["msg"]}. Expected {{"stable": {{"model": ..., "version": ...}}}}.'
        ) from error


def write_aliases(store: Path, aliases: dict[str, Alias]) -> None:
    """Replace the file in one step: a reader sees the old or the new one."""
    path = store / ALIASES
    partial = path.with_name(f".{ALIASES}.{os.getpid()}")
    content = {name: alias.model_dump(exclude_none=True) for name, alias in sorted(aliases.items())}
    partial.write_text(json.dumps(content, indent=2) + "\n")
    partial.replace(path)
