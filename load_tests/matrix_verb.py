"""`make load`: each server in turn, again and again, at equal cores; its runs, its report, its table."""

import json
import os
import time
from collections import defaultdict
from pathlib import Path

from load_tests.config import Matrix as Settings
from load_tests.config import Server, Single
from load_tests.document import Summary
from load_tests.machine import facts
from load_tests.matrix import CEILING, COMMON, Matrix, Subject, carried, markdown, noise, point, ranged, verdict
from load_tests.payloads import raw, read_photographs
from load_tests.prometheus import batch_shares
from load_tests.report.matrix_page import matrix_page
from load_tests.report.page import run_charts
from load_tests.results import ROWS, read_summary
from load_tests.rows import read_rows, table
from load_tests.servers import CONTENDERS, Contender, NotStarted, Running, install, running
from load_tests.tables import put
from load_tests.verbs import measure_closed, measure_open

WARMUP_S = 1.0
CEILING_USERS = 16
RUNS = "runs"
Key = tuple[str, str, str]  # server, model, kind of run


class Rounds:
    """Carries the rounds out; remembers every summary."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.photographs = read_photographs(Server.model_fields["images"].default)
        self.machine, self.began = facts(), time.time()
        granted = sorted(os.sched_getaffinity(0))
        # The last core is the generator's, so that it does not measure itself; with one core they share it.
        self.generator, self.server_cores = {granted[-1]}, set(granted[:-1] or granted)
        self.runs: dict[Key, list[Summary]] = defaultdict(list)
        self.starts: dict[str, list[float]] = defaultdict(list)
        self.batches: dict[tuple[str, str], dict[str, float]] = {}
        self.skipped: dict[str, str] = {}
        self.rates: dict[tuple[str, str], dict[str, float]] = {}

    def all(self) -> None:
        """Ceilings first, which give the rates; then the rounds, every second one backwards."""
        os.sched_setaffinity(0, self.generator)
        for number in range(self.settings.all_rounds + 1):
            names = self.settings.server_names()
            for name in names if number % 2 == 0 else names[::-1]:
                if name not in self.skipped:
                    self.visit(CONTENDERS[name], number)
            if number == 0:
                self.choose_rates()

    def visit(self, contender: Contender, number: int) -> None:
        """One server in one round, with every model."""
        store, asked = self.settings.store.resolve(), self.settings.model_names()
        if words := contender.missing(store, asked):
            self.skip(contender, words)
            return
        models = contender.models(store, asked)
        try:
            if number == 0:
                self.tell(number, contender.name, f"installing {contender.environment}, where it is not yet")
                install(contender)
            self.tell(number, contender.name, "starting")
            with running(contender, models, store, self.server_cores, raw(self.photographs[0])) as server:
                self.starts[contender.name].append(server.started_s)
                for model in models:
                    self.measure(contender, server, model, number)
        except NotStarted as error:
            self.skip(contender, str(error))

    def measure(self, contender: Contender, server: Running, model: str, number: int) -> None:
        """The ceiling in a closed loop, then, when they are known, the open rates."""
        key = (contender.name, model)
        folder = self.settings.out / RUNS / contender.name / model / f"round-{number}"
        where = {"host": server.url, "path": contender.path.format(model=model), "warmup": WARMUP_S}
        own = {**where, "duration": self.settings.length, "slo_ms": self.settings.slo_ms}
        before = batch_shares(server.url)
        ceiling = measure_closed(Single(**own, users=CEILING_USERS, out=folder / CEILING), self.photographs)
        self.keep(
            (*key, CEILING), ceiling, f"{ceiling.answered_per_s:.1f}/s in a closed loop of {CEILING_USERS}", number
        )
        for kind, rate in self.rates.get(key, {}).items():
            run = Server(**own, rate=rate, seed=number, out=folder / f"open-{kind}")
            summary = measure_open(run, self.photographs)
            p99 = f"p99 {summary.latency_ms.p99:.1f} ms" if summary.latency_ms.p99 else summary.verdict
            self.keep((*key, kind), summary, f"{rate:.1f}/s offered, {p99}", number)
        self.batches[key] = batch_shares(server.url, before)

    def keep(self, key: Key, summary: Summary, words: str, number: int) -> None:
        """Remember, and say so."""
        self.runs[key].append(summary)
        self.tell(number, key[0], f"{key[1]:<9} {words}")

    def tell(self, number: int, name: str, words: str) -> None:
        """Progress: the round, its server, and how long it all has taken."""
        minutes = (time.time() - self.began) / 60
        print(f"{minutes:6.1f} min  round {number} of {self.settings.all_rounds}  {name:<17} {words}", flush=True)

    def skip(self, contender: Contender, words: str) -> None:
        """A server that cannot be had is left out, with a sentence."""
        self.skipped[contender.name] = words
        print(f"left out: {contender.name}: {words}", flush=True)

    def choose_rates(self) -> None:
        """Shares of each server's own ceiling, and one rate for all: half of the lowest ceiling."""
        for model in self.settings.model_names():
            found = {key[0]: runs[0].answered_per_s for key, runs in self.runs.items() if key[1] == model}
            for name, ceiling in found.items():
                shares = {f"{share:g}": share * ceiling for share in self.settings.all_shares if ceiling > 0}
                # One that answered nothing, as a server that was still warming up, must not choose the rate of all.
                least = min((other for other in found.values() if other > 0), default=0.0)
                self.rates[(name, model)] = {COMMON: max(least / 2, 0.5), **shares}

    def document(self) -> Matrix:
        """Everything that was found."""
        keys = sorted({key[:2] for key in self.runs}, key=lambda key: (key[1], key[0]))
        subjects = [self.subject(*key) for key in keys]
        code, words = verdict(subjects)
        return Matrix(
            exit=code,
            valid=code != 3,
            invalid_because=words if code == 3 else [],
            slo_ms=self.settings.slo_ms,
            rounds=self.settings.all_rounds,
            seconds=self.settings.length,
            server_cores=len(self.server_cores),
            generator_cores=len(self.generator),
            machine=self.machine,
            began=self.began,
            subjects=subjects,
            skipped=self.skipped,
            warnings=noise(subjects),
        )

    def subject(self, server: str, model: str) -> Subject:
        """One server with one model, over its rounds."""
        runs = {kind: found for (name, of, kind), found in self.runs.items() if (name, of) == (server, model)}
        points = [point(kind, found) for kind, found in runs.items() if kind != CEILING]
        same = runs.get(COMMON, [])
        return Subject(
            server=server,
            model=model,
            start_s=ranged(self.starts[server]),
            ceiling_per_s=ranged([run.answered_per_s for run in runs[CEILING]]),
            carried_per_s=carried(points, self.settings.slo_ms),
            points=sorted(points, key=lambda found: found.offered_per_s),
            stages_ms={name: spread.p50 for name, spread in same[-1].stages_ms.items() if spread.p50} if same else {},
            batch_sizes=self.batches.get((server, model), {}),
            failed=sum(run.failed - run.failures.get("shed", 0) for found in runs.values() for run in found),
        )


def run_matrix(settings: Settings) -> int:
    """All rounds, then the report. Returns the exit code."""
    print(settings.estimate(), flush=True)
    rounds = Rounds(settings)
    rounds.all()
    matrix = rounds.document()
    if settings.document and matrix.valid:
        put(settings.document, "matrix", markdown(matrix))
    return write_matrix(settings.out, matrix)


def closer_look(folder: Path, matrix: Matrix) -> dict[tuple[str, str], list[tuple[str, str, str]]]:
    """Pictures of each server's last run at the common rate."""
    found = {}
    for subject in matrix.subjects:
        of = folder / RUNS / subject.server / subject.model / f"round-{matrix.rounds}" / f"open-{COMMON}"
        if (of / ROWS).is_file() and (charts := run_charts(read_summary(of), table(read_rows(of / ROWS)), None)):
            found[(subject.server, subject.model)] = charts
    return found


def write_matrix(folder: Path, matrix: Matrix) -> int:
    """summary.json, report.html and table.md. Returns the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(matrix.model_dump(mode="json"), indent=1) + "\n")
    (folder / "table.md").write_text(markdown(matrix))
    (folder / "report.html").write_text(matrix_page(matrix, closer_look(folder, matrix)))
    print(markdown(matrix))
    for words in matrix.invalid_because:
        print(words)
    print(f"written: {folder}/report.html")
    return matrix.exit
