"""Feature by feature beside others: docs/features/*.csv, the page made of them, and the tests that ours rest on.

`python -m tests.docs.features [JUNIT.xml ...]` says which named tests do not exist and, where reports of a run are
given, which of them did not pass in it. Nothing to say: exit code 0.
"""

import ast
import csv
import itertools
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from tests.sources import ROOT, python_files, tree

FOLDER = ROOT / "docs/features"
ANSWERS = ("yes", "partly", "no")
Row = dict[str, str]
COLUMNS = {
    "servers": {
        "torchserve": "TorchServe",
        "triton": "Triton",
        "kserve": "KServe",
        "ray": "Ray Serve",
        "bentoml": "BentoML",
        "litserve": "LitServe",
        "mlserver": "MLServer",
        "ovms": "OpenVINO",
    },
    "charts": {"torchserve": "TorchServe", "triton": "Triton", "vllm": "vLLM"},
}
HEAD = """# Beside others, feature by feature

What is said of ours rests on the named tests: a test fails when one of them does not exist, and `make features` when
one of them did not pass in the run whose reports it is given. The rows are in docs/features/.
"""
SERVERS_HEAD = """
## The server beside other model servers

November 2026. **m**: measured, driven with the same photographs on two cores. **s**: read in the installed release or
its `--help`. No mark: from the project's documentation or the issue that is named. **?**: not established. *own*: its
user writes it. TorchServe 0.12.0, Triton as in PyTriton 0.7.0, KServe 0.16 to 0.20 with a common runtime, Ray Serve
2.60.0, BentoML 1.4.39, LitServe 0.2.19, MLServer 1.7.1, OpenVINO Model Server by its documentation of 2024 and 2025.
"""
CHARTS_HEAD = """
## The chart beside other charts

Read in the templates of TorchServe (`kubernetes/Helm`), Triton (`deploy/k8s-onprem`) and vLLM (production-stack's
engine), November 2026. **f**: a file for it exists, its content was not read. **?**: not read. No cluster was at hand:
of ours is tested what is rendered, what Kubernetes' schemas say of it, and what runs of it in plain containers.
"""


def rows(name: str) -> list[Row]:
    """Of one table, in order."""
    with (FOLDER / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def named_tests() -> set[str]:
    """Every node id that a row rests on."""
    return {test for name in COLUMNS for row in rows(name) for test in row["tests"].split()}


def written_tests() -> set[str]:
    """Node ids of all test functions, without parameters; nothing is imported."""
    files = [path for path in python_files("tests") if path.name.startswith("test_")]
    return {
        f"{path.as_posix()}::{node.name}"
        for path in files
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def features_page() -> str:
    """docs/features.md."""
    parts = [HEAD]
    for name, head in (("servers", SERVERS_HEAD), ("charts", CHARTS_HEAD)):
        numbered = list(enumerate(rows(name), 1))
        counts = [sum(row["ours"] == answer for _, row in numbered) for answer in ANSWERS]
        parts.append(head + "\nOurs: {} yes, {} partly, {} no.\n".format(*counts))
        for group, members in itertools.groupby(numbered, lambda pair: pair[1]["group"]):
            parts.append(f"\n### {group[0].upper()}{group[1:]}\n" if group else "")
            parts.append(_table(COLUMNS[name], members))
    return "".join(parts)


def _table(others: dict[str, str], members: Iterable[tuple[int, Row]]) -> str:
    head = ("", "feature", "**ours**", "test", *others.values())
    lines = [
        (
            str(number),
            row["feature"],
            f"**{row['ours']}**" + (f": {row['words']}" if row["words"] else ""),
            "<br>".join(_link(test) for test in row["tests"].split()),
            *(row[other] for other in others),
        )
        for number, row in members
    ]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in (head, tuple("---" for _ in head), *lines))


def _link(test: str) -> str:
    path, _, function = test.partition("::")
    return f"[`{function}`](../{path})"


def not_collected() -> set[str]:
    """Named tests that pytest does not find: neither their file nor a skip at import may hide one."""
    files = sorted({test.partition("::")[0] for test in named_tests()})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-m", "", *files]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return named_tests() - {line.partition("[")[0].strip() for line in found.splitlines()}


def not_passed(reports: Iterable[Path]) -> dict[str, str]:
    """Named tests -> what became of them in the JUnit reports of a run, where it was not passing. Raises OSError."""
    seen: dict[str, set[str]] = {}
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):  # written by our own run
            path = case.get("classname", "").replace(".", "/")
            test = f"{path}.py::{case.get('name', '').partition('[')[0]}"
            bad = {child.tag for child in case if child.tag in ("skipped", "failure", "error")}
            seen.setdefault(test, set()).update(bad)
    fates = {test: ", ".join(sorted(seen[test])) if test in seen else "not run" for test in sorted(named_tests())}
    return {test: fate for test, fate in fates.items() if fate}


def main(reports: list[str]) -> int:
    """Exit code; every complaint is a line on stderr."""
    complaints = [f"{test}: pytest does not find it" for test in sorted(not_collected())]
    if reports:
        complaints += [f"{test}: {why}" for test, why in not_passed(Path(each) for each in reports).items()]
    for complaint in complaints:
        print(f"{complaint}. docs/features/ names it; correct the row or the test.", file=sys.stderr)
    return int(bool(complaints))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
