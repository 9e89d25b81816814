"""The page's sentences that follow from its facts. None of them claims more than a verdict."""

from collections.abc import Mapping
from typing import Any

Facts = Mapping[str, Any]
SHORT = {
    "H1b": "partial minus frozen",
    "H2a": "partial minus frozen",
    "H2b": "partial minus majority",
    "H3c": "partial minus majority",
}
COMMANDS = {
    "photographs": (
        "python -m training study --size full --photographs DIR --sweep # the rates, on validation alone",
        "python -m training study --size full --photographs DIR         # the rows; continues where it stopped",
        "python -m training study --size full --keep                    # finished rows into the repository",
        "make verdicts                                                  # the answer as JSON, from the rows",
        "make study-page                                                # this page and its Markdown, from the rows",
        "make rows OUT=dir                                              # rows and every score as tables",
    ),
    "drawn": ("python -m training study # the rows, on drawn vehicles, and this page",),
}


def headline(facts: Facts) -> str:
    """The verdicts in one sentence."""
    words = {item["id"]: item["verdict"] for item in facts["statements"]}
    if set(words.values()) == {"undecided"}:
        return "How deep to thaw: not decided yet." if facts["rows"]["rows"] else "How deep to thaw: no rows yet."
    by_word = {word: [str(n) for n, found in words.items() if found == word] for word in words.values()}
    said = [f"{_and(numbers)} {'is' if len(numbers) == 1 else 'are'} {word}" for word, numbers in by_word.items()]
    return f"Statement{'s' * (len(next(iter(by_word.values()))) > 1)} {', '.join(said)}."


def three_sentences(facts: Facts) -> str:
    """The answer as a README says it: one paragraph for each statement, and what the source knows."""
    if not facts["rows"]["rows"]:
        return f"Not answered yet: the study has no rows. {facts['source_says']}"
    items = [f"{item['id']}. **{item['verdict'].capitalize()}.** {item['sentence']}" for item in facts["statements"]]
    rows = facts["rows"]
    counted = f"{rows['rows']:,} rows of {rows['networks']:,} networks"
    return "\n".join(
        [*items, "", f"{facts['source_says']} {counted}; intervals at {100 * facts['rules']['level']:g} %."]
    )


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def method(facts: Facts) -> list[str]:
    """How it was done and what it cannot say."""
    rules, rows = facts["rules"], facts["rows"]
    sources = rows["judged_sources"]
    lines = [
        "Each trial draws its photographs from a target's whole pool by group of near-duplicates, 500 of them buses, "
        "validation counted in, and is tested on the rest of the pool. Frozen stages are proved byte-identical.",
        "Careful: the head first, a rate for each depth from a sweep on validation, a fixed number of steps, batch "
        "norm on the source's statistics, weights averaged over the last steps. Naive: random head, one rate for all "
        "depths, 30 epochs, last weights.",
        f"Intervals: {rules['replicates']:,} replicates that draw sources, draws, seeds within draws and groups of "
        f"photographs anew; {rules['photograph_resamples']:,} resamples of photographs, shared by all runs. Holm over "
        "H1b, H2a, H3c.",
        "The rules were committed before the first row and name every margin; `docs/decisions/0010-study-rules.md` "
        "gives their reasons.",
    ]
    lines.append(
        f"Sources of the verdicts: {', '.join(sources)}. "
        + (
            "They are a random factor: the intervals speak of sources of this kind."
            if len(sources) > 1
            else "One source is one piece of luck: the intervals speak of this source alone."
        )
        if sources
        else "No row of a source that the verdicts count is there yet."
    )
    if facts["world"] == "photographs":
        lines += [
            "Not measured: similarity of the stages to the source (CKA) and test figures at each step, since neither "
            "can be had from stored scores. "
            "Two pseudo-targets stand in for ten: the source was not trained anew without other classes.",
            "Limits: a source of 198 classes, 13 of them vehicles, is not one of 1,000 vehicle classes; a small "
            "network at 64 and 96 pixels is not a large one; two collections of buses are not all buses.",
            "Data: street-tiles, tiny-imagenet-bus and phone-city allow research and evaluation; no photograph of "
            "theirs is here. The most confident mistakes are therefore not shown; `make rows` names them by group "
            "and score.",
        ]
    else:
        lines.append("Limits: drawn vehicles are regular; they test the mechanism and never replace photographs.")
    return lines


def runs_by(items: list[Mapping[str, Any]], key: str) -> str:
    """`0: 10, 1: 10`: networks behind each point."""
    return ", ".join(f"{item[key]:,}: {item['runs']}" for item in items)
