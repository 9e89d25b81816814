"""A measured table goes into the page that speaks of it, between two lines of comment."""

from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
UNMEASURED = "unmeasured"  # what a cell says that nobody has measured


def write_between(path: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end of name -->`. Raises RuntimeError without them."""
    first, last = f"<!-- {name} -->", f"<!-- end of {name} -->"
    page = path.read_text()
    head, begins, rest = page.partition(first)
    _, ends, tail = rest.partition(last)
    if not (begins and ends):
        raise RuntimeError(f"{path} has no lines {first} and {last}. Add them where the table should stand.")
    path.write_text(f"{head}{first}\n\n{text.strip()}\n\n{last}{tail}")


def markdown(rows: list[tuple[str, ...]]) -> str:
    """The first row is the head."""
    lines = [rows[0], tuple("---" for _ in rows[0]), *rows[1:]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
