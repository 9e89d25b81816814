"""Read, verify and write one artifact folder: `<store>/<name>/<version>/`.

Written to a hidden folder and renamed when whole; never changed afterwards.
"""

import hashlib
import os
import re
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from contract.errors import ArtifactError
from contract.golden import TOLERANCE, Golden, read_golden
from contract.manifest import NAME_PATTERN, REFUSED_NAMES, Manifest

MANIFEST, MODEL, GOLDEN, CARD = "manifest.json", "model.onnx", "golden.npz", "CARD.md"
FLOAT32 = "float32"  # what every version has, and what is served unless told
VARIANTS = {FLOAT32: MODEL, "int8": "model.int8.onnx", "fp16": "model.fp16.onnx"}
REQUIRED = (MODEL, GOLDEN, CARD)


@dataclass(frozen=True)
class Artifact:
    """A verified folder and what its manifest says."""

    folder: Path
    manifest: Manifest

    @property
    def variants(self) -> tuple[str, ...]:
        """What this version can be served as; float32 first."""
        return tuple(known for known, file in VARIANTS.items() if file in self.manifest.files)

    def model_path(self, variant: str = FLOAT32) -> Path:
        """The graph of a variant. Raises ArtifactError when this version has none of that kind."""
        if variant not in self.variants:
            raise ArtifactError(
                f"{self.folder}: no variant {variant!r}; it has {', '.join(self.variants)}. Choose one of these."
            )
        return self.folder / VARIANTS[variant]

    def tolerance(self, variant: str = FLOAT32) -> float:
        """How far a probability may lie from the golden's when a runtime replays it with this variant."""
        return TOLERANCE if variant == FLOAT32 else self.manifest.variants[variant].tolerance  # type: ignore[index] # read_manifest holds the names to each other

    def golden(self) -> Golden:
        """Stored photographs with expected probabilities."""
        return read_golden(self.folder / GOLDEN)


def read_artifact(folder: Path) -> Artifact:
    """Verify the manifest and the SHA-256 of every file. Raises ArtifactError with the first thing that is wrong."""
    manifest = read_manifest(folder)
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise ArtifactError(f"{path}: missing, but the manifest names it. Copy the whole folder again.")
        found = file_sha256(path)
        if found != expected:
            raise ArtifactError(
                f"{path}: SHA-256 is {found[:12]}..., the manifest says {expected[:12]}.... Copy it again."
            )
    return Artifact(folder, manifest)


def read_manifest(folder: Path) -> Manifest:
    """The manifest, checked against itself and its place, without reading the other files."""
    path = folder / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror}). An artifact needs a manifest.json.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise ArtifactError(f"{path}: {where}: {first['msg']}. Export the artifact again.") from error
    if (manifest.name, manifest.version) != (folder.parent.name, folder.name):
        place = f"{folder.parent.name}/{folder.name}"
        raise ArtifactError(
            f"{path}: says {manifest.name}/{manifest.version} but lies in {place}. Move or export it again."
        )
    missing = [name for name in REQUIRED if name not in manifest.files]
    if missing:
        raise ArtifactError(f"{path}: lists no {', '.join(missing)}. Export the artifact again.")
    accepted = {VARIANTS[name] for name, variant in manifest.variants.items() if variant.accepted}
    if unproved := sorted((set(VARIANTS.values()) - {MODEL}) & set(manifest.files) ^ accepted):
        raise ArtifactError(
            f"{path}: {', '.join(unproved)} must be listed and accepted, or neither. Export the artifact again."
        )
    outside = [name for name in manifest.files if Path(name).name != name or name.startswith(".")]
    if outside:
        raise ArtifactError(f"{path}: names files outside its folder: {', '.join(outside)}. Do not use this artifact.")
    return manifest


def write_artifact(store: Path, manifest: Manifest, files: dict[str, bytes]) -> Artifact:
    """Write a new version whole or not at all. `manifest.files` is filled in from `files`.

    Raises ArtifactError when the version exists: a version never changes.
    """
    folder = store / manifest.name / manifest.version
    if folder.exists():
        raise ArtifactError(f"{folder}: exists, and a version never changes. Export under the next number.")
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    manifest = Manifest.model_validate(manifest.model_dump() | {"files": hashes})
    hidden = folder.parent / f".{manifest.version}-{uuid.uuid4().hex[:8]}"
    hidden.mkdir(parents=True)
    try:
        for name, data in {**files, MANIFEST: manifest.to_json().encode()}.items():
            with (hidden / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        hidden.rename(folder)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    return read_artifact(folder)


def list_versions(store: Path) -> dict[str, list[int]]:
    """Model name -> its version numbers, ascending. Hidden and refused folders are no models."""
    if not store.is_dir():
        raise ArtifactError(f"{store}: no such folder. Give the path of a model store.")
    found: dict[str, list[int]] = {}
    for folder in sorted(store.iterdir()):
        if not folder.is_dir() or folder.name in REFUSED_NAMES or not re.match(NAME_PATTERN, folder.name):
            continue
        versions = [int(path.parent.name) for path in folder.glob("*/" + MANIFEST) if path.parent.name.isdecimal()]
        if versions:
            found[folder.name] = sorted(versions)
    return found


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
