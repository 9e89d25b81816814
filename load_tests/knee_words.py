"""The table of the verb `knee` for a README. Pure."""

from collections.abc import Mapping
from typing import Any

from load_tests.config import Knee
from load_tests.document import Run
from load_tests.tables import grid, measured


def knee_words(document: Mapping[str, Any], settings: Knee, run: Run) -> str:
    """A Markdown table with what it rests on."""
    knee, beyond, second = document["knee_per_s"], document["beyond"], document["second"]
    rows = [["closed loop's ceiling", f"{document['ceiling_per_s']:.1f}"]]
    rows.append(["knee: held in three runs of twice the length", f"{knee:.1f}" if knee else document["words"]])
    if second:
        found = f"{second['knee_per_s']:.1f} ({second['apart']:.0%} apart)" if second["knee_per_s"] else second["words"]
        rows.append(["the knee by MLPerf's LoadGen", found])
    if beyond:
        rows.append([f"good answers in a burst of {beyond['offered_per_s']:.0f}/s", f"{beyond['goodput_per_s']:.1f}"])
    aim = ", ".join(f"{name} {limit:g}" for name, limit in run.objectives.items())
    words = f"`{settings.path}`, steps of {settings.duration:g} s or more; objectives: {aim}."
    if beyond:
        words += f" Normal again {beyond['recovery_s']:g} s after the burst."
    return f"{grid(['what', 'requests a second'], rows)}\n{words}\n{measured(run.machine, run.began)}"
