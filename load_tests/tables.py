"""Markdown tables of what was measured, and where each stands in a document: between markers with its name."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

Facts = Mapping[str, str | int | float | None]


def grid(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |\n" for line in lines)


def measured(machine: Facts, began: float) -> str:
    """When and where: without them a figure means nothing."""
    day = datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%d")
    return f"Measured {day}, {machine.get('processor')}, {machine.get('cores')} cores, {machine.get('system')}."


def place(document: Path, name: str) -> tuple[str, str]:
    """What stands before and behind the table of that name. Raises ValueError where the markers are not there."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    text = document.read_text()
    if text.count(begin) != 1 or end not in text.partition(begin)[2]:
        raise ValueError(f"{document} has no lines {begin.strip()} and {end}. Write them where the table shall stand.")
    before, _, rest = text.partition(begin)
    return before + begin, rest[rest.index(end) :]


def put(document: Path, name: str, text: str) -> None:
    """Write a table anew where the last one stood."""
    before, behind = place(document, name)
    document.write_text(f"{before}\n{text.strip()}\n\n{behind}")
