"""Aliases are one file, replaced in one step."""

import json
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from contract.aliases import ALIASES, Alias, read_aliases, sharing, write_aliases
from contract.errors import ArtifactError

STABLE = Alias(model="partial", version="1")
NEXT = Alias(model="partial", version="2", previous="1")
CANARY = Alias(model="majority", version="12", share=0.05)


def test_aliases_are_read_back(tmp_path: Path) -> None:
    """Names, versions, a share where there is one."""
    write_aliases(tmp_path, {"stable": STABLE, "canary": CANARY})
    assert {"stable": STABLE, "canary": CANARY} == read_aliases(tmp_path)


def test_the_file_has_the_documented_form(tmp_path: Path) -> None:
    """What an operator writes by hand and what we write are one form; no share, no word of it."""
    write_aliases(tmp_path, {"stable": STABLE, "canary": CANARY})
    expected = {
        "canary": {"model": "majority", "version": "12", "share": 0.05},
        "stable": {"model": "partial", "version": "1"},
    }
    assert expected == json.loads((tmp_path / ALIASES).read_text())


def test_a_store_without_the_file_has_no_alias(tmp_path: Path) -> None:
    """That is no error."""
    assert {} == read_aliases(tmp_path)


def test_the_file_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the new file is whole, a reader sees the old one; afterwards nothing else lies there."""
    write_aliases(tmp_path, {"stable": STABLE})
    seen: list[dict[str, Alias]] = []
    replace = os.replace

    def watched(source: Path, target: Path) -> None:
        seen.append(read_aliases(tmp_path))
        replace(source, target)

    monkeypatch.setattr(Path, "replace", watched)
    write_aliases(tmp_path, {"stable": NEXT})
    assert [{"stable": STABLE}] == seen
    assert {"stable": NEXT} == read_aliases(tmp_path)
    assert [ALIASES] == [path.name for path in tmp_path.iterdir()]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old aliases survive a full disk."""
    write_aliases(tmp_path, {"stable": STABLE})

    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        write_aliases(tmp_path, {"stable": NEXT})
    assert {"stable": STABLE} == read_aliases(tmp_path)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"", "the whole"),
        (b"{", "the whole"),
        (b"[]", "the whole"),
        (b"\xff\xfe", "the whole"),
        (b'{"stable": "partial/1"}', "stable"),
        (b'{"stable": {"model": "partial"}}', r"stable\.version"),
        (b'{"stable": {"model": "partial", "version": 1}}', r"stable\.version"),
        (b'{"stable": {"model": "../partial", "version": "1"}}', r"stable\.model"),
        (b'{"stable": {"model": "partial", "version": "0"}}', r"stable\.version"),
        (b'{"canary": {"model": "partial", "version": "1", "share": 1.5}}', r"canary\.share"),
        (b'{"canary": {"model": "partial", "version": "1", "weight": 1}}', r"canary\.weight"),
        (b'{"canary": {"model": "partial", "version": "newest"}}', r"canary\.version"),
        (b'{"canary": {"model": "partial", "version": "1", "previous": "latest"}}', r"canary\.previous"),
        (b'{"Canary 1": {"model": "partial", "version": "1"}}', r"Canary 1\.\[key\]"),
    ],
)
def test_a_damaged_file_is_refused_by_place(tmp_path: Path, content: bytes, where: str) -> None:
    """The sentence names the alias and field, and shows the form."""
    (tmp_path / ALIASES).write_bytes(content)
    with pytest.raises(ArtifactError, match=rf'{ALIASES}: {where}: .*Expected \{{"stable"'):
        read_aliases(tmp_path)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_a_share(share: float) -> None:
    """Between none and all of the traffic."""
    with pytest.raises(ValidationError, match="share"):
        Alias(model="partial", version="1", share=share)


def test_shares_leave_something_or_nothing_to_stable(tmp_path: Path) -> None:
    """More than all cannot be given away; stable itself takes what is left; shadow's share takes nothing away."""
    half, most = CANARY.model_copy(update={"share": 0.5}), CANARY.model_copy(update={"share": 0.6})
    write_aliases(tmp_path, {"stable": STABLE, "a": half, "b": half, "shadow": most})
    assert ["a", "b"] == list(sharing(read_aliases(tmp_path)))
    write_aliases(tmp_path, {"stable": STABLE, "a": half, "b": most})
    with pytest.raises(ArtifactError, match=r"add up to 1\.1"):
        read_aliases(tmp_path)
    write_aliases(tmp_path, {"stable": half})
    with pytest.raises(ArtifactError, match="gets what the others leave"):
        read_aliases(tmp_path)


def test_latest_is_a_version_too(tmp_path: Path) -> None:
    """An alias may follow the newest version instead of naming one."""
    write_aliases(tmp_path, {"stable": Alias(model="partial", version="latest")})
    assert ("partial", "latest") == read_aliases(tmp_path)["stable"].key
