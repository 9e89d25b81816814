"""`python -m serving.bench`: the bare loop, this server and other servers, interleaved, as a table in Markdown."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from serving.bench.bare import Arrangement, Work, chosen_work, photographs_per_s
from serving.bench.machine import facts
from serving.bench.photographs import as_files
from serving.bench.rounds import Load, Round, Row, load, spread, table
from serving.bench.servers import Peer, Running, installed, ours, peer
from serving.cores import granted_cores
from serving.settings import Settings, load_settings
from serving.store import Model

BATCHES = (1, 4)
QUIET = 0.2  # cores that others may use before a round is called contaminated


@dataclass(frozen=True)
class Bench:
    """What is compared on what."""

    settings: Settings
    model: Model
    work: Work
    folder: Path  # of the photographs
    how: Load
    peers: tuple[Peer, ...]

    def bound(self) -> float:
        """The best of the bare loop's arrangements: a process for each core, at each batch size."""
        cores = granted_cores()
        return max(photographs_per_s(self.work, Arrangement(cores, 1, batch), self.how.seconds) for batch in BATCHES)

    def rounds(self, count: int) -> tuple[list[float], list[Row]]:
        """All servers after another in each round, the bound before them."""
        settings = {"models": self.settings.models.absolute(), "slots": 4 * self.how.connections}
        rows = [Row("thaw"), *(Row(each.name, _words(each)) for each in self.peers)]
        bounds = []
        for number in range(count):
            bounds.append(self.bound())
            _say(f"round {number + 1}: bare loop {bounds[-1]:.1f}/s")
            for row in rows:
                try:
                    with self._start(row.name, settings) as server:
                        measured = load(server, self.folder, self.how)
                except RuntimeError as error:
                    _say(f"  {row.name}: left out ({error})")
                    continue
                row.rounds.append((measured, bounds[-1]))
                _say(f"  {row.name}: {_line(measured)}")
        return bounds, rows

    @contextlib.contextmanager
    def _start(self, name: str, settings: dict[str, object]) -> Iterator[Running]:
        chosen = next((each for each in self.peers if each.name == name), None)
        photograph = self.work.photographs[0]
        if chosen is not None:
            with peer(chosen, self.model, self.work.folder / "model.onnx", photograph) as server:
                yield server
            return
        with ours(settings, photograph) as server:
            path = f"{server.target.path}?model={self.model.manifest.name}"
            yield Running(type(server.target)(server.target.port, path), server.pid, server.start_s)


def main() -> int:
    """Returns the exit code."""
    chosen = _parser().parse_args()
    settings = load_settings()
    work = chosen_work(settings, chosen.model, chosen.photographs)
    model = work.model(1)
    peers = tuple(installed(chosen.peers)) if chosen.peers else ()
    with as_files(work.photographs) as folder:
        how = Load(chosen.connections, chosen.warm, chosen.seconds)
        known = facts()
        bounds, rows = Bench(settings, model, work, folder, how, peers).rounds(chosen.rounds)
    text = _report(chosen, known | {"model": "/".join(model.key)}, bounds, rows)
    print(text)
    if chosen.out:
        chosen.out.write_text(text)
    return 0


def _report(chosen: argparse.Namespace, known: dict[str, str], bounds: list[float], rows: list[Row]) -> str:
    cores = granted_cores()
    words = " ".join(sys.argv[1:])
    lines = [f"`python -m serving.bench {words}`", "", *(f"- {name}: {value}" for name, value in known.items())]
    lines += [f"- load: closed loop, {chosen.connections} connections, {chosen.seconds:g} s, {chosen.rounds} rounds"]
    lines += [f"- bare loop on {cores} cores, its best batch of {BATCHES}: {spread(bounds, 1)} a second", ""]
    noisy = sum(each.others > QUIET for row in rows for each, _ in row.rounds)
    tail = [f"{noisy} of the rounds had others using more than {QUIET} cores: not to be quoted."] if noisy else []
    notes = "Median [lowest, highest] over the rounds. Of the bound: of its round's bare loop, without the client."
    return "\n".join([*lines, table(rows, cores), notes, *tail, ""])


def _line(measured: Round) -> str:
    rate, cores = measured.measured.answers_per_s, measured.server_cores
    return f"{rate:.1f}/s, {cores:.2f} cores, others {measured.others:.2f}, {measured.measured.outcomes}"


def _words(each: Peer) -> str:
    return " ".join(f"{name}={value}" for name, value in each.settings.items())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="each server once in each round")
    parser.add_argument("--seconds", type=float, default=5.0, help="of load, after a second of warming up")
    parser.add_argument("--warm", type=float, default=1.0, help=argparse.SUPPRESS)
    parser.add_argument("--connections", type=int, default=16, help="each sends when its last answer is in")
    parser.add_argument("--model", help="of the store THAW_MODELS; `stable` when left out")
    parser.add_argument("--peers", type=Path, help="folder of other servers: peers/, venvs/, results/grid.json")
    parser.add_argument("--photographs", type=Path, nargs="*", default=[], help="JPEGs; drawn when left out")
    parser.add_argument("--out", type=Path, help="file for the table")
    return parser


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
