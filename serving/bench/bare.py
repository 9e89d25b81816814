"""The bound: decoding and inference in a bare loop on all cores, without HTTP, by the very functions that serve."""

import json
import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

import numpy as np

from contract.artifact import FLOAT32, read_artifact
from serving.bench.photographs import read_or_draw
from serving.engine import choose_provider
from serving.loading import load_models
from serving.settings import Settings
from serving.shape import shape_of
from serving.store import Model, load_model

START_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Arrangement:
    """Processes with so many threads each, which share one session; photographs of one inference."""

    processes: int
    threads: int
    batch: int

    def __str__(self) -> str:
        """As tables name it."""
        return f"{self.processes} x {self.threads}, batch {self.batch}"


@dataclass(frozen=True)
class Work:
    """What is done: one version of a model, loaded as the server loads it, and photographs in their order."""

    folder: Path
    provider: str
    photographs: tuple[bytes, ...]
    variant: str = FLOAT32

    def model(self, batch: int) -> Model:
        """Loaded and proved."""
        return load_model(read_artifact(self.folder), self.provider, batch, (self.variant,))


class _Queue(Protocol):
    def put(self, item: Any) -> None: ...  # noqa: ANN401 - a queue of the standard library takes anything


def chosen_work(settings: Settings, model_name: str | None, photographs: list[Path]) -> Work:
    """A model of the store by name or alias, and the photographs, drawn where none are given."""
    provider = choose_provider(settings.provider)
    models = load_models(
        settings.models, provider, shape_of(settings, provider).batch_limit, variants=settings.variants
    )
    model = models.find(model_name)
    folder = settings.models.absolute().joinpath(*model.key)
    return Work(folder, provider, tuple(read_or_draw(photographs)), model.variant)


def photographs_per_s(work: Work, arrangement: Arrangement, seconds: float) -> float:
    """Of all processes together, from when the last of them is ready. Raises RuntimeError when one fails."""
    if arrangement.processes == 1:
        return _threads(work.model(arrangement.batch), work, arrangement, seconds)
    context = multiprocessing.get_context("spawn")
    results, go = context.Queue(), context.Event()
    processes = [
        context.Process(target=_process, args=(work, arrangement, seconds, results, go), daemon=True)
        for _ in range(arrangement.processes)
    ]
    for process in processes:
        process.start()
    for _ in processes:
        results.get(timeout=START_TIMEOUT_S)
    go.set()
    total = sum(float(results.get(timeout=START_TIMEOUT_S + seconds)) for _ in processes)
    for process in processes:
        process.join()
    return total


def cost_ms(work: Work, batch: int, repeats: int = 30) -> tuple[float, float]:
    """Median milliseconds on one core: of decoding one photograph, and of inferring one in a batch of `batch`."""
    model = work.model(batch)
    images = np.stack([model.prepare(work.photographs[i % len(work.photographs)]).rgb for i in range(batch)])
    decode = _median_s(lambda: model.prepare(work.photographs[0]), repeats)
    return decode * 1000, _median_s(lambda: model.infer(images), repeats) * 1000 / batch


def _median_s(call: Callable[[], object], repeats: int) -> float:
    rows = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        rows.append(time.perf_counter() - started)
    return sorted(rows)[repeats // 2]


def _process(work: Work, arrangement: Arrangement, seconds: float, results: _Queue, go: Any) -> None:  # noqa: ANN401 - an event of the spawning context
    model = work.model(arrangement.batch)
    results.put("ready")
    go.wait()
    results.put(_threads(model, work, arrangement, seconds))


def _threads(model: Model, work: Work, arrangement: Arrangement, seconds: float) -> float:
    if arrangement.threads == 1:
        return _loop(model, work, arrangement.batch, seconds)
    rates: SimpleQueue[float] = SimpleQueue()
    threads = [
        threading.Thread(target=lambda: rates.put(_loop(model, work, arrangement.batch, seconds)))
        for _ in range(arrangement.threads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(rates.get() for _ in threads)


def _loop(model: Model, work: Work, batch: int, seconds: float) -> float:
    done, labels = 0, model.manifest.labels
    started = now = time.perf_counter()
    while now - started < seconds:
        rows = [model.prepare(work.photographs[(done + i) % len(work.photographs)]).rgb for i in range(batch)]
        for scores in model.infer(np.stack(rows)).probabilities:
            json.dumps(dict(zip(labels, scores.tolist(), strict=True)))
        done += batch
        now = time.perf_counter()
    return done / (now - started)
