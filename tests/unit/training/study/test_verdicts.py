"""The answer as machines read it: its form, its times, and what it refuses to judge."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sources import ROOT
from tests.unit.training.study.synthetic import POOL, Made, Truth, make, small_rules
from training.data.archives import DataError
from training.study import rules as rules_file
from training.study.leaks import leaks
from training.study.pools import list_id, listed
from training.study.rules import RULES, Rules, parse, read_rules, rules_sha256
from training.study.verdicts import answer, as_json, rules_committed


def test_the_form_of_the_answer() -> None:
    """Statements and hypotheses with their verdicts, as one JSON object; effects lie in their intervals."""
    made = make(Truth(lambda cell: (2.0, 2.6, 2.6, 2.0)[min(cell.depth, 3)]))
    found = json.loads(json.dumps(as_json(answer(made, small_rules())), allow_nan=False))
    assert ["statements", "hypotheses", "rows", "rules_committed", "first_row"] == list(found)
    assert [1, 2, 3] == [item["id"] for item in found["statements"]]
    assert {("id", "verdict", "sentence")} == {tuple(item) for item in found["statements"]}
    assert [h.id for h in read_rules().hypotheses] == [item["id"] for item in found["hypotheses"]]
    keys = ("id", "statement", "verdict", "effect", "low", "high", "runs", "share")
    assert {keys} == {tuple(item) for item in found["hypotheses"]}
    assert {"supported", "refuted", "undecided"} >= {item["verdict"] for item in found["hypotheses"]}
    assert all(item["low"] <= item["effect"] <= item["high"] for item in found["hypotheses"])
    assert len(made.trials) == found["rows"]
    assert "2026-11-25T12:00:00+00:00" == found["first_row"]


def test_without_rows_everything_is_undecided() -> None:
    """No rows yet: no effect, no interval, no first row, and the source's limits in each sentence."""
    found = as_json(answer(Made(), read_rules()))
    assert (0, None) == (found["rows"], found["first_row"])
    assert {"undecided"} == {item["verdict"] for item in (*found["hypotheses"], *found["statements"])}
    assert {None} == {item[name] for item in found["hypotheses"] for name in ("effect", "low", "high", "share")}
    assert all("198 classes, 13 of them vehicles" in item["sentence"] for item in found["statements"])


def test_the_same_rows_give_the_same_answer() -> None:
    """Two calls agree to the last digit, whatever threads did."""
    made = make(Truth(lambda cell: 2.0 + 0.1 * cell.depth))
    first, second = (as_json(answer(made, small_rules())) for _ in range(2))
    assert first == second


def test_a_planted_leak_is_refused() -> None:
    """One group of the test among those learned from: the rows are named, and nothing is judged."""
    made = make(Truth())
    fitted = made.lists[made.trials[0].fitted]
    tested = made.lists[made.trials[0].photographs]
    assert {} == leaks(made)
    bad = listed(POOL, tuple(sorted({*fitted.places, tested.places[0]})))
    leaking = made.changed(lambda row: replace(row, fitted=list_id(bad)) if row.draw == 1 else row)
    leaking.lists = made.lists | {list_id(bad): bad}
    assert {row.trial for row in made.trials if row.draw == 1} == leaks(leaking).keys()
    with pytest.raises(DataError, match="were learned from"):
        answer(leaking, small_rules())


def test_rules_say_what_they_mean() -> None:
    """A misspelt field, an unknown quantity and a malformed condition are each refused."""
    text = RULES.read_text()
    for old, new in (
        ('"seed":', '"sed":'),
        ('"effect": "ratio"', '"effect": "ration"'),
        ('"difference.low > small"', '"difference.low is small"'),
    ):
        assert old in text
        with pytest.raises(ValueError, match="rror"):
            Rules.model_validate_json(text.replace(old, new, 1))


def test_bounds_have_names() -> None:
    """`-small` is minus one point; a number is itself."""
    rules = read_rules()
    assert (-0.01, 0.05, 0.0, 0.25) == tuple(rules.bound(name) for name in ("-small", "large", "zero", "0.25"))
    assert ("difference", "low", ">", "-small") == parse("difference.low > -small")


def test_every_statement_needs_hypotheses_that_exist() -> None:
    """What a statement needs, and what its sentences quote, is a hypothesis of the rules."""
    rules = read_rules()
    known = {hypothesis.id for hypothesis in rules.hypotheses}
    assert {name for statement in rules.statements for name in statement.needs} <= known
    assert {"H3c", "H3d", "H3e"} == set(rules.statements[2].needs)
    assert {"H1b", "H2a", "H3c"} == {hypothesis.id for hypothesis in rules.hypotheses if hypothesis.holm}


def test_the_rules_have_one_hash() -> None:
    """64 hexadecimal digits of the file's bytes."""
    assert 64 == len(rules_sha256())
    assert rules_sha256() == rules_file.rules_sha256()


def test_without_history_the_rules_carry_their_time(tmp_path: Path) -> None:
    """Outside a repository the time is the one that the file itself says."""
    copy = tmp_path / "rules.json"
    copy.write_bytes(RULES.read_bytes())
    assert read_rules().written == rules_committed(read_rules(), copy)


def test_a_commit_dates_the_rules(tmp_path: Path) -> None:
    """In a repository the time is that of the last commit that changed them."""
    copy = tmp_path / "rules.json"
    copy.write_bytes(RULES.read_bytes())
    when = {"GIT_COMMITTER_DATE": "2026-01-02T03:04:05+00:00", "GIT_AUTHOR_DATE": "2026-01-01T00:00:00+00:00"}
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "Say what counts"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, env={"PATH": "/usr/bin:/bin", "HOME": "/"} | when)
    assert rules_committed(read_rules(), copy).startswith("2026-01-02T03:04:05")


def test_the_verb_prints_the_answer_alone() -> None:
    """`python -m training verdicts` writes one JSON object to stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "training", "verdicts"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert 3 == len(found["statements"])
    assert not math.isnan(found["rows"])
