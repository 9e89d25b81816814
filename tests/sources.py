"""Our own files, and what they import: read by the house tests and the documentation tests."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("contract", "training", "serving", "load_tests", "tests")
_NOT_OURS = ("runs", "reports", "build", "dist")  # beside everything hidden: what verbs make


def python_files(*rooms: str) -> list[Path]:
    """Every .py file of the rooms, relative to the repository."""
    return [path.relative_to(ROOT) for room in rooms or ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def text_files() -> Iterator[Path]:
    """Every file of the repository that is text, relative to it; environments, caches and results left out."""
    for path in sorted(ROOT.rglob("*")):
        relative = path.relative_to(ROOT)
        top = relative.parts[0]
        hidden = top.startswith(".") and top not in (".ci", ".github", ".gitignore")
        if hidden or top in _NOT_OURS or top.endswith(".egg-info") or "__pycache__" in relative.parts:
            continue
        if path.is_file() and b"\0" not in path.read_bytes()[:1024]:
            yield relative


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file given relative to the repository."""
    return ast.parse((ROOT / path).read_bytes())


def imported_modules(node: ast.AST) -> set[str]:
    """Full names of all modules imported anywhere below a node: lazily and by `import_module("...")` too."""
    names: set[str] = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            names |= {alias.name for alias in child.names}
        elif isinstance(child, ast.ImportFrom) and not child.level and child.module:
            names |= {child.module} | {f"{child.module}.{alias.name}" for alias in child.names}
        elif isinstance(child, ast.Call) and ast.unparse(child.func).endswith(("import_module", "__import__")):
            names |= {arg.value for arg in child.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    return names
