"""Where slow work keeps what lets it continue: outside the repository, one folder a job."""

import os
from pathlib import Path


def state_folder(*parts: str) -> Path:
    """`$THAW_STATE` (default `~/.cache/thaw`) / parts, made when missing."""
    root = Path(os.environ.get("THAW_STATE") or Path.home() / ".cache" / "thaw")
    folder = root.joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
