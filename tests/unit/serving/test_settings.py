import os

import pytest

from serving.errors import StartError
from serving.settings import PREFIX, Settings, load_settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No THAW_ variable of the caller's."""

    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def test_defaults_are_safe() -> None:
    """Loopback, and every field has its sentence."""
    assert ("127.0.0.1", 8080) == (load_settings().host, load_settings().port)
    assert [] == [name for name, field in Settings.model_fields.items() if not (field.description or "").endswith(".")]


def test_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever their case, with their types."""
    monkeypatch.setenv("THAW_MAX_PIXELS", "1000")
    monkeypatch.setenv("thaw_log_requests", "true")
    assert (1000, True) == (load_settings().max_pixels, load_settings().log_requests)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("THAW_MAX_PIXEL", "1", "Did you mean THAW_MAX_PIXELS?"),
        ("THAW_QUITE_ELSE", "1", "Known: THAW_ADMIN_KEY, THAW_API_KEYS"),
        ("THAW_BATCH_LIMIT", "-1", "greater than or equal to 0"),
        ("THAW_PROVIDER", "gpu", "'auto', 'cpu' or 'cuda'"),
        ("THAW_PORT", "tcp://10.0.0.1:80", "enableServiceLinks: false"),
        ("THAW_SERVICE_HOST", "10.0.0.1", "enableServiceLinks: false"),
    ],
)
def test_what_means_nothing_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    """The sentence names the variable and what to do."""
    monkeypatch.setenv(name, value)
    with pytest.raises(StartError, match=name) as caught:
        load_settings()
    assert words in str(caught.value)


def test_the_trainer_s_variable_is_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """One shell may serve and train."""
    monkeypatch.setenv("THAW_STATE", "somewhere")
    assert load_settings().port == 8080


def test_a_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the settings that are logged nor in the refusal of one that is too short."""
    monkeypatch.setenv("THAW_ADMIN_KEY", "long-enough-a-secret")
    assert "secret" not in str(load_settings().model_dump(mode="json")) + repr(load_settings())
    monkeypatch.setenv("THAW_ADMIN_KEY", "short-secret")
    with pytest.raises(StartError, match="16 characters at least") as caught:
        load_settings()
    assert "short-secret" not in str(caught.value)
