"""The page's samples are drawn, so they can be drawn again: `python -m tests.e2e.test_page_samples` does."""

import json
from typing import Any

import pytest

from tests.sources import ROOT
from training.drawn import draw, to_jpeg

FOLDER = ROOT / "serving" / "page" / "samples"
SAMPLES = json.loads((FOLDER / "samples.json").read_text())["samples"]


def redraw(sample: dict[str, Any]) -> bytes:
    """The JPEG file of a sample, from its record in samples.json."""
    made = sample["drawn"]
    return to_jpeg(draw(made["seed"], made["class"], made["index"], made["size"], made["style"]))


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample["name"] for sample in SAMPLES])
def test_a_sample_is_drawn_to_the_same_bytes(sample: dict[str, Any]) -> None:
    """The committed file is what the recorded seed, class and index give."""
    assert redraw(sample) == (FOLDER / sample["file"]).read_bytes(), "draw them again, look at them, and commit them"


if __name__ == "__main__":
    for each in SAMPLES:
        (FOLDER / each["file"]).write_bytes(redraw(each))
