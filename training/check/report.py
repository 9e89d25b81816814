"""The verb `check`: look, find, and say it as a table or as JSON."""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from training.check.findings import Finding, find_all, find_pairs
from training.check.shortcuts import FEWEST, Shortcut, find_shortcuts, shortcut_findings
from training.data.archives import Container, DataError
from training.data.duplicates import join_groups
from training.data.label_sets import LabelMap, labels_of, read_label_map
from training.data.layouts import Given, Layout, read_layout
from training.data.photographs import Inspected
from training.split import read_split
from training.split_job import look

SHOWN = 20  # names of one finding in the table


@dataclass(frozen=True)
class Report:
    """What `check` found; `shortcuts` is empty where the new label is absent or too rare to measure."""

    layout: Layout
    new_label: str
    findings: list[Finding]
    shortcuts: list[Shortcut]

    @property
    def is_ok(self) -> bool:
        """No problem; notes do not count."""
        return not any(finding.is_problem for finding in self.findings)


def run_check(
    sources: list[Path],
    new_label: str = "bus",
    split: Path | None = None,
    labels: Path | None = None,
    as_json: bool = False,
) -> int:
    """Inspect a folder or zip (or several that make one). Returns 0 when it is fit to train on, 1 otherwise.

    split: a split file; its splits replace those of the folders, its hashes are compared. labels: a CSV word,labels.
    """
    try:
        report = check(Container(sources), new_label, split, read_label_map(labels) if labels else None)
    except DataError as error:
        if as_json:
            print(json.dumps({"ok": False, "error": str(error)}))
        else:
            print(f"error: {error}", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps(as_record(report), indent=2))
    else:
        print_report(report, Console())
    return 0 if report.is_ok else 1


def check(container: Container, new_label: str, split: Path | None = None, label_map: LabelMap | None = None) -> Report:
    """Look at every photograph and find what is wrong. Raises DataError when there is nothing to look at."""
    layout = read_layout(container)
    hashes: dict[str, str] = {}
    if split:
        listed = {row.path: row for row in read_split(split)}
        hashes = {path: row.sha256 for path, row in listed.items()}
        layout = _with_split(layout, {path: row.split for path, row in listed.items()})
    photographs = look([given.path for given in layout.photographs], container)
    pairs = find_pairs(photographs)
    findings = find_all(layout, photographs, pairs) + _changed(photographs, hashes)
    own = [given.group or given.path for given in layout.photographs]
    groups = join_groups(own, (*pairs.exact, *pairs.near))
    is_new = [new_label in labels_of(given.word, label_map) for given in layout.photographs]
    if not any(is_new):
        words = sorted({given.word for given in layout.photographs})
        known = ", ".join(words[:10])
        findings.append(
            Finding("no-new-class", True, 1, f"no photograph of {new_label!r}; classes: {known}", "Give --new-label.")
        )
    shortcuts = find_shortcuts(photographs, is_new, groups)
    return Report(layout, new_label, findings + shortcut_findings(shortcuts, new_label), shortcuts)


def as_record(report: Report) -> dict[str, Any]:
    """The report for machines."""
    given = report.layout.photographs
    return {
        "ok": report.is_ok,
        "layout": report.layout.kind,
        "photographs": len(given),
        "classes": dict(sorted(Counter(one.word for one in given).items())),
        "splits": dict(sorted(Counter(one.split for one in given if one.split).items())),
        "new_label": report.new_label,
        "findings": [asdict(finding) for finding in report.findings],
        "shortcuts": [asdict(shortcut) | {"is_telling": shortcut.is_telling} for shortcut in report.shortcuts],
    }


def print_report(report: Report, console: Console) -> None:
    """The report for people. File names are data: never read as markup."""
    console.print(escape(report.layout.describe()), highlight=False)
    table = Table(Column(), Column("count", justify="right"), Column("what", overflow="fold"), show_lines=True)
    for finding in report.findings:
        mark = "[red]problem[/]" if finding.is_problem else "note"
        lines = [f"[bold]{finding.kind}[/]: {escape(finding.what)}", f"[dim]{escape(finding.advice)}[/]"]
        lines += [f"  {escape(name)}" for name in finding.examples[:SHOWN]]
        hidden = len(finding.examples) - SHOWN
        lines += [f"  and {hidden:,} more; --json names all"] if hidden > 0 else []
        table.add_row(mark, f"{finding.count:,}", "\n".join(lines))
    if report.findings:
        console.print(table)
    _print_shortcuts(report, console)
    problems = sum(finding.is_problem for finding in report.findings)
    said = f"{problems} kind{'s' if problems > 1 else ''} of problem"
    console.print(f"[red]{said}[/]" if problems else "[green]fit to train on[/]")


def _print_shortcuts(report: Report, console: Console) -> None:
    if not report.shortcuts:
        console.print(
            f"shortcuts not measured: fewer than {FEWEST} groups of {report.new_label!r} or of the others",
            highlight=False,
        )
        return
    table = Table("what says nothing of the picture", "average precision", "chance stays under", "base rate")
    for shortcut in report.shortcuts:
        style = "red" if shortcut.is_telling else None
        numbers = (shortcut.average_precision, shortcut.chance, shortcut.base_rate)
        table.add_row(shortcut.fact, *(f"{number:.3f}" for number in numbers), style=style)
    console.print(table)


def _with_split(layout: Layout, splits: dict[str, str]) -> Layout:
    here = {given.path for given in layout.photographs}
    absent = tuple(Given(path, "(absent)", split) for path, split in splits.items() if path not in here)
    listed = tuple(replace(given, split=splits.get(given.path, "")) for given in layout.photographs)
    return replace(layout, photographs=listed + absent)


def _changed(photographs: Sequence[Inspected], hashes: dict[str, str]) -> list[Finding]:
    names = [p.path for p in photographs if p.sha256 and p.sha256 != hashes.get(p.path, p.sha256)]
    if not names:
        return []
    what = "photographs have another SHA-256 than the split says"
    return [Finding("changed", True, len(names), what, "Restore them, or make the split anew.", tuple(names))]
