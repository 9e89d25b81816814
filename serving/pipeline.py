"""The steps of a photograph in order: admit, decode, batch, infer. Owns its deadline; knows nothing of HTTP forms."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from contract.errors import PhotographError
from contract.pixels import MAX_PIXELS
from serving.admission import Slots
from serving.answer import sorted_scores
from serving.bodies import Photographs
from serving.engine import runtime_version
from serving.errors import Refusal
from serving.lanes import Job
from serving.metrics import Metrics
from serving.scheduler import Scheduler
from serving.shadow import Shadow
from serving.store import Model, Models

log = logging.getLogger("thaw.pipeline")

STALE_LANE_S = 10.0  # a lane that is silent for longer makes the server not ready; a 50-megapixel PNG takes about 3


@dataclass(frozen=True)
class Terms:
    """Of one request. `received`: when it was whole, on time.perf_counter; its deadline counts from there."""

    received: float
    timeout_ms: int
    explain: bool = False
    identity: Mapping[str, str] = field(default_factory=dict)  # of the request, for the log
    socket: int = -1  # descriptor of its connection


class Pipeline:
    """Everything between a parsed request and its answer. On the event loop only."""

    def __init__(
        self, models: Models, scheduler: Scheduler, slots: Slots, metrics: Metrics, max_pixels: int = MAX_PIXELS
    ) -> None:
        self.scheduler = scheduler
        self.slots = slots
        self.metrics = metrics
        self.shadow = Shadow(slots, max_pixels, metrics)
        self.adopt(models)
        self.is_draining = False
        self.trouble_elsewhere: Callable[[], str | None] = lambda: None
        scheduler.on_cost = slots.learn
        metrics.watch(metrics.ready, lambda: self.trouble() is None)

    def adopt(self, models: Models) -> None:
        """Requests are answered with these from now on; those in flight keep the versions they began with."""
        for model in models.all():
            info = {"variant": model.variant, "provider": model.engine.provider, "runtime": runtime_version()}
            info |= {"recipe": model.manifest.recipe, "depth": str(model.manifest.depth)}
            self.metrics.prepare_model(model.key, model.manifest.labels, info)
        self.metrics.show_aliases({name: alias.key for name, alias in models.aliases.items()})
        self.metrics.refused_now.set(sum(each.is_certain for each in models.refused))
        self.models = models
        self.scheduler.probe = models.one_each()[0]
        self.shadow.use(models.shadow())

    def trouble(self) -> str | None:
        """Why the server is not ready, in a sentence; None when all its processes are."""
        return self.trouble_here() or self.trouble_elsewhere()

    def trouble_here(self) -> str | None:
        """The same for this process alone. Its goldens were replayed before it listened."""
        if self.is_draining:
            return "the server is draining: it finishes what it has and leaves"
        return self.scheduler.trouble(STALE_LANE_S)

    async def run(
        self,
        photographs: Photographs,
        models: tuple[Model, ...],
        terms: Terms,
    ) -> list[Job | Refusal]:
        """One entry per photograph, in order: a job with one result per model, or why there is none.

        Raises Refusal when the request as a whole is not admitted.
        """
        deadline = terms.received + terms.timeout_ms / 1000
        jobs = [
            item if isinstance(item, Refusal) else _job(item, models, deadline, terms) for item in photographs.items
        ]
        with self.slots.hold(len(jobs) * len(models), deadline - time.perf_counter()):
            if len(jobs) == 1:
                return [await self._one(jobs[0])]
            return list(await asyncio.gather(*(self._one(job) for job in jobs)))

    async def _one(self, job: Job | Refusal) -> Job | Refusal:
        if isinstance(job, Refusal):
            return job
        try:
            await self.scheduler.run(job)
        except Exception as error:  # noqa: BLE001 - a photograph fails alone, whatever it was
            return as_refusal(error)
        self._observe(job)
        asyncio.get_running_loop().call_soon(self.shadow.offer, job)  # after the answer is on its way
        return job

    def _observe(self, job: Job) -> None:
        self.metrics.observe_step("queue", job.queue_s)
        self.metrics.observe_step("decode", job.decode_s)
        for result in job.results:
            self.metrics.observe_step("infer", result.infer_s)
            decision = result.model.manifest.decision.label
            scores = sorted_scores(result)
            of_decision = next(score["score"] for score in scores if score["label"] == decision)
            self.metrics.count_prediction(result.model.key, scores[0]["label"], of_decision)


def _job(item: bytes | NDArray[np.uint8], models: tuple[Model, ...], deadline: float, terms: Terms) -> Job:
    """Pixels need no decoding: they are what the models' preparation would give."""
    data, inputs = (item, {}) if isinstance(item, bytes) else (b"", {model.preparation: item for model in models})
    return Job(data, models, deadline, terms.explain, identity=terms.identity, inputs=inputs, socket=terms.socket)


def as_refusal(error: Exception) -> Refusal:
    """What a client is told of a failed photograph. Our own failures were logged where they happened."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, PhotographError):
        return Refusal(error.kind, str(error))
    return Refusal(
        "internal", "The server failed on this photograph. Send it again; if it persists, report the request id."
    )
