"""The study's page and its Markdown: the answer first, every figure with its runs, nothing from outside."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.sources import ROOT
from tests.unit.training.study.synthetic import Made, Truth, make, small_rules
from training.data.archives import DataError
from training.study.report.facts import collect
from training.study.report.words import three_sentences
from training.study.report.write import ANSWER_BEGIN, ANSWER_END, BEGIN, END, html, inserted, markdown, write_page
from training.study.rules import read_rules
from training.study.verdicts import answer, committed_answer

VOID = {"meta", "line", "polyline", "polygon", "circle", "br"}


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """Of made-up rows in which partial wins and majority harms."""
    made = make(Truth(lambda cell: (1.6, 2.5, 2.4, 2.0)[min(cell.depth, 3)], forgotten=lambda cell: 0.03 * cell.depth))
    return collect(answer(made, small_rules()), "make study-page")


class Balanced(HTMLParser):
    """Fails on a tag that is closed without being open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember it."""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It is the one that was opened last."""
        if tag not in VOID:
            assert tag == self.open.pop()


def test_the_page_is_whole_and_alone(facts: dict[str, Any]) -> None:
    """Tags are balanced; no script, no picture, no address, nothing that is not a number or a word."""
    page = html(facts)
    parser = Balanced()
    parser.feed(page)
    assert [] == parser.open
    assert not re.search(r"<script|<img|https?://|url\(|\bnan\b|None|Missing", page)


def test_the_verdict_comes_first(facts: dict[str, Any]) -> None:
    """The heading says the verdicts in words, before any plot."""
    page = html(facts)
    heading = page.index("<h1>")
    assert heading < page.index("<svg")
    assert re.search(r"Statements? .*(supported|refuted|undecided)", page[heading : heading + 200])


def test_plots_come_in_their_order(facts: dict[str, Any]) -> None:
    """Depth, buses, rates, gaps, pairs, families, similarity, reliability, path; each with what is behind it."""
    sections = re.findall(r'<section id="(\w+)"', html(facts))
    order = ["depth", "curve", "rates", "gaps", "pairs", "families", "cka", "reliability", "path"]
    assert order == [name for name in sections if name in order]
    assert "Networks behind each point, by depth: 0: 4" in html(facts)


def test_facts_are_plain(facts: dict[str, Any]) -> None:
    """Everything that the page says is JSON without nan, and the same for the same rows."""
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    line = facts["depth"]["line"]
    assert [0, 1, 2, 3, 4, 5] == [item["depth"] for item in line]
    assert all(item["low"] <= item["value"] <= item["high"] and item["runs"] == 4 for item in line)
    assert {"H1b", "H2a", "H2b", "H3c"} == facts["survives"][0]["cells"].keys()


def test_a_control_that_is_too_good_is_told(facts: dict[str, Any]) -> None:
    """A random network that finds buses is an alarm, on the page too."""
    made = make(Truth(lambda cell: 3.5 if cell.options == "weights=random" else 2.0))
    found = collect(answer(made, small_rules()), "make study-page")
    (random,) = [item for item in found["controls"] if item["options"] == "weights=random"]
    assert random["is_alarming"]
    assert "more than it should" in html(found)
    assert not [item for item in facts["controls"] if item["is_alarming"]]


def test_without_rows_the_page_says_so() -> None:
    """Every part that has no rows says it; there is no plot."""
    found = collect(answer(Made(), read_rules()), "make study-page")
    page = html(found)
    assert "no rows yet" in page
    assert page.count("No rows yet") > 8
    assert "<svg viewBox" not in page.replace('<svg viewBox="0 0 12 12"', "")
    assert "No rows yet" in markdown(found)


def test_the_document_keeps_what_is_around(facts: dict[str, Any], tmp_path: Path) -> None:
    """Only the text between the marks is replaced, twice to the same; a document without marks is refused."""
    document = tmp_path / "README.md"
    document.write_text(f"before\n{BEGIN}\nwhat was said\n{END}\nafter\n")
    once = inserted(document.read_text(), markdown(facts), document)
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert "what was said" not in once
    assert once == inserted(once, markdown(facts), document)
    with pytest.raises(DataError, match="Put them where"):
        inserted("nothing", markdown(facts), document)


def test_the_readme_gets_the_answer_alone(facts: dict[str, Any], tmp_path: Path) -> None:
    """A verdict and a sentence with numbers for each statement, and what the source knows; without rows it says so."""
    readme = tmp_path / "README.md"
    readme.write_text(f"question\n{ANSWER_BEGIN}\n{ANSWER_END}\nrest\n")
    write_page(answer(Made(), read_rules()), tmp_path / "page.html", readme=readme)
    assert "Not answered yet" in readme.read_text()
    said = three_sentences(facts)
    assert all(
        re.search(rf"^{number}\. \*\*(Supported|Refuted|Undecided)\.\*\* .*\d", said, re.M) for number in (1, 2, 3)
    )
    assert facts["source_says"] in said


def test_the_page_is_written_whole(tmp_path: Path) -> None:
    """`write_page` makes the file and the folder it lies in."""
    page = write_page(answer(Made(), read_rules()), tmp_path / "new" / "page.html")
    assert page.read_text().endswith("</html>\n")


@pytest.mark.long
def test_the_committed_page_is_what_the_rows_give() -> None:
    """training/README.md says what `make study-page` would write; the time of the rules' commit aside."""
    written = markdown(collect(committed_answer(), "make study-page"))
    shown = (ROOT / "training" / "README.md").read_text()
    assert [] == [line for line in written.splitlines() if line not in shown and not line.startswith("Rules committed")]
