import json
from dataclasses import replace

import pytest

from load_tests.document import Summary
from load_tests.rows import BROKEN, CUT, DROPPED, ERROR, SHED, TIMEOUT, WRONG, Row, table
from load_tests.summary import as_json, recovery_s, summarise
from tests.unit.load.made import rows, run

NAN = float("nan")


def summary(made: list[Row], **changes: object) -> Summary:
    """Of these rows in a run with these changes."""
    return summarise(table(made), run(**changes))


def test_a_good_run_holds() -> None:
    """Exit 0, exact counts and rates, latency from the plan and service from the send."""
    found = summary(rows())
    assert (0, True, []) == (found.exit, found.valid, found.invalid_because)
    assert (100, 100, 1000, 1000, 0) == (found.offered_per_s, found.achieved_per_s, found.sent, found.ok, found.failed)
    assert (20, 19.9) == (found.latency_ms.p50, found.service_ms.p50)
    assert 5 == found.stages_ms["infer"].p99


def test_a_fast_service_has_three_digits() -> None:
    """0.3 ms is no 0 ms."""
    assert 0.3 == summary(rows(latency_ms=0.3)).latency_ms.p50


@pytest.mark.parametrize("outcome", [ERROR, BROKEN, TIMEOUT, WRONG])
def test_failures_end_with_4(outcome: str) -> None:
    """More than the error rate allows, whatever their kind."""
    found = summary([*rows(980), *rows(20, outcome=outcome)])
    assert (4, 20, {outcome: 20}) == (found.exit, found.failed, found.failures)


def test_one_wrong_answer_is_enough() -> None:
    """A server that mixes up photographs must not pass, however rarely."""
    assert 4 == summary([*rows(1999), *rows(1, outcome=WRONG)], objectives={"error_rate": 0.1}).exit


def test_nothing_answered_is_no_success() -> None:
    """A server that only sheds has not answered."""
    assert 4 == summary(rows(outcome=SHED)).exit


def test_shedding_misses_goodput_but_is_no_error() -> None:
    """Refusals are counted apart, and their speed does not improve the percentiles."""
    found = summary([*rows(900, latency_ms=50), *rows(100, latency_ms=1, outcome=SHED)])
    assert (1, {"goodput": "missed", "p99_ms": "held", "error_rate": "held"}) == (
        found.exit,
        {objective.name: objective.verdict for objective in found.objectives} | {},
    )
    assert 50 == found.latency_ms.p50


def test_slow_answers_end_with_1() -> None:
    """The percentile was missed."""
    assert 1 == summary([*rows(900), *rows(100, latency_ms=300)]).exit


def test_lateness_is_invalid_before_anything_else() -> None:
    """Late sends, and errors too: exit 3, and no latency is claimed."""
    found = summary([*rows(500, latency_ms=90, late_ms=50), *rows(500, late_ms=50, outcome=ERROR)])
    assert (3, False, None, None) == (found.exit, found.valid, found.latency_ms.p99, found.service_ms.p99)
    assert "50.0 ms after they were due" in found.invalid_because[0]


def test_what_could_not_be_sent_is_invalid() -> None:
    """Dropped requests, or a rate that was not reached."""
    dropped = [Row(row.due, NAN, row.due + 5, DROPPED) for row in rows(10)]
    assert 3 == summary([*rows(), *dropped]).exit
    behind = [replace(row, sent=row.due + 9, end=row.due + 9.01) for row in rows()]
    assert 3 == summary(behind, objectives={"p99_ms": 1e6}).exit


@pytest.mark.parametrize("changes", [{"cpu": 0.9}, {"clock_drift_s": -2}])
def test_a_busy_or_sleeping_generator_is_invalid(changes: dict[str, float]) -> None:
    """Its own CPU and the clocks are watched."""
    assert 3 == summary(rows(), **changes).exit


def test_every_request_is_accounted_for() -> None:
    """sent = ok + failed + dropped + cut."""
    parts = [*rows(900), *rows(40, outcome=ERROR), *rows(30, outcome=DROPPED), *rows(30, outcome=CUT)]
    found = summary(parts)
    assert found.sent == found.ok + found.failed + found.dropped + found.cut == 1000


def test_what_was_cut_counts_as_slow() -> None:
    """However short it was in flight when the run ended."""
    assert 1 == summary([*rows(950), *rows(50, outcome=CUT)], objectives={"p99_ms": 200, "error_rate": 0.1}).exit


def test_the_warm_up_is_in_no_figure() -> None:
    """Rows due before the window are left out."""
    found = summary([*rows(latency_ms=900), *rows(start=10)], warmup_s=10)
    assert (1000, 20) == (found.sent, found.latency_ms.max)


def test_too_few_requests_are_said() -> None:
    """As a note for the default objectives, as INVALID for those that somebody asked for."""
    few = rows(200)
    assert (0, True) == (summary(few).exit, "459 would be needed" in summary(few).warnings[0])
    assert 3 == summary(few, must_prove=True).exit


def test_a_closed_loop_offers_nothing() -> None:
    """It has no rate of its own, and no lateness to be judged."""
    found = summary(rows(), loop="closed", objectives={"error_rate": 0})
    assert (0, None) == (found.exit, found.offered_per_s)


def test_recovery_is_the_time_to_the_first_good_second() -> None:
    """From the end of the burst."""
    slow = [replace(row, end=row.end + 1) for row in rows(300, start=10) if row.due < 12.5]
    assert 3 == recovery_s(table([*slow, *rows(300, start=13)]), 10, 200)
    assert 0 == recovery_s(table(rows(300, start=10)), 10, 200)


def test_json_comes_back_as_it_was() -> None:
    """summary.json can be read again."""
    found = summary(rows())
    assert found == Summary.model_validate(json.loads(json.dumps(as_json(found))))


def test_a_burst_is_judged_apart() -> None:
    """Slow and refused while it lasts is its nature; afterwards it has the allowed time to be normal again."""
    made = [*rows(300), *rows(900, start=10, latency_ms=900), *rows(300, start=20)]
    made = [replace(row, outcome=SHED) if 10 <= row.due < 20 and row.due % 1 > 0.5 else row for row in made]
    spiked = {"duration_s": 30, "burst": (10, 20), "objectives": {"p95_ms": 200, "goodput": 0.99, "recovery_s": 5}}
    found = summary(made, **spiked)
    assert (0, 0) == (found.exit, found.burst and found.burst.recovery_s)
    assert (90, 0, 440) == (found.burst.offered_per_s, found.burst.goodput_per_s, found.burst.refused)
    late = [replace(row, end=row.end + (1 if 20 <= row.due < 28 else 0)) for row in made]
    assert (1, 8) == (summary(late, **spiked).exit, summary(late, **spiked).burst.recovery_s)


def test_creeping_latency_is_seen() -> None:
    """The last quarter against the first, where it is asked for."""
    made = [replace(row, end=row.end + row.due / 100) for row in rows()]
    assert {"creep": "missed"} == {o.name: o.verdict for o in summary(made, objectives={"creep": 1.5}).objectives}
    assert 0 == summary(rows(), objectives={"creep": 1.5}).exit


def test_growth_counts_from_half_the_limit() -> None:
    """Near what a server carries its queue comes and goes; beyond it grows until no limit holds."""
    made = [replace(row, end=row.end + row.due / 100) for row in rows()]  # from 20 ms to 120 ms

    def verdict(limit: float) -> str:
        return summary(made, objectives={"p99_ms": limit, "growth": 1.5}).objectives[1].verdict

    assert ("missed", "held") == (verdict(200), verdict(400))


def test_a_closed_loop_beside_is_shown() -> None:
    """With its users and its own percentiles."""
    found = summarise(table(rows(latency_ms=90)), run(closed_users=2), table(rows(latency_ms=3)))
    assert (2, 3, 90) == (found.closed_beside.users, found.closed_beside.latency_ms.p99, found.latency_ms.p99)
