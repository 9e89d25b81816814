"""The scripts that choose: what was tried for speed, and how photographs are decoded."""

from pathlib import Path

import numpy as np
import pytest

from serving.bench import decoders, steps
from serving.bench.altered import ALTERATIONS
from serving.bench.client import Measured
from serving.bench.document import write_between
from serving.bench.rounds import Round
from serving.engine import CPU
from serving.loading import load_models
from serving.settings import Settings
from tests.fakes import photograph, write_store


def a_round(rate: float, p99: float) -> Round:
    """A stretch on a quiet machine."""
    return Round(Measured(rate, p99 / 2, p99 / 2, p99, 0.1, {"200": 10}), 1.0, 0.0, 100.0, 1.0)


def test_the_default_is_first_and_last() -> None:
    """What it differs by from itself is the noise that a reader needs."""
    chosen = steps.steps(2)
    bare = [step for step in chosen if not (step.settings or step.altered or step.environment or step.preload)]
    assert [chosen[0], chosen[-1]] == bare
    assert len(chosen) == len({step.name for step in chosen})


def test_every_step_is_something_that_can_be_changed() -> None:
    """A setting that exists, or one of the alterations; and every alteration is measured."""
    chosen = steps.steps(2)
    assert set() == {name for step in chosen for name in step.settings} - {*Settings.model_fields}
    assert ALTERATIONS.keys() == {step.altered for step in chosen if step.altered}


def test_what_is_not_there_is_unmeasured() -> None:
    """A variant that the model has not, a library that the system has not: said, never left out silently."""
    chosen = {step.name: steps.why_not(step, ("float32", "fp16")) for step in steps.steps(2)}
    assert "the model has no int8" == chosen["int8"]
    assert "" == chosen["the default once more"]
    absent = steps.Step("x", preload="libnothing.so.9")
    assert "no libnothing.so.9 on this system" == steps.why_not(absent, ("float32",))


def test_steps_are_told_as_ratios_of_their_round() -> None:
    """A machine that was slow in one round was slow for both."""
    default, faster = [a_round(100, 0.02), a_round(50, 0.04)], [a_round(150, 0.01), a_round(75, 0.02)]
    text = steps.report({"default": default, "faster": faster, "int8": "the model has no int8"})
    assert "| default | 1.00 [1.00, 1.00] | 1.00 | 100 | 0 |" in text
    assert "| faster | 1.50 [1.50, 1.50] | 0.50 | 100 | 0 |" in text
    assert "| int8 | unmeasured (the model has no int8) |" in text


def test_a_table_goes_between_its_lines(tmp_path: Path) -> None:
    """And nothing else of the page moves; a page without the lines is refused."""
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- steps -->\nold\n<!-- end of steps -->\nafter\n")
    write_between(page, "steps", "| new |\n")
    assert "before\n<!-- steps -->\n\n| new |\n\n<!-- end of steps -->\nafter\n" == page.read_text()
    with pytest.raises(RuntimeError, match="has no lines <!-- decoders -->"):
        write_between(page, "decoders", "x")


@pytest.mark.parametrize(("page", "name"), [(steps.PAGE, "steps"), (decoders.PAGE, "decoders")])
def test_the_pages_have_the_lines(page: Path, name: str) -> None:
    """The tables have a place to go."""
    text = page.read_text()
    assert [1, 1] == [text.count(f"<!-- {name} -->"), text.count(f"<!-- end of {name} -->")]


def test_decoders_are_compared_with_a_whole_decode(tmp_path: Path) -> None:
    """Which differs by nothing from itself; a scaled one differs by a little, in pixels and in answers."""
    models = list(load_models(write_store(tmp_path), CPU, 64).one_each())
    found = decoders.compare([photograph(seed, 640, 480) for seed in range(3)], models, rounds=1)
    whole, scaled = (found[name] for name in list(decoders.WAYS)[:2])
    assert not isinstance(whole, str)
    assert not isinstance(scaled, str)
    assert (0.0, 0, {0.0}) == (whole.mean_off, whole.most_off, {*whole.moved.values()})
    assert 0 < scaled.mean_off < 2
    assert decoders.WAYS.keys() == found.keys()
    text = decoders.report(found, ["partial"])
    assert len(decoders.WAYS) + 2 == text.count("\n")


def test_a_decoder_that_is_not_installed_is_unmeasured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The table has its row, and why it is empty."""

    def absent() -> decoders.Decode:
        raise ImportError("no", name="simplejpeg")

    monkeypatch.setitem(decoders.WAYS, "simplejpeg, whole", absent)
    models = list(load_models(write_store(tmp_path), CPU, 64).one_each())
    found = decoders.compare([photograph(1, 640, 480)], models, rounds=1)
    assert "unmeasured (simplejpeg is not installed)" == found["simplejpeg, whole"]


def test_every_decoder_gives_upright_rgb_of_the_same_picture() -> None:
    """Those that are installed here: red stays red."""
    data = photograph(5, 640, 480)
    exact = decoders.resize(decoders.pillow_whole(data, 32), 32).astype(int)
    for name, make in decoders.WAYS.items():
        try:
            decode = make()
        except ImportError:
            continue
        if decode is not None:
            assert np.abs(decoders.resize(decode(data, 32), 32) - exact).max() < 16, name
