"""The folder of a run: summary.json, requests.csv.gz, two histograms, report.html; and the lines on the terminal."""

import json
from pathlib import Path

from pydantic import ValidationError

from load_tests.document import Run, Spread, Summary
from load_tests.histogram import histogram, merged, write_hgrm
from load_tests.report.page import run_page
from load_tests.rows import OK, UNFINISHED, Table, read_rows, table
from load_tests.summary import as_json, summarise

SUMMARY, ROWS, CLOSED, PAGE = "summary.json", "requests.csv.gz", "closed.csv.gz", "report.html"


def judged(folder: Path, run: Run) -> Summary:
    """The summary of the rows that lie in a folder."""
    return summarise(table(read_rows(folder / ROWS)), run, closed_rows(folder, run))


def closed_rows(folder: Path, run: Run) -> Table | None:
    """Rows of the closed loop beside a run, where one was asked for."""
    beside = folder / CLOSED
    return table(read_rows(beside)) if run.closed_users and beside.is_file() else None


def read_summary(folder: Path) -> Summary:
    """What write_results wrote. Raises ValueError for another document, FileNotFoundError for none."""
    try:
        return Summary.model_validate_json((folder / SUMMARY).read_text())
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(
            f"{folder / SUMMARY}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}. "
            "It is of another version or no summary; run the test again."
        ) from error


def write_results(folder: Path, summary: Summary) -> None:
    """Everything of one run beside its rows. Histograms are made for each worker and added up."""
    rows = table(read_rows(folder / ROWS))
    window = rows.window(summary.run.warmup_s, summary.run.warmup_s + summary.run.duration_s)
    timed = window.where(window.among(OK, *UNFINISHED))
    for name in ("latency", "service"):
        write_hgrm(folder / f"{name}.hgrm", merged(histogram(part) for part in _by_worker(timed, f"{name}_ms")))
    (folder / PAGE).write_text(run_page(summary, rows, closed_rows(folder, summary.run)))
    (folder / SUMMARY).write_text(json.dumps(as_json(summary), indent=1) + "\n")


def _by_worker(rows: Table, column: str) -> list[object]:
    values = getattr(rows, column)
    return [values[rows.worker == worker] for worker in sorted(set(rows.worker.tolist()))]


def say(summary: Summary) -> None:
    """What a person wants to know first, on standard output."""
    run = summary.run
    asked = f"{run.rate:g}/s" if run.rate else f"{run.users} users" if run.users else "a trace"
    print(f"{run.verb} ({run.loop} loop) {run.host}{run.path}: {asked} for {run.duration_s:g} s")
    offered = f"{summary.offered_per_s:.1f}/s offered, " if summary.offered_per_s is not None else ""
    print(f"  {offered}{summary.achieved_per_s:.1f}/s sent, {summary.answered_per_s:.1f}/s answered rightly")
    kinds = "".join(f", {count} {kind}" for kind, count in summary.failures.items())
    parts = f"{summary.ok} ok + {summary.failed} failed + {summary.dropped} dropped + {summary.cut} cut"
    print(f"  {summary.sent} planned = {parts}{kinds}")
    for kind, words in summary.failure_words.items():
        print(f"  {kind:<9} {words}")
    if summary.valid:
        print(f"  from plan  {_line(summary.latency_ms)}")
        print(f"  from send  {_line(summary.service_ms)}")
        for name, spread in summary.stages_ms.items():
            print(f"  {name:<10} {_line(spread)}")
    if summary.closed_beside is not None:
        print(
            f"  closed     {_line(summary.closed_beside.latency_ms)}  ({summary.closed_beside.users} users, same rate)"
        )
    if summary.burst is not None:
        burst = summary.burst
        good = f"{burst.goodput_per_s:.1f}/s good, {burst.refused} refused"
        print(f"  burst      {burst.offered_per_s:.1f}/s offered, {good}")
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
