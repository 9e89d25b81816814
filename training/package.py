"""Verified artifacts -> TorchServe archives (.mar): the artifact's own files, a program or graph, a handler, its code.

The same artifact and settings give the same bytes. An archive carries every module of ours that its handler imports,
so that any TorchServe with numpy, Pillow and pydantic can load it.
"""

import ast
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contract.artifact import MANIFEST, Artifact, read_artifact
from contract.errors import ArtifactError
from training.program import PROGRAM, export_program, require_parity

ROOT = Path(__file__).parents[1]
TORCHSERVE = ROOT / "serving" / "torchserve"  # read as files; nothing of it is imported here
HANDLER, CONFIG = "handler.py", "model-config.yaml"
OURS = ("contract", "serving")
COMPILING_S = 900  # a worker's start with torch.compile took 58 s of CPU on one core, and workers start together
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date of a zip entry: bytes that do not depend on the day


@dataclass(frozen=True)
class Packaging:
    """What the operator chooses for every archive of one call; it overrides the lines of model-config.yaml."""

    runtime: Literal["program", "onnx"] = "program"
    device: Literal["cpu", "cuda"] = "cpu"
    is_compiled: bool = False
    workers: int = 1
    batch_size: int = 4


def package(folder: Path, out: Path, packaging: Packaging) -> Path:
    """folder: `<store>/<name>/<version>`. Returns `<out>/<name>.mar`; an unchanged one is left as it is.

    Raises ArtifactError for an artifact that is damaged, has no parity record, or answers otherwise as a program.
    """
    artifact = read_artifact(folder)
    require_parity(artifact)
    if ROOT / "model_store" in (out.resolve(), *out.resolve().parents):
        raise ArtifactError(f"{out}: inside the model store, which holds artifacts only. Give another folder.")
    path = out / f"{artifact.manifest.name}.mar"
    key = _key(artifact, packaging)
    if path.is_file() and _comment(path) == key:
        return path
    files = {
        f"{_place(artifact)}/{name}": (folder / name).read_bytes() for name in (*artifact.manifest.files, MANIFEST)
    }
    files |= {name: (ROOT / name).read_bytes() for name in handler_modules()}
    files[HANDLER] = (TORCHSERVE / HANDLER).read_bytes()
    if packaging.runtime == "program":
        files[PROGRAM] = export_program(artifact)
    digest = hashlib.sha256(files.get(PROGRAM, b"")).hexdigest()
    files[CONFIG] = _config(artifact, packaging, digest).encode()
    files["MAR-INF/MANIFEST.json"] = json.dumps(_mar_manifest(artifact, packaging), indent=2).encode()
    out.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(_zip(files, key))
    return partial.replace(path)


def handler_modules() -> list[str]:
    """Paths, from the root, of our modules that the handler imports, directly or not, packages' __init__ too."""
    found: set[Path] = set()
    waiting = [(TORCHSERVE / HANDLER).relative_to(ROOT)]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting += [parent / "__init__.py" for parent in path.parents if (ROOT / parent / "__init__.py").is_file()]
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in OURS:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                modules = (Path(*name.split(".")).with_suffix(".py") for name in names)
                waiting += [module for module in modules if (ROOT / module).is_file()]
    return sorted(path.as_posix() for path in found if path.name != HANDLER)


def _place(artifact: Artifact) -> str:
    return f"{artifact.manifest.name}/{artifact.manifest.version}"


def _config(artifact: Artifact, packaging: Packaging, digest: str) -> str:
    """The shipped lines with the operator's values, and at the end, inside `handler:`, what this archive holds."""
    values = {
        "minWorkers": packaging.workers,
        "maxWorkers": packaging.workers,
        "batchSize": packaging.batch_size,
        "deviceType": "gpu" if packaging.device == "cuda" else "cpu",
        **({"startupTimeout": COMPILING_S} if packaging.is_compiled else {}),
        "  runtime": packaging.runtime,
        "  device": packaging.device,
        "  compile": str(packaging.is_compiled).lower(),
    }
    lines = []
    for line in (TORCHSERVE / CONFIG).read_text().splitlines():
        name, colon, _ = line.partition(":")
        lines.append(f"{name}: {values[name]}" if colon and name in values else line)
    return "\n".join([*lines, f"  artifact: {_place(artifact)}", f"  program_sha256: {digest}", ""])


def _mar_manifest(artifact: Artifact, packaging: Packaging) -> dict[str, object]:
    serialized = PROGRAM if packaging.runtime == "program" else f"{_place(artifact)}/model.onnx"
    model = {"modelName": artifact.manifest.name, "serializedFile": serialized, "handler": HANDLER}
    model |= {"modelVersion": artifact.manifest.version, "configFile": CONFIG}
    return {"createdOn": artifact.manifest.created, "runtime": "python", "model": model, "archiverVersion": "0.12.0"}


def _key(artifact: Artifact, packaging: Packaging) -> str:
    """SHA-256 of everything that an archive is made from."""
    made_from = [(artifact.folder / MANIFEST).read_bytes(), repr(packaging).encode()]
    names = [*handler_modules(), f"serving/torchserve/{HANDLER}", f"serving/torchserve/{CONFIG}"]
    names += [path.relative_to(ROOT).as_posix() for path in (Path(__file__), ROOT / "training" / "program.py")]
    digests = [hashlib.sha256(data).digest() for data in (*made_from, *((ROOT / name).read_bytes() for name in names))]
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _comment(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment.decode("ascii", "replace")
    except zipfile.BadZipFile:
        return ""


def _zip(files: dict[str, bytes], comment: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = comment.encode()
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data)
    return buffer.getvalue()
