"""Answer -> one HTML page that needs nothing else, and the same as Markdown between two marks of a document."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.data.archives import DataError
from training.report.svg import mark
from training.report.write import replace_file, template
from training.study.report import plots, rows_plots, words
from training.study.report.facts import collect
from training.study.report.tables import PRIMARY
from training.study.verdicts import Answer

BEGIN, END = "<!-- study: written by `make study-page` -->", "<!-- study: end -->"
PAGE_COMMAND = {"photographs": "make study-page", "drawn": "python -m training study"}


ANSWER_BEGIN, ANSWER_END = "<!-- answer: written by `make study-page` -->", "<!-- answer: end -->"


def write_page(found: Answer, page: Path, document: Path | None = None, readme: Path | None = None) -> Path:
    """Write the page, the Markdown into `document` and three sentences into `readme` where given. Returns the page.

    Raises DataError when a file lacks its two marks.
    """
    facts = collect(found, PAGE_COMMAND[found.world])
    page.parent.mkdir(parents=True, exist_ok=True)
    replace_file(page, html(facts))
    if document is not None:
        replace_file(document, inserted(document.read_text(encoding="utf-8"), markdown(facts), document))
    if readme is not None:
        marks = (ANSWER_BEGIN, ANSWER_END)
        text = inserted(readme.read_text(encoding="utf-8"), words.three_sentences(facts) + "\n", readme, marks)
        replace_file(readme, text)
    return page


def html(facts: Mapping[str, Any]) -> str:
    """The page."""
    drawn = {
        "depth": plots.depth_plots(facts),
        "curve": plots.curve_plots(facts),
        "rates": plots.rate_plots(facts),
        "gaps": plots.gap_plots(facts),
        "pairs": rows_plots.pair_plots(facts),
        "families": rows_plots.family_plots(facts),
        "reliability": rows_plots.reliability_plots(facts),
        "path": plots.path_plots(facts),
    }
    wide = int(bool(facts["depth"]["line"]))
    return template("study.html.j2").render(plots=drawn, wide=wide, **_said(facts)) + "\n"


def markdown(facts: Mapping[str, Any]) -> str:
    """The same figures as tables."""
    return template("study.md.j2").render(**_said(facts)).strip() + "\n"


def _said(facts: Mapping[str, Any]) -> dict[str, Any]:
    curve = facts["curves"][0]["arms"][0]["line"] if facts["curves"] else []
    arms = [item["runs"] for target in facts["depth"]["arms"] for line in target["lines"].values() for item in line]
    spread = f"{min(arms)}" if len(set(arms)) == 1 else f"{min(arms)} to {max(arms)}" if arms else ""
    by_target = f"; each arm on each target: {spread}" if arms else ""
    return {
        "f": facts,
        "headline": words.headline(facts),
        "method": words.method(facts),
        "commands": words.COMMANDS[facts["world"]],
        "primary": PRIMARY,
        "short": words.SHORT,
        "marks": [mark(number, (6, 6), "dot", 4.5) for number in range(len(facts["rules"]["arms"]))],
        "depth_runs": words.runs_by(facts["depth"]["line"], "depth") + by_target,
        "curve_runs": words.runs_by(curve, "buses"),
    }


def inserted(text: str, content: str, path: Path, marks: tuple[str, str] = (BEGIN, END)) -> str:
    """The document with the content between its two marks."""
    head, begin, rest = text.partition(marks[0])
    _, end, tail = rest.partition(marks[1])
    if not begin or not end:
        raise DataError(
            f"{path}: the lines {marks[0]!r} and {marks[1]!r} are not in it. Put them where the answer belongs."
        )
    return f"{head}{begin}\n\n{content}\n{end}{tail}"
