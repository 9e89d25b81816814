"""CARD.md: everything a person must know before using a model, from its manifest alone."""

import dataclasses
from pathlib import Path

import pytest
from pydantic import JsonValue

from contract.manifest import Manifest
from tests.unit.training.report_job import artifact, rows, scores
from training.card import card, figure
from training.recipes import RECIPES

CONTRAST = "**This source has seen the new class in pretraining.**"


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Depth 1, with forgetting, one test and one figure that cannot be measured."""
    tested = tuple(row for row in rows() if row.split == "test")
    return artifact(tmp_path, RECIPES["partial"], scores("drawn", "partial", tested)).manifest


def with_metrics(manifest: Manifest, **metrics: JsonValue) -> Manifest:
    """Some of the metrics replaced."""
    return manifest.model_copy(update={"metrics": {**manifest.metrics, **metrics}})


@pytest.mark.parametrize("seen", ["no", "yes", "unknown"])
def test_only_a_source_that_has_seen_the_class_is_called_a_contrast(manifest: Manifest, seen: str) -> None:
    """One sentence each, never two."""
    given = manifest.model_copy(update={"source": manifest.source.model_copy(update={"seen_new_class": seen})})
    text = card(given)
    sentences = {
        "yes": CONTRAST,
        "no": "without a single photograph labelled as the new class",
        "unknown": "is unknown.",
    }
    assert [seen] == [name for name, sentence in sentences.items() if sentence in text]


def test_forgetting_is_told_where_it_was_measured(manifest: Manifest) -> None:
    """Before, after, and on how many photographs; not a word without."""
    assert "0.500 before,\n0.400 after adaptation (400 photographs)" in card(manifest)
    without = {name: value for name, value in manifest.metrics.items() if name != "forgetting"}
    assert "Old classes" not in card(manifest.model_copy(update={"metrics": without}))


def test_the_card_has_every_section(manifest: Manifest) -> None:
    """Use and terms, data, figures, proof, failures; terms of the weights and of the source."""
    text = card(manifest)
    titles = [line for line in text.splitlines() if line.startswith("#")]
    sections = ["Use and terms", "Data", "Figures", "Proof and promises", "Known failures"]
    assert ["# partial, version 1", *(f"## {name}" for name in sections)] == titles
    for part in (
        "Invented.",
        "Source: none",
        "bus, car, truck, motorbike, other",
        "32 x 32",
        "0.6000",
        "depth\n1 of 5",
    ):
        assert part in text
    assert text.startswith("---\nlibrary_name: thaw\n")


def test_the_card_counts_what_stayed_frozen(manifest: Manifest) -> None:
    """As the manifest's own records say."""
    frozen = sum(record.frozen for record in manifest.tensors.values())
    assert f"{frozen} tensors of the backbone stayed byte for byte" in card(manifest)
    assert f", {len(manifest.tensors) - frozen} were thawed" in card(manifest)


def test_a_figure_without_data_is_not_a_zero(manifest: Manifest) -> None:
    """n/a in its row; a measured one with its interval."""
    text = card(manifest)
    assert "| bus -> truck | n/a |" in text
    assert "| bus -> car | 0.125 [0.050, 0.200] |" in text


def test_each_test_has_its_own_table(manifest: Manifest) -> None:
    """A heading, a rule, its rows: Markdown needs an empty line between two tables."""
    figures: JsonValue = {"AP": {"value": 0.5, "low": 0.4, "high": 0.6}}
    text = card(with_metrics(manifest, test={"street": figures, "phone": figures}))
    for name in ("street", "phone"):
        assert f"\n\n| {name} | |\n|---|---|\n| AP | 0.500 [0.400, 0.600] |\n\n" in text


def test_each_failure_is_a_line(manifest: Manifest) -> None:
    """And a model without known ones still has a card."""
    assert (
        "## Known failures\n\n- One.\n- Two.\n" in card(with_metrics(manifest, known_failures=["One.", "Two."])) + "\n"
    )
    assert "## Known failures\n" in card(manifest)


def test_no_blank_is_left_open(manifest: Manifest) -> None:
    """No template mark, no None, no Python."""
    text = card(with_metrics(manifest, known_failures=["One."]))
    assert not [mark for mark in ("{{", "{%", "None", "nan", "dict_", "\n\n\n\n") if mark in text]


def test_a_figure_reads_like_those_of_the_table() -> None:
    """Value, then interval."""
    assert "0.912 [0.895, 0.928]" == figure({"value": 0.9121, "low": 0.8951, "high": 0.9279})
    assert ["n/a", "n/a"] == [figure(None), figure({"value": None, "low": None, "high": None})]


def test_the_same_manifest_is_the_same_card(manifest: Manifest) -> None:
    """Nothing but the manifest is in it."""
    assert card(manifest) == card(Manifest.model_validate_json(manifest.to_json()))


def test_recipes_differ_in_depth_alone() -> None:
    """What the three cards compare is how deep was thawed."""
    plain = {dataclasses.replace(recipe, name="", depth=0) for recipe in RECIPES.values()}
    assert 1 == len(plain)
    assert [0, 1, 3] == [recipe.depth for recipe in RECIPES.values()]
