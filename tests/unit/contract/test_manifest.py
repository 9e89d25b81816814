"""The manifest refuses what it does not know and what contradicts itself."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from contract.manifest import REFUSED_NAMES, Manifest, TensorRecord
from contract.pixels import ShortCrop
from tests.fakes import manifest

ONE, TWO = "1" * 64, "2" * 64
OPTIONAL = ("schema_version", "variants")


def changed(**fields: Any) -> Manifest:  # noqa: ANN401 - any field, right or wrong
    """A valid manifest with other fields, validated again."""
    return Manifest.model_validate(manifest("partial").model_dump() | fields)


def test_a_manifest_survives_its_own_json() -> None:
    """Written and read back it is equal, and its JSON is the same bytes."""
    records = {"conv1.weight": TensorRecord(before=ONE, after=ONE, frozen=True)}
    written = changed(tensors=records, metrics={"test": {"AP": 0.5, "none": None}}, training={"rates": [0.1, 0.2]})
    again = Manifest.model_validate_json(written.to_json())
    assert written == again
    assert written.to_json() == again.to_json()


def test_the_json_is_plain() -> None:
    """Anybody reads it: tuples are lists, keys keep the order of the class, numbers keep every digit."""
    content = json.loads(changed(temperature=1.0 / 3).to_json())
    assert list(Manifest.model_fields) == list(content)
    assert (1.0 / 3, ["bus", "car", "truck", "motorbike", "other"]) == (content["temperature"], content["labels"])


@pytest.mark.parametrize("place", [(), ("source",), ("input",), ("input", "resize"), ("decision",), ("parity",)])
def test_an_unknown_field_is_refused_at_every_depth(place: tuple[str, ...]) -> None:
    """A word that nobody reads is a mistake, not a comment."""
    content: dict[str, Any] = manifest("partial").model_dump()
    inner = content
    for key in place:
        inner = inner[key]
    inner["extra"] = 1
    with pytest.raises(ValidationError, match="extra"):
        Manifest.model_validate(content)


@pytest.mark.parametrize("field", [name for name in Manifest.model_fields if name not in OPTIONAL])
def test_every_field_is_required(field: str) -> None:
    """Nothing is filled in silently: no version but the schema's own, and no variant means none."""
    content = manifest("partial").model_dump()
    del content[field]
    with pytest.raises(ValidationError, match=field):
        Manifest.model_validate(content)


@pytest.mark.parametrize("version", [0, 3, "1.0"])
def test_another_schema_is_refused(version: object) -> None:
    """A manifest of tomorrow is not half understood."""
    with pytest.raises(ValidationError, match="schema_version"):
        changed(schema_version=version)


@pytest.mark.parametrize("name", [*REFUSED_NAMES, "", "Partial", "a/b", "..", "-x", "x" * 64, "bus model"])
def test_a_name_is_a_folder_and_no_more(name: str) -> None:
    """Lower case, digits, hyphens; not the store's own folders."""
    with pytest.raises(ValidationError):
        changed(name=name)


@pytest.mark.parametrize("version", ["0", "01", "-1", "1.0", "v1", "", "1" * 10])
def test_a_version_is_a_positive_whole_number(version: str) -> None:
    """It is a folder's name too, so it has one spelling."""
    with pytest.raises(ValidationError, match="version"):
        changed(version=version)


@pytest.mark.parametrize(
    ("labels", "new", "word"),
    [
        (("bus", "car", "bus"), ("bus",), "repeat"),
        (("car", "truck"), ("bus",), "bus"),
        (("bus",), ("bus",), "labels"),
        (("bus", "car"), (), "new_labels"),
        (("bus", "car"), ("bus", "tram"), "tram"),
    ],
)
def test_labels_agree(labels: tuple[str, ...], new: tuple[str, ...], word: str) -> None:
    """At least two, no two alike, the new one and the decided one among them."""
    with pytest.raises(ValidationError, match=word):
        changed(labels=labels, new_labels=new)


def test_the_decision_is_about_a_known_label() -> None:
    """A threshold on a label that the graph does not give means nothing."""
    with pytest.raises(ValidationError, match="tram"):
        changed(decision={"label": "tram", "threshold": 0.5, "at_fpr": 0.01})


@pytest.mark.parametrize("threshold", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_threshold_is_a_probability(threshold: float) -> None:
    """Between 0 and 1, both allowed; NaN is neither."""
    with pytest.raises(ValidationError, match="threshold"):
        changed(decision={"label": "bus", "threshold": threshold, "at_fpr": 0.01})
    assert [0.0, 1.0] == [
        changed(decision={"label": "bus", "threshold": edge, "at_fpr": 0.01}).decision.threshold for edge in (0, 1)
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("decision", {"label": "bus", "threshold": 0.5, "at_fpr": 0.0}),
        ("decision", {"label": "bus", "threshold": 0.5, "at_fpr": 1.0}),
        ("temperature", 0.0),
        ("temperature", float("nan")),
        ("depth", -1),
        ("depth", 6),
        ("input", {"size": 7, "resize": {"rule": "stretch"}}),
        ("input", {"size": 1025, "resize": {"rule": "stretch"}}),
        ("input", {"size": 32, "resize": {"rule": "pad"}}),
    ],
)
def test_numbers_have_bounds(field: str, value: object) -> None:
    """What no artifact can mean is refused when it is written."""
    with pytest.raises(ValidationError, match=field):
        changed(**{field: value})


def test_a_frozen_tensor_must_not_have_changed() -> None:
    """The manifest itself refuses the claim, whoever wrote it; a thawed one may change."""
    moved = {"layer1.0.bn1.running_mean": {"before": ONE, "after": TWO, "frozen": True}}
    with pytest.raises(ValidationError, match=r"layer1\.0\.bn1\.running_mean"):
        changed(tensors=moved)
    assert changed(tensors={"fc": {"before": ONE, "after": TWO, "frozen": False}}).tensors["fc"].after == TWO


@pytest.mark.parametrize("digest", ["", "1" * 63, "A" * 64, "g" * 64])
def test_a_hash_is_64_hex_digits(digest: str) -> None:
    """Lower case, so that comparing text compares hashes."""
    with pytest.raises(ValidationError, match="before"):
        changed(tensors={"x": {"before": digest, "after": ONE, "frozen": False}})


def test_a_manifest_cannot_be_changed() -> None:
    """It is a record."""
    with pytest.raises(ValidationError, match="frozen"):
        manifest("partial").depth = 3


def test_either_resize_rule_is_kept() -> None:
    """A source that wants another rule gets it, with its numbers."""
    rule = ShortCrop(short=256, interpolation="bilinear")
    described = changed(input={"size": 224, "resize": rule.model_dump()})
    assert rule == Manifest.model_validate_json(described.to_json()).input.resize
