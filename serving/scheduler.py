"""The stages of a photograph behind the door, and its way back: one small scheduler for every shape."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from serving import stages
from serving.errors import Refusal
from serving.lanes import Job, decode, infer, work
from serving.metrics import Metrics
from serving.shape import Shape
from serving.stages import Stage
from serving.store import Model


class Scheduler:
    """Jobs go in on the event loop, lanes take them in threads, results come back on the loop."""

    def __init__(self, shape: Shape, max_pixels: int, metrics: Metrics) -> None:
        self._metrics = metrics
        if shape.is_pool:
            limits = partial(decode, max_pixels=max_pixels, metrics=metrics)
            device = Stage(1, shape.batch_limit, partial(infer, metrics=metrics, decoders=shape.lanes))
            self.stages = [Stage(shape.lanes, 1, limits), device]
            self.stages[0].pass_on = self._to_the_device
        else:
            self.stages = [Stage(shape.lanes, shape.batch_limit, partial(work, max_pixels=max_pixels, metrics=metrics))]
        self.stages[-1].pass_on = self._back
        for stage in self.stages:
            stage.on_death = self._on_death
        self.probe: Model  # its golden photograph is what a new lane answers before it takes work
        self.on_cost: Callable[[float], None] = lambda seconds: None
        metrics.lanes.set(self._wanted)
        metrics.watch(metrics.queue_length, lambda: sum(len(stage.waiting) for stage in self.stages))
        metrics.watch(metrics.lanes_alive, self._alive)

    def start(self) -> None:
        """Start the lanes."""
        self._loop = asyncio.get_running_loop()
        for stage in self.stages:
            stage.start(self._prove)

    def close(self) -> None:
        """Lanes end after what they hold; nothing new is taken."""
        for stage in self.stages:
            stage.close()

    async def run(self, job: Job) -> None:
        """Wait until `job.results` is filled. Raises what failed the job, or Refusal when its deadline passes.

        A cancelled caller's job is taken out of its queue if it still waits.
        """
        job.done = self._loop.create_future()
        job.queued_at = time.perf_counter()
        timer = self._loop.call_later(max(0.0, job.deadline - job.queued_at), self._expire, job)
        self.stages[0].put([job])
        try:
            await job.done
        except asyncio.CancelledError:
            self._drop(job, "gone")
            raise
        finally:
            timer.cancel()

    def trouble(self, stale_s: float) -> str | None:
        """What is wrong with the lanes, in a sentence; None when all are alive and none is stuck."""
        alive = self._alive()
        return f"{alive} of {self._wanted} lanes are alive" if alive < self._wanted else self.stuck(stale_s)

    def stuck(self, stale_s: float) -> str | None:
        """A sentence when a lane has been in one batch for longer than `stale_s`: nothing can end it from outside."""
        now = time.perf_counter()
        lanes = [lane for stage in self.stages for lane in stage.lanes if lane.alive]
        stuck = sum(now - lane.last_beat > stale_s + stages.IDLE_BEAT_S for lane in lanes)
        return f"{stuck} of {self._wanted} lanes gave no sign of life for {stale_s:g} s" if stuck else None

    def _prove(self) -> None:
        self.probe.infer(self.probe.prepare(self.probe.golden).rgb[None])

    @property
    def _wanted(self) -> int:
        return sum(stage.wanted for stage in self.stages)

    def _alive(self) -> int:
        return sum(lane.alive for stage in self.stages for lane in stage.lanes)

    def _drop(self, job: Job, why: str) -> None:
        job.dropped = why
        if any(stage.discard(job) for stage in self.stages):
            self._metrics.count_dropped(why)

    def _expire(self, job: Job) -> None:
        self._drop(job, "deadline")
        self._settle(
            [job], Refusal("deadline", "The deadline passed before an answer was there. Allow more time or send less.")
        )

    def _to_the_device(self, batch: list[Job]) -> None:
        """In a decoding lane: what can be inferred goes on, the rest goes back."""
        ready = [job for job in batch if job.inputs and job.failure is None and not job.dropped]
        self.stages[-1].put(ready)
        if len(ready) < len(batch):
            self._back([job for job in batch if job not in ready])

    def _back(self, batch: list[Job]) -> None:
        """In a lane: to the loop."""
        self._loop.call_soon_threadsafe(self._finish, batch)

    def _finish(self, batch: list[Job]) -> None:
        """On the loop: hand every job to its waiter, unless that one has left."""
        for job in batch:
            if job.dropped == "deadline":
                self._expire(job)
                continue
            if job.dropped and job.done is not None:  # gone, and seen by the lane before the loop
                job.done.cancel()
                continue
            if job.cost_s:
                self.on_cost(job.cost_s)
            self._settle([job], job.failure)

    def _on_death(self, batch: list[Job], error: BaseException) -> None:
        self._metrics.lane_restarts.inc()
        self._settle(batch, RuntimeError(f"the lane died: {error!r}"))

    @staticmethod
    def _settle(jobs: list[Job], failure: BaseException | None) -> None:
        for job in jobs:
            if job.done is None or job.done.done():
                continue
            if failure is None:
                job.done.set_result(None)
            else:
                job.done.set_exception(failure)
