"""What docs/features.md says of ours rests on tests that exist and pass."""

from pathlib import Path

import pytest

from tests.docs import features

SIZES = {"servers": 58, "charts": 56}


@pytest.mark.parametrize("name", SIZES)
def test_every_feature_rests_on_tests_that_exist(name: str) -> None:
    """Yes and partly name tests of this repository; no says why."""
    rows = features.rows(name)
    assert SIZES[name] == len(rows)
    assert set() == {row["ours"] for row in rows} - set(features.ANSWERS)
    assert [] == [row["feature"] for row in rows if (row["ours"] == "no") == bool(row["tests"])]
    assert [] == [row["feature"] for row in rows if row["ours"] != "yes" and not row["words"]]
    assert set() == {test for row in rows for test in row["tests"].split()} - features.written_tests()


def test_every_other_one_is_told() -> None:
    """No cell about another server or chart is empty."""
    for name, others in features.COLUMNS.items():
        assert [] == [row["feature"] for row in features.rows(name) if not all(row[other] for other in others)]


def test_a_report_in_which_one_did_not_pass_is_refused(tmp_path: Path) -> None:
    """Skipped, failed and absent tests are each named; every parameter must pass, over all reports together."""
    tests = sorted(features.named_tests())
    cases = [case(test) for test in tests[3:]]
    cases += [case(tests[0], "<skipped/>"), case(tests[1]), case(tests[1], "<failure/>")]
    report, rest = tmp_path / "one.xml", tmp_path / "two.xml"
    report.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    rest.write_text(f"<testsuites><testsuite>{case(tests[2])}</testsuite></testsuites>")
    assert {tests[0]: "skipped", tests[1]: "failure"} == features.not_passed([report, rest])
    assert "not run" == features.not_passed([report])[tests[2]]


def case(test: str, outcome: str = "") -> str:
    """A test case as pytest reports it."""
    path, _, name = test.partition("::")
    return f'<testcase classname="{path.removesuffix(".py").replace("/", ".")}" name="{name}[x]">{outcome}</testcase>'
