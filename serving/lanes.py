"""What a lane does with a batch: decode each photograph alone, infer together, and one by one when that fails."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from contract.errors import PhotographError
from contract.pixels import Photograph, Resize
from serving.engine import Inference
from serving.hangup import has_hung_up
from serving.metrics import Metrics
from serving.store import Model

log = logging.getLogger("thaw.lanes")


@dataclass(frozen=True)
class Result:
    """One photograph through one model. `probabilities`, `logits`: float32 (K,); `activation_map`: (K, h, w)."""

    model: Model
    probabilities: NDArray[np.float32]
    logits: NDArray[np.float32]
    activation_map: NDArray[np.float32] | None
    infer_s: float


@dataclass(eq=False)
class Job:
    """One photograph that waits for the answers of `models`. Written by one lane, read by the loop afterwards."""

    data: bytes
    models: tuple[Model, ...]
    deadline: float  # on time.perf_counter
    explain: bool = False
    identity: Mapping[str, str] = field(default_factory=dict)  # of the request, for the log
    socket: int = -1  # descriptor of the client's connection
    done: asyncio.Future[None] | None = None
    dropped: str = ""  # why nobody waits any more: gone or deadline
    queued_at: float = 0.0
    queue_s: float = 0.0
    decode_s: float = 0.0
    cost_s: float = 0.0  # a lane's time for this photograph and one model
    notes: tuple[str, ...] = ()
    results: list[Result] = field(default_factory=list)
    failure: Exception | None = None
    inputs: dict[tuple[int, Resize], NDArray[np.uint8]] = field(default_factory=dict)

    @property
    def has_failed_by_us(self) -> bool:
        """Whether the failure is not the photograph's."""
        return self.failure is not None and not isinstance(self.failure, PhotographError)


def work(batch: list[Job], beat: Callable[[], None], max_pixels: int, metrics: Metrics) -> None:
    """Fill `results` or `failure` of every job that somebody waits for. All jobs name the same models.

    beat: called between photographs, to say that the lane lives. Raises nothing that a photograph or a model can cause.
    """
    started = time.perf_counter()
    decode(batch, beat, max_pixels, metrics)
    if ready := infer(batch, beat, metrics):
        each = (time.perf_counter() - started) / (len(ready) * len(batch[0].models))
        for job in ready:
            job.cost_s = each


def decode(batch: list[Job], beat: Callable[[], None], max_pixels: int, metrics: Metrics) -> None:
    """Fill `inputs` or `failure` of every job that somebody waits for."""
    started = time.perf_counter()
    for job in batch:
        beat()
        job.queue_s = started - job.queued_at
        if not _given_up(job, metrics):
            _decode(job, max_pixels)


def infer(batch: list[Job], beat: Callable[[], None], metrics: Metrics, decoders: int = 1) -> list[Job]:
    """Fill `results` of every job that has its inputs. Returns those that were inferred.

    decoders: lanes that decode for this one; what limits the whole is the slower of the two.
    """
    ready = [job for job in batch if job.inputs and not _given_up(job, metrics)]
    if not ready:
        return []
    beat()
    started = time.perf_counter()
    for job in ready:
        job.queue_s = max(job.queue_s, started - job.queued_at - job.decode_s)  # twice in line, where two stages are
    metrics.batch_size.observe(len(ready))
    for model in batch[0].models:
        _infer(model, [job for job in ready if job.failure is None], metrics)
    each = (time.perf_counter() - started) / (len(ready) * len(batch[0].models))
    for job in ready:
        job.cost_s = max(job.decode_s, each * decoders)
        job.inputs.clear()
    return ready


def _given_up(job: Job, metrics: Metrics) -> bool:
    """The client left, or the answer would be too late: it costs nothing more."""
    if not job.dropped and time.perf_counter() >= job.deadline:
        job.dropped = "deadline"
    elif not job.dropped and has_hung_up(job.socket):
        job.dropped = "gone"
    if job.dropped:
        metrics.count_dropped(job.dropped)
        job.inputs.clear()
    return bool(job.dropped)


def _decode(job: Job, max_pixels: int) -> None:
    """A bad photograph ends here, alone. Models that take the same input share it."""
    started = time.perf_counter()
    try:
        for model in job.models:
            if model.preparation not in job.inputs:
                photograph: Photograph = model.prepare(job.data, max_pixels)
                job.inputs[model.preparation] = photograph.rgb
                job.notes = photograph.notes
    except PhotographError as error:
        job.failure = error
    except Exception as error:
        log.exception("decoding failed", extra={"fields": job.identity})
        job.failure = error
    if job.failure is not None:
        job.inputs.clear()
    job.decode_s = time.perf_counter() - started


def _infer(model: Model, jobs: list[Job], metrics: Metrics) -> None:
    """Add one Result to each job. A failed batch is repeated one by one, so that only the guilty fail."""
    try:
        _infer_together(model, jobs)
    except Exception as error:
        if len(jobs) == 1:
            log.exception("inference failed", extra={"fields": jobs[0].identity})
            jobs[0].failure = error
            return
        metrics.batch_retries.inc()
        for job in jobs:
            _infer(model, [job], metrics)


def _infer_together(model: Model, jobs: list[Job]) -> None:
    if not jobs:
        return
    started = time.perf_counter()
    images = np.stack([job.inputs[model.preparation] for job in jobs])
    inference: Inference = model.infer(images, explain=any(job.explain for job in jobs))
    seconds = time.perf_counter() - started
    for row, job in enumerate(jobs):
        grid = inference.activation_map[row] if job.explain and inference.activation_map is not None else None
        job.results.append(Result(model, inference.probabilities[row], inference.logits[row], grid, seconds))
