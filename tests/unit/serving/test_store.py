import pytest

from contract.aliases import Alias
from serving.errors import Refusal
from serving.store import Models
from tests.fakes import FakeEngine, fake_model

STABLE = {"stable": Alias(model="partial", version="1")}


def some_models(**aliases: Alias) -> Models:
    """frozen 1, partial 1 and 2."""
    engine = FakeEngine()
    keys = (("frozen", "1"), ("partial", "1"), ("partial", "2"))
    return Models([fake_model(engine, *key) for key in keys], aliases)


def test_no_name_means_stable() -> None:
    """The alias decides, and the answer's name is the real one."""
    models = some_models(**STABLE)
    assert ("partial", "1") == models.find(None).key
    assert ("partial", "1") == models.find("stable").key


def test_a_name_alone_means_its_stable_or_newest_version() -> None:
    """Without an alias on it the highest number wins."""
    assert ("partial", "1") == some_models(**STABLE).find("partial").key
    assert ("partial", "2") == some_models().find("partial").key
    assert ("partial", "2") == some_models(**STABLE).find("partial", "2").key


def test_other_aliases_are_names_too() -> None:
    """?model=canary asks for it."""
    models = some_models(**STABLE, canary=Alias(model="partial", version="2", share=0.0))
    assert ("partial", "2") == models.find("canary").key


@pytest.mark.parametrize(
    ("name", "version", "kind"),
    [("tram", None, "unknown-model"), ("frozen", "2", "unknown-version"), (None, None, "bad-parameter")],
)
def test_what_is_not_there_is_refused_with_what_is(name: str | None, version: str | None, kind: str) -> None:
    """The sentence lists the choices."""
    with pytest.raises(Refusal) as caught:
        some_models().find(name, version)
    assert kind == caught.value.kind.name
    assert any(known in caught.value.detail for known in ("frozen", "1"))


def test_one_model_alone_needs_no_alias() -> None:
    """There is nothing to choose."""
    assert ("frozen", "1") == Models([fake_model(FakeEngine(), "frozen")], {}).find(None).key


def test_a_canary_gets_its_share() -> None:
    """By request id: the same id always goes the same way, and about a quarter goes to the canary."""
    models = some_models(**STABLE, canary=Alias(model="partial", version="2", share=0.25))
    chosen = [models.find(None, request_id=f"request-{i}").key[1] for i in range(2000)]
    assert chosen == [models.find(None, request_id=f"request-{i}").key[1] for i in range(2000)]
    assert 0.2 < chosen.count("2") / 2000 < 0.3
    assert {"1"} == {models.find("partial", request_id=f"request-{i}").key[1] for i in range(100)}


def test_an_alias_and_another_version_contradict() -> None:
    """Asking stable for a version that it does not mean is refused, not answered by the one that it means."""
    models = some_models(**STABLE)
    assert ("partial", "1") == models.find("stable", "1").key
    with pytest.raises(Refusal, match="Alias stable means partial/1, not version '2'") as caught:
        models.find("stable", "2")
    assert "unknown-version" == caught.value.kind.name


def test_a_version_may_follow_the_name() -> None:
    """NAME/VERSION wherever a name is; a version of nothing is refused."""
    assert ("partial", "2") == some_models(**STABLE).find("partial/2").key
    with pytest.raises(Refusal, match="Version '2' of which model"):
        some_models(**STABLE).find(None, "2")


def test_an_alias_of_the_model_s_own_name_pins_it() -> None:
    """A newer version does not answer for it; stable is another question."""
    models = some_models(partial=Alias(model="partial", version="1"), stable=Alias(model="frozen", version="1"))
    assert ("partial", "1") == models.find("partial").key
    assert ("frozen", "1") == models.find(None).key


def test_several_are_found_by_the_names_that_were_written() -> None:
    """Versions side by side for a comparison."""
    found = some_models(**STABLE).find_each("stable,partial/2", "")
    assert {"stable": ("partial", "1"), "partial/2": ("partial", "2")} == {name: m.key for name, m in found.items()}
