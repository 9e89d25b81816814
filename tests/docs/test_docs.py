"""What the documents say exists, and what exists is in the documents."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.tables import PAGES, TRAINER_VARIABLES
from tests.sources import ROOT, text_files

DOCUMENTS = [path for path in text_files() if path.suffix == ".md"]
GUIDES = [path for path in DOCUMENTS if path.name in ("README.md", "CONTRIBUTING.md") or path.parts[0] == "docs"]
VERBS_OF = ("training", "serving", "load_tests")
FIRST_SCREEN = 30  # lines: who has to scroll for the first command has left
# Words of the places where this was written, which mean nothing to a reader; in pieces, so that this file passes too.
NOT_FOR_READERS = re.compile(
    "|".join((r"(?<![\w.-])/wo" + r"rk/", r"(?<![\w.-])/ro" + "ot/", r"\.libr" + "ary", r"\bsha" + "red/"))
)

PLAIN_HELP = os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "PYTHONPATH": str(ROOT)}


def commands(prefix: str) -> list[str]:
    """Every command of the guides' code that begins with `prefix`, comments cut off."""
    text = "\n".join((ROOT / path).read_text() for path in GUIDES)
    blocks = re.findall(r"(?ms)^```sh\n(.+?)^```", text)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.+?^```", "", text))
    lines = [line.partition(" #")[0].strip() for code in (*blocks, *spans) for line in code.splitlines()]
    return sorted({line for line in lines if line == prefix or line.startswith(prefix + " ")})


@pytest.mark.parametrize("name", PAGES)
def test_lists_are_what_the_code_knows(name: str) -> None:
    """Every setting, metric and refusal is in docs/, and nothing else is. Renew: python -m tests.docs.tables"""
    assert PAGES[name]() == (ROOT / name).read_text()


def test_every_variable_that_is_named_exists() -> None:
    """A THAW_ variable in a document or recipe is a setting of the server or one of the trainer's."""
    known = set(re.findall(r"THAW_[A-Z_]+", PAGES["docs/settings.md"]()))
    texts = ((ROOT / path).read_text() for path in (*DOCUMENTS, Path("Makefile")))
    assert set() == {name for text in texts for name in re.findall(r"THAW_[A-Z_]*[A-Z]", text)} - known


def test_the_trainer_reads_no_other_variable() -> None:
    """Variables of the trainer are the documented ones."""
    sources = (
        (ROOT / path).read_text() for path in text_files() if path.parts[0] == "training" and path.suffix == ".py"
    )
    assert set(TRAINER_VARIABLES) == {name for text in sources for name in re.findall(r"THAW_[A-Z_]+", text)}


def test_every_metric_that_is_named_exists() -> None:
    """A thaw_ name in a document is a metric of the server."""
    known = set(re.findall(r"`(thaw_\w+)`", PAGES["docs/metrics.md"]()))
    named = {name for path in DOCUMENTS for name in re.findall(r"\bthaw_\w+", (ROOT / path).read_text())}
    assert set() == named - known


def test_make_verbs_exist() -> None:
    """Each `make VERB ...` of the guides names verbs and variables of the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    verbs = set(re.findall(r"(?m)^([a-z-]+):", makefile))
    for command in commands("make"):
        for word in shlex.split(command)[1:]:
            name, is_variable, _ = word.partition("=")
            assert f"$({name})" in makefile if is_variable else name in verbs, command


def test_make_alone_prints_every_verb() -> None:
    """`make` lists each verb that may be called, with a sentence."""
    printed = subprocess.run(["make", "-C", ROOT], capture_output=True, text=True, check=True).stdout
    phony = re.findall(r"(?m)^\.PHONY: (.+)$", (ROOT / "Makefile").read_text())
    assert phony == re.findall(r"(?m)^make ([a-z-]+) +\w", printed)


@pytest.mark.parametrize("command", [word for room in VERBS_OF for word in commands(f"python -m {room}")])
def test_verbs_and_options_exist(command: str) -> None:
    """A command of the guides is understood: its verb has a help text, which names its options."""
    words = command.split()
    verb = [word for word in words[3:4] if not word.startswith("-")]
    asked = subprocess.run(
        [sys.executable, *words[1:3], *verb, "--help"], capture_output=True, text=True, cwd=ROOT, env=PLAIN_HELP
    )
    assert 0 == asked.returncode, asked.stderr
    for option in re.findall(r" (--[a-z-]+)", command):
        assert option in asked.stdout


def test_links_lead_to_files() -> None:
    """A relative link or picture names a file of the repository."""
    broken = [
        f"{path}: {target}"
        for path in DOCUMENTS
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / path).read_text())
        if not target.startswith(("http://", "https://")) and not (ROOT / path.parent / target).exists()
    ]
    assert [] == broken


def test_the_first_screen_has_the_commands() -> None:
    """README's first lines start the server and send it a photograph."""
    first = "\n".join((ROOT / "README.md").read_text().splitlines()[:FIRST_SCREEN])
    assert re.search(r"(?m)^make serve", first)
    assert re.search(r"(?m)^curl .*/predict", first)


def test_nothing_speaks_of_where_it_was_written() -> None:
    """No file names a folder of its makers' machines."""
    found = {
        f"{path}: {match.group()}"
        for path in text_files()
        for match in NOT_FOR_READERS.finditer((ROOT / path).read_text(errors="replace"))
    }
    assert set() == found
