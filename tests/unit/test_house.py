"""The rules of the house: who may import whom, and how large a thing may grow."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Set
from functools import cache
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.sources import ROOMS, ROOT, imported_modules, python_files, tree

MOST_FILE_LINES = 299
MOST_FUNCTION_LINES = 40
# What each room must not import, as the start of a module's name.
FORBIDDEN = {
    "contract": ("training", "serving", "load_tests", "tests"),
    "training": ("serving", "load_tests", "tests"),
    "serving": ("training", "load_tests", "tests", "torch"),
    "load_tests": ("contract", "training", "serving", "tests"),
}
TORCH_ALLOWED = "serving/torchserve/"
# The extras of pyproject.toml that a room may count on.
PROFILES = {
    "contract": (),
    "training": ("train", "contrast", "timm", "ray"),
    "serving": ("server", "serve-cpu", "torchserve", "otel", "bench"),
    "load_tests": ("load", "second-look"),
    "tests": ("server", "serve-cpu", "otel", "train", "ray", "load", "test", "tools"),
}
IMPORTED_AS = {
    "ts": "torchserve",
    "mlperf_loadgen": "mlcommons-loadgen",
    "cv2": "opencv-python-headless",
}  # of environments that the tests do not run in
CONTRACT_MAY_IMPORT = {"contract", "numpy", "PIL", "pydantic"} | sys.stdlib_module_names


def breaches(path: Path, node: ast.AST) -> list[str]:
    """Forbidden imports below a node of the file, as sentences."""
    room = path.parts[0]
    forbidden = FORBIDDEN.get(room, ())
    if path.as_posix().startswith(TORCH_ALLOWED):
        forbidden = tuple(name for name in forbidden if name != "torch")
    roots = {name.partition(".")[0] for name in imported_modules(node)}
    bad = roots & set(forbidden)
    if room == "contract":
        bad |= roots - CONTRACT_MAY_IMPORT
    return [f"{path} imports {root}" for root in sorted(bad)]


def test_imports_go_one_way() -> None:
    """training -> contract <- serving; contract knows numpy, pillow, pydantic; only the trainer knows torch."""
    assert [] == [breach for path in python_files() for breach in breaches(path, tree(path))]


def test_a_lazy_or_dynamic_import_is_seen() -> None:
    """An import inside a function, or by name, counts like any other."""
    lazy = "def f():\n    from training.fit import fit\n"
    dynamic = "import importlib\nimportlib.import_module('torch.nn')\n"
    for source, expected in ((lazy, "training"), (dynamic, "torch")):
        assert [f"serving/x.py imports {expected}"] == breaches(Path("serving/x.py"), ast.parse(source))


def test_no_import_cycle() -> None:
    """Modules can be ordered so that each imports only earlier ones, when it is loaded."""
    modules = {module_name(path): path for path in python_files("contract", "training", "serving", "load_tests")}
    graph = {name: loaded_imports(tree(path), modules.keys()) - {name} for name, path in modules.items()}
    assert len(modules) == len(list(TopologicalSorter(graph).static_order()))


def test_files_are_small() -> None:
    """A file has one job, and under 300 lines."""
    page = [path.relative_to(ROOT) for kind in ("js", "css", "html") for path in ROOT.glob(f"serving/**/*.{kind}")]
    lengths = {path: (ROOT / path).read_bytes().count(b"\n") for path in (*python_files(), *page)}
    assert {} == {str(path): lines for path, lines in lengths.items() if lines > MOST_FILE_LINES}


def test_functions_are_small() -> None:
    """A function has at most 40 lines, its words included."""
    lengths = {
        f"{path}: {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for path in python_files()
        for function in functions(tree(path))
    }
    assert {} == {name: lines for name, lines in lengths.items() if lines > MOST_FUNCTION_LINES}


def test_every_test_states_a_fact() -> None:
    """A test without a docstring says only its name when it fails."""
    tests = [(path, function) for path in python_files("tests") for function in functions(tree(path))]
    silent = [
        f"{path}: {test.name}" for path, test in tests if test.name.startswith("test_") and not ast.get_docstring(test)
    ]
    assert [] == silent


def test_every_room_is_checked() -> None:
    """A folder with Python in it is one of the rooms that these tests read."""
    found = {path.parent.name for path in ROOT.glob("[a-z]*/*.py")}
    assert set() == found - set(ROOMS) - {"build"}


@pytest.mark.parametrize("room", PROFILES)
def test_imports_are_declared(room: str) -> None:
    """What a room imports from others is named in pyproject.toml, not only brought along by something that is."""
    profiles = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    base = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    named = [*base, *(requirement for profile in PROFILES[room] for requirement in profiles[profile])]
    declared = {re.split(r"[\[=; ]", requirement)[0].lower() for requirement in named}
    roots = {name.partition(".")[0] for path in python_files(room) for name in imported_modules(tree(path))}
    others = roots - sys.stdlib_module_names - set(ROOMS)
    assert set() == {root for root in others if distribution(root) not in declared}


@cache
def packages() -> Mapping[str, list[str]]:
    """Module -> distributions; reading what is installed takes a second."""
    return packages_distributions()


def distribution(root: str) -> str:
    """PIL -> pillow: the package that an import comes from; itself where it is not installed."""
    return packages().get(root, [IMPORTED_AS.get(root, root)])[0].lower().replace("_", "-")


def functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, methods and inner ones too."""
    return (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def module_name(path: Path) -> str:
    """contract/pixels.py -> contract.pixels"""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def loaded_imports(module: ast.Module, ours: Set[str]) -> set[str]:
    """Our modules that a file imports when it is loaded: not inside functions, not for type checkers alone."""
    statements = [node for node in module.body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    loaded = [imported_modules(node) for node in statements if "TYPE_CHECKING" not in ast.unparse(node)]
    found = set().union(*loaded) & ours
    # `from package import module` wants the module; the package is only where it lies.
    return {name for name in found if not any(other.startswith(name + ".") for other in found)}
