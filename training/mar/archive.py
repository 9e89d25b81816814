"""One .mar read with suspicion: it is a zip from anywhere."""

import json
import stat
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from training.data.archives import DataError

MANIFEST = "MAR-INF/MANIFEST.json"
NAMES = "index_to_name.json"
MOST_FILES = 10_000
MOST_BYTES = 4_000_000_000  # unpacked, all files together
MOST_RATIO = 200  # of one file; weights hardly shrink, a bomb shrinks a thousandfold


@dataclass(frozen=True)
class MarFacts:
    """What MANIFEST.json says. `serialized`: the weights' or graph's file; `others`: every other file's name."""

    path: Path
    model: str
    version: str
    handler: str
    serialized: str
    model_file: str = ""
    others: tuple[str, ...] = field(default=())

    @property
    def ours(self) -> str:
        """The folder of a Thaw artifact inside, or nothing."""
        found = [name for name in self.others if name.endswith("/manifest.json") and name.count("/") == 2]
        return found[0].rpartition("/")[0] if found else ""


def open_mar(path: Path) -> MarFacts:
    """Check names and sizes of every entry, read the manifest. Raises DataError with what is wrong."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check(path, entries)
            document = json.loads(archive.read(MANIFEST))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, NotImplementedError) as error:
        raise DataError(f"{path}: no TorchServe archive ({error}). Expected a zip with {MANIFEST}.") from error
    model = document.get("model") if isinstance(document, dict) else None
    if not isinstance(model, dict) or not isinstance(model.get("modelName"), str):
        raise DataError(f"{path}: {MANIFEST} names no model. Make the archive anew with torch-model-archiver.")
    known = {name: str(model.get(name, "")) for name in ("modelVersion", "handler", "serializedFile", "modelFile")}
    names = {entry.filename for entry in entries if not entry.is_dir()}
    if known["serializedFile"] not in names:
        raise DataError(
            f"{path}: serializedFile is {known['serializedFile']!r}, which is not inside. Nothing to import."
        )
    others = tuple(sorted(names - {MANIFEST, known["serializedFile"]}))
    values = (known["modelVersion"], known["handler"], known["serializedFile"], known["modelFile"])
    return MarFacts(path, model["modelName"], *values, others)


def unpack(facts: MarFacts, names: tuple[str, ...], folder: Path) -> None:
    """Write the named entries below `folder`, each at most as long as its header says."""
    with zipfile.ZipFile(facts.path) as archive:
        for name in names:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, target.open("wb") as out:
                left = archive.getinfo(name).file_size
                while part := source.read(min(left + 1, 1 << 20)):
                    left -= len(part)
                    if left < 0:
                        raise DataError(f"{facts.path}: {name} is longer than it says. Do not use this archive.")
                    out.write(part)


def _check(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise DataError(f"{path}: more than {MOST_FILES} files or {MOST_BYTES:,} bytes unpacked. Not read.")
    if len({entry.filename for entry in entries}) != len(entries):
        raise DataError(f"{path}: a name occurs twice, so what it means depends on the reader. Not read.")
    for entry in entries:
        place = PurePosixPath(entry.filename)
        if place.is_absolute() or ".." in place.parts or "\\" in entry.filename or "\0" in entry.filename:
            raise DataError(f"{path}: entry {entry.filename[:100]!r} leads out of its folder. Do not use this archive.")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or entry.flag_bits & 1:
            raise DataError(f"{path}: entry {entry.filename[:100]!r} is a link, encrypted or no file. Not read.")
        if entry.file_size > MOST_RATIO * max(1, entry.compress_size) and entry.file_size > 1 << 20:
            raise DataError(f"{path}: entry {entry.filename[:100]!r} unpacks to {entry.file_size:,} bytes. Not read.")
