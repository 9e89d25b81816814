import tomllib

import pytest

from load_tests.cli import VERBS, main
from tests.sources import ROOT


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("server", "--rate", "0"), "--rate"),
        (("server", "--host", "127.0.0.1"), "--host"),
        (("server", "--host", "http://no.such.host.invalid"), "no.such.host"),
        (("single", "--images", "no/such/folder"), "no/such/folder"),
        (("multi", "--labels", "no.csv"), "no.csv"),
        (("server", "--objectives", "no.yaml"), "no.yaml"),
        (("offline", "--header", "secret"), "--header"),
        (("serve",), "serve"),
    ],
)
def test_what_cannot_be_asked_ends_with_2(
    options: tuple[str, ...], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a sentence that names it, before anything is sent."""
    assert 2 == main(list(options))
    assert word in capsys.readouterr().err


def test_an_unknown_option_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    """As the parser of the command line says it."""
    with pytest.raises(SystemExit, match="2"):
        main(["server", "--colour", "red"])
    assert "--colour" in capsys.readouterr().err


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    """With a sentence each."""
    assert 0 == main(["--help"])
    printed = capsys.readouterr().out
    assert [] == [name for name, (kind, _) in VERBS.items() if f"{name:<10} {kind.__doc__}" not in printed]


def test_every_setting_has_a_sentence() -> None:
    """The help is made of them."""
    fields = {f"{name} {key}": field for name, (kind, _) in VERBS.items() for key, field in kind.model_fields.items()}
    assert set() == {name for name, field in fields.items() if not field.description}


def test_the_servers_environment_has_no_locust() -> None:
    """Gevent replaces sockets; no profile of the server or the trainer brings it."""
    profiles = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert ["load"] == [name for name, packages in profiles.items() if "locust" in packages]
