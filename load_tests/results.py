"""The folder of a run: summary.json, requests.csv.gz, two histograms, report.html; and the lines on the terminal."""

import json
import sys
from pathlib import Path

from load_tests.histogram import histogram, merged, write_hgrm
from load_tests.rows import OK, UNFINISHED, Table
from load_tests.summary import Spread, Summary, as_json

SUMMARY, ROWS = "summary.json", "requests.csv.gz"


def write_results(folder: Path, summary: Summary, rows: Table) -> None:
    """Everything of one run beside its rows. Histograms are made for each worker and added up."""
    window = rows.window(summary.run.warmup_s, summary.run.warmup_s + summary.run.duration_s)
    timed = window.where(window.among(OK, *UNFINISHED))
    for name in ("latency", "service"):
        write_hgrm(folder / f"{name}.hgrm", merged(histogram(part) for part in _by_worker(timed, f"{name}_ms")))
    (folder / SUMMARY).write_text(json.dumps(as_json(summary), indent=1) + "\n")


def _by_worker(rows: Table, column: str) -> list[object]:
    values = getattr(rows, column)
    return [values[rows.worker == worker] for worker in sorted(set(rows.worker.tolist()))]


def say(summary: Summary) -> None:
    """What a person wants to know first, on standard output."""
    run = summary.run
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    asked = f"{run.rate:g}/s" if run.rate else f"{run.users} users" if run.users else "a trace"
    print(f"{run.verb} ({run.loop} loop) {run.host}{run.path}: {asked} for {run.duration_s:g} s")
    offered = f"{summary.offered_per_s:.1f}/s offered, " if summary.offered_per_s is not None else ""
    print(f"  {offered}{summary.achieved_per_s:.1f}/s sent, {summary.answered_per_s:.1f}/s answered rightly")
    kinds = "".join(f", {count} {kind}" for kind, count in summary.failures.items())
    parts = f"{summary.ok} ok + {summary.failed} failed + {summary.dropped} dropped + {summary.cut} cut"
    print(f"  {summary.sent} planned = {parts}{kinds}")
    if summary.valid:
        print(f"  from plan  {_line(summary.latency_ms)}")
        print(f"  from send  {_line(summary.service_ms)}")
        for name, spread in summary.stages_ms.items():
            print(f"  {name:<10} {_line(spread)}")
    for finding in summary.objectives:
        print(f"  {finding.verdict:<9} {finding.name}: {finding.words}")
    for words in summary.warnings:
        print(f"  note: {words}")
    print(summary.verdict)
    for words in summary.invalid_because:
        print(f"  {words}")


def _line(spread: Spread) -> str:
    if spread.p50 is None:
        return "nothing was answered"
    names = ("p50", "p90", "p95", "p99", "max")
    return "  ".join(f"{name} {getattr(spread, name):8.3f}" for name in names) + " ms"
