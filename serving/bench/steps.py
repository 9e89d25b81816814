"""`python -m serving.bench.steps`: what was tried for speed and what each step gives, beside the default.

Every step is this server with one thing changed, under the same closed loop; all take turns in every round, the default
first, and each is told as a ratio to its round's default. About five minutes as it stands.
"""

import argparse
import contextlib
import os
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from contract.artifact import FLOAT32, read_artifact
from serving.bench.bare import chosen_work
from serving.bench.document import DOCS, UNMEASURED, markdown, write_between
from serving.bench.machine import facts
from serving.bench.photographs import as_files
from serving.bench.rounds import Load, Round, load, spread
from serving.bench.servers import Running, ours
from serving.cores import granted_cores
from serving.settings import load_settings

PAGE = DOCS / "speed.md"
QUIET = 0.2  # cores that others may use before the table is not to be quoted
PRELOADED = ("libjemalloc.so.2", "libtcmalloc_minimal.so.4")
LIBRARIES = tuple(Path(place) for place in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"))


@dataclass(frozen=True)
class Step:
    """One thing that differs from the default. settings: without THAW_; altered: see serving.bench.altered."""

    name: str
    settings: dict[str, object] = field(default_factory=dict)
    altered: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    variant: str = FLOAT32  # that the model must have
    preload: str = ""  # library that the system must have, to be loaded first


def steps(cores: int) -> tuple[Step, ...]:
    """The default comes first, and last once more: what that differs by is noise."""
    return (
        Step("the default: a lane for each core, greedy batches of 4, float32"),
        Step("every photograph alone", {"batch_limit": 1}),
        Step("greedy batches of 8", {"batch_limit": 8}),
        Step("a process with one lane for each core", {"processes": cores, "lanes": 1}),
        Step("one lane, two threads in each inference", {"lanes": 1}, "two_threads"),
        Step("the same, threads that spin", {"lanes": 1}, "spinning"),
        Step("a lane for each core and one more", {"lanes": cores + 1}),
        Step("decoding apart from inference (pool)", {"shape": "pool"}),
        Step("JPEGs decoded whole", altered="whole_decode"),
        Step("asyncio's own loop instead of uvloop", altered="plain_asyncio"),
        Step("a warm spare beside it", {"spare": True}),
        Step("the runtime without its memory pool", altered="no_arena"),
        Step("glibc with one memory pool", environment={"MALLOC_ARENA_MAX": "1"}),
        *(Step(f"{name} instead of glibc's malloc", preload=name) for name in PRELOADED),
        Step("int8", {"variant": "int8"}, variant="int8"),
        Step("fp16 (on the CPU: computed in float32)", {"variant": "fp16"}, variant="fp16"),
        Step("the default once more"),
    )


def why_not(step: Step, variants: tuple[str, ...]) -> str:
    """Why a step cannot be measured here; empty when it can."""
    if step.variant not in variants:
        return f"the model has no {step.variant}"
    if step.preload and not _found(step.preload):
        return f"no {step.preload} on this system"
    return ""


def _found(library: str) -> Path | None:
    return next((folder / library for folder in LIBRARIES if (folder / library).exists()), None)


@dataclass(frozen=True)
class Stand:
    """What the steps are measured on."""

    base: dict[str, object]
    model: str
    photographs: Path
    first: bytes
    how: Load

    def measure(self, step: Step) -> Round:
        """Raises RuntimeError when the server does not start."""
        with self._server(step) as server:
            path = f"{server.target.path}?model={self.model}"
            target = type(server.target)(server.target.port, path)
            return load(Running(target, server.pid, server.start_s), self.photographs, self.how)

    @contextlib.contextmanager
    def _server(self, step: Step) -> Iterator[Running]:
        words = ("-m", "serving.bench.altered", step.altered) if step.altered else ("-m", "serving")
        environment = step.environment | ({"LD_PRELOAD": str(_found(step.preload))} if step.preload else {})
        with ours(self.base | step.settings, self.first, words, environment) as server:
            yield server


def report(measured: dict[str, list[Round] | str]) -> str:
    """Markdown. The first step with rounds is what the others are told by, round for round."""
    rows: list[tuple[str, ...]] = [("step", "answers, to the default", "p99, to the default", "memory MB", "errors")]
    base = next(rounds for rounds in measured.values() if not isinstance(rounds, str))
    for name, rounds in measured.items():
        if isinstance(rounds, str):
            rows.append((name, f"{UNMEASURED} ({rounds})", "", "", ""))
            continue
        pairs = list(zip(rounds, base, strict=True))
        rate = [each.measured.answers_per_s / max(other.measured.answers_per_s, 1e-9) for each, other in pairs]
        late = [each.measured.p99_s / max(other.measured.p99_s, 1e-9) for each, other in pairs]
        memory, errors = statistics.median(each.pss_mb for each in rounds), sum(each.errors for each in rounds)
        rows.append((name, spread(rate, 2), f"{statistics.median(late):.2f}", f"{memory:.0f}", str(errors)))
    return markdown(rows)


def run(stand: Stand, variants: tuple[str, ...], rounds: int) -> dict[str, list[Round] | str]:
    """Step -> its rounds, or why it has none. One that fails once is left out."""
    chosen = steps(granted_cores())
    measured: dict[str, list[Round] | str] = {step.name: why_not(step, variants) or [] for step in chosen}
    for number in range(rounds):
        for step in chosen:
            found = measured[step.name]
            if isinstance(found, str):
                continue
            try:
                found.append(stand.measure(step))
            except RuntimeError as error:
                print(f"{step.name}: {error}", file=sys.stderr)
                measured[step.name] = "it did not start"
                continue
            print(f"round {number + 1}: {step.name}: {found[-1].measured.answers_per_s:.1f}/s", file=sys.stderr)
    return measured


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m serving.bench.steps", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="each step once in each round")
    parser.add_argument("--seconds", type=float, default=2.0, help="of load, after half a second of warming up")
    parser.add_argument("--connections", type=int, default=16, help="each sends when its last answer is in")
    parser.add_argument("--model", help="of the store THAW_MODELS; `stable` when left out")
    parser.add_argument("--photographs", type=Path, nargs="*", default=[], metavar="FILE", help="drawn if left out")
    parser.add_argument("--write", action="store_true", help=f"put the table into docs/{PAGE.name}")
    chosen = parser.parse_args()
    settings = load_settings()
    work = chosen_work(settings, chosen.model, chosen.photographs)
    artifact = read_artifact(work.folder)
    base: dict[str, object] = {"models": settings.models.absolute(), "slots": 4 * chosen.connections, "spare": False}
    known = facts()
    with as_files(work.photographs) as folder:
        how = Load(chosen.connections, 0.5, chosen.seconds)
        stand = Stand(base, artifact.manifest.name, folder, work.photographs[0], how)
        measured = run(stand, artifact.variants, chosen.rounds)
    text = _text(known, f"{artifact.manifest.name}/{artifact.manifest.version}", chosen, measured)
    print(text)
    if chosen.write:
        write_between(PAGE, "steps", text)
    return 0


def _text(known: dict[str, str], model: str, chosen: argparse.Namespace, measured: dict[str, list[Round] | str]) -> str:
    rounds = [each for found in measured.values() if not isinstance(found, str) for each in found]
    noisy = sum(each.others > QUIET for each in rounds)
    facts_line = "; ".join(f"{name}: {value}" for name, value in known.items())
    how = f"{chosen.connections} connections, {chosen.seconds:g} s, {chosen.rounds} rounds, model {model}"
    tail = (
        f"\n{noisy} of {len(rounds)} stretches had others using over {QUIET} cores: not to be quoted.\n"
        if noisy
        else ""
    )
    return f"{facts_line}. {how}. Median [lowest, highest].\n\n{report(measured)}{tail}"


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
