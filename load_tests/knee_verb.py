"""The verb `knee`: every step is a run of its own, kept in its folder; the answer is what three longer ones confirm."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from load_tests import objectives as aims
from load_tests.config import Knee, Server, Single, Spike, Target
from load_tests.document import Summary
from load_tests.knee import Step, ceiling, search
from load_tests.knee_words import knee_words
from load_tests.report.knee_page import knee_page
from load_tests.results import PAGE, ROWS, SUMMARY, say
from load_tests.second_knee import APART, apart, loadgen, second_knee
from load_tests.slo import HELD, requests_needed
from load_tests.summary import HELD_EXIT, INVALID_EXIT, MISSED_EXIT
from load_tests.tables import put
from load_tests.verbs import Photographs, measure_closed, measure_open, objectives_of

KNEE = "knee.json"
SPARE_OVER = 3  # requests over the limit with which a step can still prove its percentile
BEYOND = 1.5  # times the knee: what happens above it
BURST_S = 10.0


def find_knee(settings: Knee, photographs: Photographs) -> int:
    """Write knee.json, and summary.json of the last confirmation. Returns the exit code."""
    runs = Runs(settings, photographs)
    ladder = ceiling(runs.throughput)
    most = max(throughput for _, throughput in ladder)
    found = search(most, settings.precision, runs.probe)
    document = {
        "knee_per_s": found.knee,
        "words": found.words,
        "ceiling_per_s": most,
        "closed": [{"users": users, "answered_per_s": throughput} for users, throughput in ladder],
        "steps": [vars(step) for step in found.steps],
        "beyond": None if found.knee is None else runs.beyond(found.knee),
        "second": runs.second(found.knee) if found.knee and settings.second_look else None,
    }
    (settings.out / KNEE).write_text(json.dumps(document, indent=1) + "\n")
    (settings.out / PAGE).write_text(knee_page(document, objectives_of(settings), settings))
    if settings.document and runs.last:
        put(settings.document, "knee", knee_words(document, settings, runs.last.run))
    last = runs.folders[-1]
    for name in (ROWS, SUMMARY):
        shutil.copyfile(last / name, settings.out / name)
    return _told(document, runs, settings)


class Runs:
    """Carries the steps out and says each in a line."""

    def __init__(self, settings: Knee, photographs: Photographs) -> None:
        self.settings, self.photographs = settings, photographs
        self.folders: list[Path] = []
        self.last: Summary | None = None
        self.shared = {name: getattr(settings, name) for name in Target.model_fields}

    def throughput(self, users: int) -> float:
        """Answers a second of closed-loop users; the mean in flight is close to their number (Little's law)."""
        seconds = max(3.0, self.settings.duration / 3)
        own = {"warmup": 1.0, "duration": seconds, "out": self.settings.out / "steps" / f"closed-{users}"}
        summary = measure_closed(Single(**{**self.shared, **own}, users=users), self.photographs)
        print(
            f"closed  {users:4d} users  {summary.answered_per_s:8.1f}/s  in flight {summary.in_flight:.1f}", flush=True
        )
        return summary.answered_per_s

    def probe(self, rate: float, times: float, seed: int) -> Step:
        """One rate, again where the run was invalid."""
        seconds = self.seconds(rate, times)
        for attempt in ("", "-again"):
            folder = self.settings.out / "steps" / f"{len(self.folders):02d}-open-{rate:.1f}{attempt}"
            own = {"rate": rate, "duration": seconds, "seed": self.settings.seed + seed, "out": folder}
            self.last = measure_open(self.settings.model_copy(update=own), self.photographs)
            self.folders.append(folder)
            held = _held(self.last)
            print(f"open  {rate:8.1f}/s  {_words(self.last, held)}", flush=True)
            if held is not None:
                break
        return Step(rate, held, seconds, self.last.latency_ms.p50, self.last.latency_ms.p99, self.last.goodput_per_s)

    def seconds(self, rate: float, times: float) -> float:
        """How long a step must be, so that it can prove its percentile."""
        percent = aims.strictest_percent(objectives_of(self.settings))
        needed = requests_needed(SPARE_OVER, percent) if percent else 0
        return max(self.settings.duration, needed / rate) * times

    def second(self, knee: float) -> dict[str, Any]:
        """The same search by another generator, around the knee that ours found."""
        own, aim = self.settings, objectives_of(self.settings)
        percent, limit = aims.strictest_percent(aim), aims.strictest_ms(aim)
        if not percent or not limit:
            raise RuntimeError("--second-look needs an objective for a percentile, and there is none.")

        asked = {"host": own.host, "path": own.path, "slo-ms": limit, "percentile": percent}

        def look(rate: float, times: float, seed: int) -> Step:
            return loadgen(rate, self.seconds(rate, times), own.seed + seed, asked)

        found = second_knee(knee, own.precision, look)
        steps = [vars(step) for step in found.steps]
        return {"knee_per_s": found.knee, "words": found.words, "apart": apart(knee, found.knee), "steps": steps}

    def beyond(self, knee: float) -> dict[str, float | int | None]:
        """What a burst above the knee does, and how soon it is over."""
        own = {
            "rate": knee / 2,
            "factor": 2 * BEYOND,
            "duration": 3 * BURST_S,
            "out": self.settings.out / "steps" / "beyond",
        }
        given = {name: getattr(self.settings, name) for name in Server.model_fields}
        burst = measure_open(Spike(**{**given, **own}), self.photographs).burst
        if burst is None:
            return {}
        print(
            f"burst {burst.offered_per_s:8.1f}/s  {burst.goodput_per_s:.1f}/s good, normal after {burst.recovery_s:g} s"
        )
        return {**burst.model_dump(), "goodput_of_knee": burst.goodput_per_s / knee}


def _held(summary: Summary) -> bool | None:
    if summary.exit == INVALID_EXIT:
        return None
    return summary.exit == HELD_EXIT and all(objective.verdict == HELD for objective in summary.objectives)


def _words(summary: Summary, held: bool | None) -> str:
    if held is None:
        return f"INVALID: {summary.invalid_because[0]}"
    lacking = [f"{finding.name} {finding.verdict}" for finding in summary.objectives if finding.verdict != HELD]
    word = "held" if held else ", ".join(lacking) or summary.verdict
    return f"p99 {summary.latency_ms.p99 or 0:8.1f} ms  {summary.goodput_per_s:8.1f}/s good  {word}"


def _told(document: Mapping[str, Any], runs: Runs, settings: Knee) -> int:
    knee, second = document["knee_per_s"], document["second"]
    if runs.last is not None:
        say(runs.last)
    print(f"knee: {knee:.1f} requests a second" if knee else f"no knee: {document['words']}")
    if second:
        print(f"second look: {second['knee_per_s'] or 0:.1f} requests a second, {second['apart']:.0%} apart")
    print(f"written: {settings.out}/")
    if second and second["apart"] > APART:
        print(
            f"INVALID\n  two generators are more than {APART:.0%} apart. Run again on a quiet machine, in longer steps."
        )
        return INVALID_EXIT
    if knee:
        return HELD_EXIT
    return INVALID_EXIT if any(step["held"] is None for step in document["steps"]) else MISSED_EXIT
