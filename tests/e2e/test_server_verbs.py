"""`python -m serving predict` and `check`."""

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.server_process import ServerProcess, run
from tests.fakes import photograph, write_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tiny models."""
    return write_store(tmp_path_factory.mktemp("verbs") / "store")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two photographs, one of them deeper, and a text."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "deep").mkdir()
    (folder / "a.jpg").write_bytes(photograph(1))
    (folder / "deep" / "b.PNG").write_bytes(photograph(2, kind="PNG"))
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_files_get_the_server_s_answers(store: Path, pictures: Path) -> None:
    """A line of JSON for each photograph of a folder, in order, with the very scores that HTTP gives."""
    ended = run("predict", "--json", str(pictures), store=store)
    assert 0 == ended.returncode
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [str(pictures / "a.jpg"), str(pictures / "deep" / "b.PNG")] == [line.pop("path") for line in lines]
    server = ServerProcess(store, drain_seconds=0)
    answer = json.loads(server.post("/predict", photograph(1))[1])
    server.end()
    answer.pop("timings_ms")
    assert ["queue", "decode", "infer", "total"] == list(lines[0].pop("timings_ms"))
    assert answer == lines[0]


def test_unreadable_files_do_not_stop_the_others(store: Path, pictures: Path) -> None:
    """Each gets a line with its problem, the rest their answers, and the exit code is 1."""
    names = [str(pictures / name) for name in ("missing.jpg", "notes.txt", "a.jpg")]
    ended = run("predict", "--json", *names, store=store)
    assert 1 == ended.returncode
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert names == [line["path"] for line in lines]
    assert [404, 415, None] == [line.get("problem", {}).get("status") for line in lines]


def test_patterns_standard_input_and_models(store: Path, pictures: Path) -> None:
    """A quoted pattern is expanded, - is standard input, --model chooses."""
    ended = run(
        "predict", "--json", str(pictures / "*.jpg"), "-", "--model", "frozen", store=store, stdin=photograph(1)
    )
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [str(pictures / "a.jpg"), "-"] == [line["path"] for line in lines]
    assert ["frozen", "frozen"] == [line["model"] for line in lines]
    assert lines[0]["predictions"] == lines[1]["predictions"]


def test_words_for_people(store: Path, pictures: Path) -> None:
    """Without --json: path, decision, scores."""
    ended = run("predict", str(pictures / "a.jpg"), store=store)
    assert b"a.jpg  no bus  (other 0.961  " in ended.stdout


def test_an_unknown_model_is_named(store: Path, pictures: Path) -> None:
    """With those that exist, and a failing exit code."""
    ended = run("predict", str(pictures), "--model", "tram", store=store)
    assert 0 != ended.returncode
    assert b"frozen, majority, partial" in ended.stderr


def test_check_says_what_is_whole(store: Path, tmp_path: Path) -> None:
    """Exit code 0 and a line for each version and alias; 1 when one is broken, the others still checked."""
    whole = run("check", store=store)
    assert (0, 4) == (whole.returncode, whole.stdout.count(b"ok "))
    copy = tmp_path / "store"
    shutil.copytree(store, copy)
    (copy / "majority" / "1" / "CARD.md").write_text("changed")
    broken = run("check", store=store, models=copy)
    assert (1, 3, 1) == (broken.returncode, broken.stdout.count(b"ok "), broken.stdout.count(b"WRONG "))
    assert b"CARD.md" in broken.stdout
