"""`python -m training import-mar`: what an archive is, what of it is carried over, and the child that does it."""

import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import JsonValue

from contract.artifact import file_sha256, list_versions, read_artifact, write_artifact
from training.backbone import MEAN, STD
from training.data.archives import DataError
from training.mar.archive import NAMES, MarFacts, open_mar, unpack
from training.mar.convert import REFUSED, Wanted

MEMORY_BYTES = 16_000_000_000  # of address space, of which torch's libraries reserve several
CPU_SECONDS = 600
WALL_SECONDS = 1200
BUILT_IN = ("image_classifier",)  # the handler of TorchServe whose preparation of a photograph is known
STATE_DICTS = (".pt", ".pth", ".bin", ".safetensors")


@dataclass(frozen=True)
class Told:
    """What the importer knows and the archive does not say. 0 and empty: not given."""

    store: Path
    name: str = ""
    labels: Path | None = None
    new: str = ""
    threshold: float = 0.0
    at_fpr: float = 0.0
    size: int = 0
    short: int = -1  # 0: stretch
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD
    is_trusted: bool = False


def import_mar(path: Path, told: Told) -> list[str]:
    """Make an artifact. Returns lines for the person who imports: what it became, and what was left behind.

    Raises DataError with the name of what cannot be carried over; then nothing was written.
    """
    facts = open_mar(path)
    with tempfile.TemporaryDirectory(prefix="thaw-import-") as scratch:
        if facts.ours:
            return [*_own(facts, told, Path(scratch)), "nothing was left behind: it is an archive of ours"]
        unpack(facts, (facts.serialized, *((NAMES,) if NAMES in facts.others else ())), Path(scratch))
        folder = _in_a_child(_wanted(facts, told, Path(scratch)))
    return [f"imported {folder}", *_left_behind(facts)]


def _own(facts: MarFacts, told: Told, scratch: Path) -> list[str]:
    inside = tuple(name for name in (facts.serialized, *facts.others) if name.startswith(facts.ours + "/"))
    unpack(facts, inside, scratch)
    artifact = read_artifact(scratch / facts.ours)
    files = {name: (artifact.folder / name).read_bytes() for name in artifact.manifest.files}
    return [f"imported {write_artifact(told.store, artifact.manifest, files).folder}"]


def _wanted(facts: MarFacts, told: Told, scratch: Path) -> Wanted:
    serialized = scratch / facts.serialized
    if serialized.suffix not in (".onnx", *STATE_DICTS):
        raise DataError(f"{facts.serialized}: neither ONNX nor a state dict; other forms cannot be carried over.")
    is_script = serialized.suffix != ".onnx" and _is_torchscript(serialized)
    if is_script and not told.is_trusted:
        raise DataError(
            f"{facts.serialized}: TorchScript, which is a program. If you know who made it, --trust lets it be loaded."
        )
    if facts.handler not in BUILT_IN and (told.short < 0 or not told.size):
        raise DataError(
            f"handler {facts.handler}: its code is not run, so its preparation of a photograph is unknown. Tell it: "
            "--size S, and --short N for a centre crop after resizing the short side, or --short 0 for a plain stretch."
        )
    if not 0 < told.threshold < 1 or not 0 < told.at_fpr < 1:
        raise DataError("decision: the archive has none. Give --threshold, and --at-fpr, its false-positive rate.")
    labels = _labels(told.labels or scratch / NAMES)
    new = told.new or ("bus" if "bus" in labels else "")
    if new not in labels:
        raise DataError(f"--new is {new!r}, which is not among the labels. Give one of: {', '.join(labels[:20])}")
    name = told.name or facts.model.lower()
    version = str(max(list_versions(told.store).get(name, [0]) if told.store.is_dir() else [0]) + 1)
    origin: dict[str, JsonValue] = {"model": facts.model, "version": facts.version, "handler": facts.handler}
    short = 256 if told.short < 0 else told.short
    return Wanted(
        serialized=str(serialized), store=str(told.store.resolve()), name=name, version=version, labels=labels,
        new=new, threshold=told.threshold, at_fpr=told.at_fpr, size=told.size, short=short, mean=told.mean,
        std=told.std, is_trusted=is_script, archive_sha256=file_sha256(facts.path), origin=origin,
    )  # fmt: skip


def _labels(path: Path) -> tuple[str, ...]:
    """TorchServe's index_to_name.json: {"0": "bus"} or {"0": ["n04487081", "trolleybus"]}, or a list."""
    try:
        document = json.loads(path.read_text())
        found = document if isinstance(document, list) else [document[str(index)] for index in range(len(document))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"labels: no {NAMES} that can be read ({error!r}). Give one with --labels FILE.") from error
    names = [str(label[-1] if isinstance(label, list) else label) for label in found]
    return tuple(f"{name} ({i})" if names.count(name) > 1 else name for i, name in enumerate(names))


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("constants.pkl") for name in archive.namelist())


def _in_a_child(wanted: Wanted) -> str:
    command = [sys.executable, "-m", "training.mar.convert", str(MEMORY_BYTES), str(CPU_SECONDS)]
    root = Path(__file__).parents[2]
    job = json.dumps(asdict(wanted))
    try:
        child = subprocess.run(command, input=job, capture_output=True, text=True, timeout=WALL_SECONDS, cwd=root)
    except subprocess.TimeoutExpired as error:
        raise DataError(f"the conversion took longer than {WALL_SECONDS} s and was ended. Nothing was kept.") from error
    if child.returncode == REFUSED:
        raise DataError(f"cannot be carried over: {child.stderr.strip().splitlines()[-1]}")
    if child.returncode:
        last = (child.stderr.strip().splitlines() or ["no words"])[-1]
        raise DataError(f"the conversion ended with code {child.returncode} ({last[:200]}). Nothing was kept.")
    return child.stdout.strip().splitlines()[-1]


def _left_behind(facts: MarFacts) -> list[str]:
    """By name: what our server has no use for, or must not run."""
    left = {f"handler {facts.handler}": "code; the contract's decoding and answers take its place"}
    if facts.model_file:
        left[facts.model_file] = "code; the network was built from its tensors"
    for name in facts.others:
        if name not in (NAMES, facts.handler, facts.model_file):
            left[name] = "read by nothing here"
    return [f"left behind: {name} ({why})" for name, why in left.items()]
