"""What every test shares: where it may run, and how many threads it takes."""

import importlib.util
import os
from pathlib import Path

from tests.sources import ROOT, imported_modules, tree

# Tests share the cores through xdist; libraries that take every core for themselves would only queue behind each
# other. Set before any of them is imported.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

HAS_TORCH = importlib.util.find_spec("torch") is not None


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Where torch is absent, files that import it or the trainer are left out; the header says so."""
    if HAS_TORCH or collection_path.suffix != ".py":
        return None
    roots = {name.partition(".")[0] for name in imported_modules(tree(collection_path.relative_to(ROOT)))}
    return True if roots & {"torch", "training"} else None


def pytest_report_header() -> str | None:
    """One line more when tests are left out."""
    return None if HAS_TORCH else "torch is not installed: the tests of training are left out"
