"""Lighter graphs are served only where they are asked for, and only when their own goldens hold."""

import re
from pathlib import Path

import pytest

from contract.aliases import Alias, write_aliases
from contract.artifact import Artifact, read_artifact
from contract.errors import ArtifactError
from serving.engine import CPU
from serving.errors import StartError
from serving.loading import EVERYDAY, Source, load_models, prove, renew
from serving.offline import check
from serving.settings import Settings, load_settings
from serving.store import Refused, load_model
from tests.fakes import RECIPES, accepted_variant, write_model


@pytest.fixture
def both(tmp_path: Path) -> Artifact:
    """partial/1 as float32, int8 and fp16."""
    return write_model(tmp_path, "partial", lighter=("int8", "fp16"))


def with_tolerance(artifact: Artifact, tolerance: float) -> Artifact:
    """The same files, int8's goldens held to another tolerance."""
    record = accepted_variant(0.0).model_copy(update={"tolerance": tolerance})
    variants = artifact.manifest.variants | {"int8": record}
    return Artifact(artifact.folder, artifact.manifest.model_copy(update={"variants": variants}))


def test_float32_answers_unless_told(both: Artifact) -> None:
    """A version that has lighter graphs is served as torch had it."""
    models = load_models(both.folder.parents[1], CPU, 4)
    assert ["float32"] == [model.variant for model in models.all()]
    assert "float32" == Settings().variant


@pytest.mark.parametrize(
    ("wanted", "expected"), [(("int8",), "int8"), (("fp16", "float32"), "fp16"), (("float32", "int8"), "float32")]
)
def test_the_first_that_is_there_answers(both: Artifact, wanted: tuple[str, ...], expected: str) -> None:
    """The graph differs: so do the answers, a little."""
    model = load_model(both, CPU, 4, wanted)
    assert expected == model.variant
    images = model.prepare(both.golden().photographs[0]).rgb[None]
    found = model.infer(images).probabilities
    exact = load_model(both, CPU, 4).infer(images).probabilities
    assert (expected == "float32") == (found == exact).all()


def test_a_version_without_it_stops_the_start(tmp_path: Path) -> None:
    """Whatever else the store holds: the sentence names what there is and what to set."""
    write_model(tmp_path, "partial", lighter=("int8",))
    write_model(tmp_path, "contrast")
    with pytest.raises(ArtifactError) as raised:
        load_models(tmp_path, CPU, 4, variants=("int8",))
    words = "has no variant int8; it has float32. Set THAW_VARIANT to one of these"
    assert words in str(raised.value)
    assert "contrast/1" in str(raised.value)
    assert "int8,float32" in str(raised.value)


def test_a_preference_serves_a_mixed_store(tmp_path: Path) -> None:
    """Each version as the first that it has, said of each."""
    write_model(tmp_path, "partial", lighter=("int8",))
    write_model(tmp_path, "contrast")
    models = load_models(tmp_path, CPU, 4, variants=("int8", "float32"))
    assert {"contrast": "float32", "partial": "int8"} == {m.manifest.name: m.variant for m in models.all()}


def test_a_new_version_without_it_is_refused_and_the_old_one_answers(tmp_path: Path) -> None:
    """At run time as at a start: nothing else is served in its stead."""
    write_model(tmp_path, "partial", lighter=("int8",))
    source = Source(tmp_path, CPU, 4, EVERYDAY, ("int8",))
    before = load_models(tmp_path, CPU, 4, variants=("int8",))
    write_model(tmp_path, "partial", "2")
    after = renew(before, source, is_patient=False)
    assert [("partial", "1")] == [model.key for model in after.all()]
    assert [("partial/2", "variant")] == [(each.subject, each.reason) for each in after.refused]


def test_goldens_are_replayed_with_the_variants_own_tolerance(both: Artifact) -> None:
    """int8 would fail float32's promise, passes its own, and fails when that is made narrower."""
    difference = both.manifest.variants["int8"].golden_difference
    assert difference > 1e-4
    assert "int8" == load_model(both, CPU, 4, ("int8",)).variant
    with pytest.raises(ArtifactError, match=r"differs by .*; the tolerance is"):
        load_model(with_tolerance(both, difference / 2), CPU, 4, ("int8",))


def test_a_damaged_variant_is_refused(both: Artifact) -> None:
    """Even where float32 is served: the version is not what was exported."""
    path = both.model_path("int8")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    proved = prove(both_key(both), Source(both.folder.parents[1], CPU, 4))
    assert isinstance(proved, Refused)
    assert ("files", True) == (proved.reason, "model.int8.onnx: SHA-256" in proved.detail)


def both_key(artifact: Artifact) -> tuple[str, str]:
    """(name, version)."""
    return artifact.manifest.name, artifact.manifest.version


def test_check_proves_every_variant_of_every_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And misses the one that is set."""
    write_model(tmp_path, "partial", lighter=("int8", "fp16"))
    write_aliases(tmp_path, {"stable": Alias(model="partial", version="1")})
    assert 0 == check(Settings(models=tmp_path, provider="cpu"))
    assert "partial/1: 5 files, goldens answered by float32, int8, fp16" in capsys.readouterr().out
    write_model(tmp_path, "frozen")
    assert 1 == check(Settings(models=tmp_path, provider="cpu", variant="int8"))
    assert re.search(r"WRONG  frozen/1: .*has no variant int8", capsys.readouterr().out)


def test_a_manifest_and_its_files_agree_on_variants(tmp_path: Path) -> None:
    """An accepted one without its file, or a file that nobody has judged, is no artifact."""
    for name in RECIPES:
        write_model(tmp_path, name, lighter=("int8",))
    folder = tmp_path / "partial" / "1"
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"accepted": true', '"accepted": false'))
    with pytest.raises(ArtifactError, match=r"model\.int8\.onnx must be listed and accepted, or neither"):
        read_artifact(folder)


@pytest.mark.parametrize("value", ["int4", "int8,", "", "INT8", "int8;fp16"])
def test_an_unknown_variant_stops_the_start(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """The setting takes three words, with commas between."""
    monkeypatch.setenv("THAW_VARIANT", value)
    with pytest.raises(StartError, match="THAW_VARIANT"):
        load_settings()
