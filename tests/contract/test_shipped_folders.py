"""What a shipped store says of itself: words, terms, sources, aliases; and no trace of the machine that made it."""

import re
from pathlib import Path

import numpy as np
import onnx
import pytest

from contract.aliases import read_aliases
from contract.artifact import CARD, MODEL, list_versions, read_artifact
from contract.golden import compare
from contract.pixels import to_input
from tests.sources import ROOT
from training.data.tiny_imagenet import BUS_CLASSES
from training.drawn import bus_classes
from training.export import open_session
from training.sources import lite
from training.sources.read import read_source

STORE = ROOT / "model_store"
STORES = [store for store in (STORE, STORE / "drawn") if store.is_dir()]
FOLDERS = [
    store / name / str(version)
    for store in STORES
    for name, versions in list_versions(store).items()
    for version in versions
]
SOURCES = sorted((STORE / "source").glob("*"))
MACHINE_PATH = re.compile(rb"/(?:work|root|home|tmp|Users|mnt)/[\w.-]+")
MOST_BYTES = 60_000_000  # of everything that ships

each_model = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(STORE).as_posix())


@each_model
def test_it_says_what_it_is_for(folder: Path) -> None:
    """Labels, terms of the weights and of the source, and whether buses were seen, on the card as in the manifest."""
    manifest, card = read_artifact(folder).manifest, (folder / CARD).read_text()
    assert ("bus", "car", "truck", "motorbike", "other") == manifest.labels
    assert ("bus",) == manifest.new_labels
    for text in (manifest.terms, manifest.source.terms, ", ".join(manifest.labels), f"version {manifest.version}"):
        assert text
        assert text in card
    assert ("proves\nnothing" in card) == (manifest.source.seen_new_class == "yes")
    assert (manifest.name == "contrast") == (manifest.source.seen_new_class == "yes")
    assert manifest.metrics["test"]
    assert manifest.metrics["known_failures"]


@each_model
def test_its_source_is_in_the_store(folder: Path) -> None:
    """Or in the package that it names: found by its name, with its hash, of its shape."""
    manifest = read_artifact(folder).manifest
    if manifest.source.name == lite.NAME:
        pytest.importorskip("efficientnet_lite_pytorch", reason="the extra `contrast` is not installed")
    source = read_source(manifest.source.name, manifest.input.size)
    assert source.sha256 == manifest.source.sha256
    assert source.facts.architecture == manifest.architecture
    found = (source.facts.seen_new_class, source.facts.terms, len(source.facts.classes))
    assert found == (manifest.source.seen_new_class, manifest.source.terms, manifest.source.classes)


@each_model
def test_one_photograph_alone_is_answered_like_eight_together(folder: Path) -> None:
    """At any batch the goldens hold; and they are not all answered alike."""
    artifact = read_artifact(folder)
    rule, golden = artifact.manifest.input, artifact.golden()
    images = [to_input(data, rule.size, rule.resize).rgb[None] for data in golden.photographs]
    session = open_session(artifact.model_path().read_bytes())
    alone = np.concatenate([session.run(["probabilities"], {"images": image})[0] for image in images])
    assert compare(golden, alone) is None
    assert (8, len(artifact.manifest.labels)) == alone.shape
    assert np.ptp(alone[:, 0]) > 0.1


@each_model
def test_batch_norm_is_unfused(folder: Path) -> None:
    """So that the tensors in the graph are the source's own; the runtime fuses when it loads."""
    kinds = [node.op_type for node in onnx.load(folder / MODEL).graph.node]
    tensors = read_artifact(folder).manifest.tensors
    assert sum(name.endswith("running_mean") for name in tensors) == kinds.count("BatchNormalization")


@each_model
def test_no_file_knows_the_machine_it_was_made_on(folder: Path) -> None:
    """Neither in JSON nor inside the graph; and nothing is there that the manifest does not name."""
    found = {path.name: MACHINE_PATH.findall(path.read_bytes()) for path in folder.iterdir()}
    assert {} == {name: paths for name, paths in found.items() if paths}
    assert {"manifest.json", *read_artifact(folder).manifest.files} == found.keys()


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_aliases_lead_somewhere(store: Path) -> None:
    """`stable` is there when models are, and is one that answers the question."""
    versions, aliases = list_versions(store), read_aliases(store)
    assert bool(versions) == ("stable" in aliases)
    assert all(int(alias.version) in versions[alias.model] for alias in aliases.values())
    assert all(alias.model != "contrast" for alias in aliases.values())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_stored_source_says_what_it_is(path: Path) -> None:
    """Ours, without buses, with its old head, its terms and how it was made; no path of a machine."""
    source = read_source(path.stem, 64)
    assert (".safetensors", path.stem) == (path.suffix, source.facts.name)
    assert "no" == source.facts.seen_new_class
    assert source.facts.terms
    assert source.facts.training
    assert source.head
    assert len(source.facts.classes) == len(source.head[1])
    assert not set(source.facts.classes) & {*BUS_CLASSES, *bus_classes()}
    assert [] == MACHINE_PATH.findall(path.read_bytes())


def test_the_store_is_small() -> None:
    """A clone takes seconds."""
    sizes = {str(path.relative_to(STORE)): path.stat().st_size for path in STORE.rglob("*") if path.is_file()}
    assert MOST_BYTES > sum(sizes.values()), sizes
