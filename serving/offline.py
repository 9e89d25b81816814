"""`predict`: the same answers for files, without a server. `check`: every version of a store, verified."""

import glob
import json
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from contract.aliases import LATEST, read_aliases
from contract.artifact import list_versions, read_artifact
from contract.errors import ArtifactError
from serving.answer import Answer, answer_of
from serving.engine import choose_provider
from serving.errors import Refusal
from serving.lanes import Job, work
from serving.loading import Keep, load_models
from serving.metrics import Metrics
from serving.parameters import Options
from serving.pipeline import as_refusal
from serving.settings import Settings
from serving.shape import shape_of
from serving.store import Model, choose_variant, load_model

STDIN = "-"
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif"}
NO_DEADLINE = float("inf")
USAGE = 2  # exit code, as argparse has it


@dataclass(frozen=True)
class Line:
    """What is printed about one path."""

    path: str
    answer: Answer | None
    problem: dict[str, object] | None


def predict(settings: Settings, names: list[str], model_name: str | None, as_json: bool) -> int:
    """Print a line per photograph; returns the exit code: 1 when one could not be answered."""
    provider = choose_provider(settings.provider)
    shape = shape_of(settings, provider)
    keep = Keep(settings.versions_per_model, settings.versions_in_all)
    models = load_models(settings.models, provider, shape.batch_limit, keep, settings.variants)
    try:
        model = models.find(model_name)
    except Refusal as refusal:
        print(f"error: {refusal.detail.replace('?model=', '--model ')}", file=sys.stderr)
        return USAGE
    failed = False
    metrics = Metrics()
    with ThreadPoolExecutor(shape.lanes) as lanes:
        for line in lanes.map(lambda path: _answer(path, model, settings.max_pixels, metrics), expand(names)):
            failed |= line.problem is not None
            print(_json(line) if as_json else _words(line), flush=True)
    return int(failed)


def check(settings: Settings) -> int:
    """Verify hashes and goldens of every version, and the aliases; returns 1 when something is wrong."""
    provider = choose_provider(settings.provider)
    batch_limit = shape_of(settings, provider).batch_limit
    versions = list_versions(settings.models)
    wrong = 0
    for name, numbers in versions.items():
        for number in numbers:
            started = time.perf_counter()
            try:
                models = _every_variant(settings, settings.models / name / str(number), provider, batch_limit)
            except ArtifactError as error:
                wrong += 1
                print(f"WRONG  {name}/{number}: {error}")
            else:
                seconds, files = time.perf_counter() - started, len(models[0].manifest.files)
                variants = ", ".join(model.variant for model in models)
                print(f"ok     {name}/{number}: {files} files, goldens answered by {variants} in {seconds:.2f} s")
    for alias, target in read_aliases(settings.models).items():
        numbers = versions.get(target.model, [])
        is_there = bool(numbers) if target.version == LATEST else int(target.version) in numbers
        wrong += not is_there
        print(f"{'ok   ' if is_there else 'WRONG'}  alias {alias}: {target.model}/{target.version}")
    if not versions:
        wrong += 1
        print(f"WRONG  {settings.models}: holds no model")
    return int(wrong > 0)


def _every_variant(settings: Settings, folder: Path, provider: str, batch_limit: int) -> list[Model]:
    """The version loaded and proved as each of its variants. Raises ArtifactError; also when it lacks the one set."""
    artifact = read_artifact(folder)
    choose_variant(artifact, settings.variants)
    return [load_model(artifact, provider, batch_limit, (variant,)) for variant in artifact.variants]


def expand(names: Iterable[str]) -> Iterator[str]:
    """Folders -> the photographs in them, patterns -> what they match; what matches nothing stays and fails by name."""
    for name in names:
        if name == STDIN or Path(name).is_file():
            yield name
        elif Path(name).is_dir():
            found = sorted(path for path in Path(name).rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
            yield from map(str, found) if found else [name]
        else:
            yield from sorted(glob.glob(name, recursive=True)) or [name]


def _answer(path: str, model: Model, max_pixels: int, metrics: Metrics) -> Line:
    try:
        data = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
    except OSError as error:
        refusal = Refusal(
            "not-found", f"{path}: {error.strerror}. Name a photograph, a folder of photographs or a pattern."
        )
        return Line(path, None, _problem(refusal))
    job = Job(data, (model,), NO_DEADLINE, queued_at=time.perf_counter())
    work([job], lambda: None, max_pixels, metrics)
    if job.failure is not None:
        return Line(path, None, _problem(as_refusal(job.failure)))
    return Line(path, answer_of(job, job.results[0], Options()), None)


def _problem(refusal: Refusal) -> dict[str, object]:
    """As over HTTP, but nobody asked with an id."""
    return {name: value for name, value in refusal.problem("").items() if name != "request_id"}


def _json(line: Line) -> str:
    rest = {"problem": line.problem} if line.answer is None else line.answer
    return json.dumps({"path": line.path, **rest}, ensure_ascii=False, allow_nan=False)


def _words(line: Line) -> str:
    if line.answer is None:
        return f"{line.path}  cannot be answered: {(line.problem or {})['detail']}"
    scores = "  ".join(f"{item['label']} {item['score']:.3f}" for item in line.answer["predictions"])
    decision = line.answer["decision"]
    return f"{line.path}  {decision['label'] if decision['is'] else 'no ' + decision['label']}  ({scores})"
