"""The table of results: computed from stored scores, the same each time, silent where nothing can be measured."""

import dataclasses
import random

import numpy as np
import pytest

from training import metrics
from training.evaluate import Scored
from training.metrics import Interval, auroc, average_precision, recall_at_fpr
from training.tables import (
    CONFUSIONS,
    DETAIL,
    HEADLINE,
    NOT_MEASURABLE,
    SUBSETS,
    by_run,
    cell,
    known_failures,
    markdown,
    results_markdown,
    summarise,
)

NAN = float("nan")


@pytest.fixture(autouse=True)
def _few_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals are judged in the metrics' own tests."""
    monkeypatch.setattr(metrics, "REPLICATES", 60)


def scored(run: str = "both / partial", test: str = "street", seed: int = 0) -> list[Scored]:
    """30 school buses, 30 trolleybuses, 60 cars, 25 trucks, 40 of a set, 10 motorbikes; in colour and in grey."""
    chance = np.random.default_rng(seed)
    words = ["n04146614"] * 30 + ["n04487081"] * 30 + ["car"] * 60 + ["lorry"] * 25 + ["street"] * 40 + ["moped"] * 10
    labels = {"car": "car", "lorry": "truck", "street": "car|other|truck", "moped": "motorbike"}
    out = []
    for grey in (False, True):
        for i, word in enumerate(words):
            label = labels.get(word, "bus")
            score = float(chance.normal() + (0 if label != "bus" else 0.5 if grey or word == "n04487081" else 2))
            predicted = "bus" if score > 1 else str(chance.choice(["car", "truck", "other"]))
            out.append(Scored(run, test, f"{i}.jpg", word, f"g{i // 2}", label, label == "bus", grey, score, predicted))
    return out


def arrays(rows: list[Scored]) -> tuple[np.ndarray, np.ndarray]:
    """Scores and what is new."""
    return np.array([row.score for row in rows]), np.array([row.is_new for row in rows])


def test_figures_equal_a_direct_computation() -> None:
    """Ranking on the colour rows, grey apart."""
    rows = scored()
    colour, grey = ([row for row in rows if row.grey is wanted] for wanted in (False, True))
    found = summarise(rows)
    assert average_precision(*arrays(colour)) == found["AP"].value
    assert auroc(*arrays(colour)) == found["AUROC"].value
    assert recall_at_fpr(*arrays(colour)) == found["recall at 1 % FPR"].value
    assert average_precision(*arrays(grey)) == found["AP, grey pictures"].value
    assert found["AP, grey pictures"].value < found["AP"].value
    assert all(i.low <= i.value <= i.high for i in found.values() if np.isfinite(i.value))


def test_rates_count_photographs() -> None:
    """Of those whose label is known, the share that is answered so; sets of labels are left out."""
    rows = [row for row in scored() if not row.grey]
    found = summarise(scored())

    def share(true: str, answer: str) -> float:
        among = [row for row in rows if row.labels == true]
        return sum(row.predicted == answer for row in among) / len(among)

    assert share("bus", "car") == pytest.approx(found["bus -> car"].value)
    assert share("bus", "truck") == pytest.approx(found["bus -> truck"].value)
    assert share("truck", "bus") == pytest.approx(found["truck -> bus"].value)
    among = [row for row in rows if row.labels in ("car", "truck")]
    alarms = sum(row.predicted == "bus" for row in among)
    assert alarms / len(among) == pytest.approx(found["car or truck -> bus"].value)


def test_photographs_of_car_or_truck_count_together() -> None:
    """Where a collection cannot tell the two apart, the joint rate still can be measured."""
    rows = [dataclasses.replace(row, labels="car|truck") if row.labels in ("car", "truck") else row for row in scored()]
    found = summarise(rows)
    assert np.isnan(found["truck -> bus"].value)
    assert summarise(scored())["car or truck -> bus"].value == found["car or truck -> bus"].value


def test_school_bus_and_trolleybus_are_told_apart_by_the_collections_word() -> None:
    """Each against all that is no bus."""
    found = summarise(scored())
    for name, word in SUBSETS.items():
        subset = [row for row in scored() if not row.grey and (not row.is_new or row.word == word)]
        assert average_precision(*arrays(subset)) == found[f"AP, {name}"].value
    assert found["AP, school bus"].value > found["AP, trolleybus"].value


def test_a_collection_without_these_words_has_no_such_figure() -> None:
    """Nor has one that holds nothing else: the figure would be AP again."""
    plain = [dataclasses.replace(row, word="bus") if row.is_new else row for row in scored()]
    one_kind = [row for row in scored() if row.word != "n04487081"]
    for rows in (plain, one_kind):
        assert not [name for name in summarise(rows) if name in ("AP, school bus", "AP, trolleybus")]


def test_too_few_photographs_make_no_rate() -> None:
    """Nineteen trucks say nothing; twenty do."""
    few = [row for row in scored() if row.labels != "truck" or int(row.path.removesuffix(".jpg")) < 120 + 19]
    enough = [row for row in scored() if row.labels != "truck" or int(row.path.removesuffix(".jpg")) < 120 + 20]
    assert np.isnan(summarise(few)["truck -> bus"].value)
    assert np.isfinite(summarise(enough)["truck -> bus"].value)


def test_what_cannot_be_measured_says_so() -> None:
    """In words, not as a zero."""
    rows = [row for row in scored() if row.labels != "truck"]
    lines = results_markdown(rows).splitlines()
    header = next(line for line in lines if "truck -> bus" in line)
    row = lines[lines.index(header) + 2]
    cells = dict(zip(header.split(" | "), row.split(" | "), strict=True))
    assert NOT_MEASURABLE == cells["truck -> bus"]
    assert NOT_MEASURABLE == cells["other -> bus |"].removesuffix(" |")
    assert NOT_MEASURABLE != cells["bus -> car"]


def test_a_cell_has_its_interval() -> None:
    """Three digits; nothing for NaN or for a figure that is not there."""
    assert "0.912 [0.895, 0.928]" == cell(Interval(0.9121, 0.8951, 0.9279))
    assert NOT_MEASURABLE == cell(Interval(NAN, NAN, NAN))
    assert NOT_MEASURABLE == cell(None)


def test_both_tables_have_a_line_for_every_run_and_test() -> None:
    """In the order of the scores; every line has as many cells as the header."""
    rows = scored() + scored(test="phone") + scored("street / frozen")
    text = results_markdown(rows)
    for figures, table in zip((HEADLINE, DETAIL), text.strip().split("\n\n"), strict=True):
        header, rule, *lines = table.splitlines()
        assert ["trained on / recipe", "tested on", *figures] == [
            name.strip() for name in header.strip("|").split(" | ")
        ]
        assert {header.count("|")} == {line.count("|") for line in (rule, *lines)}
        starts = ["| both / partial | street |", "| both / partial | phone |", "| street / frozen | street |"]
        assert starts == [" | ".join(line.split(" | ")[:2]) + " |" for line in lines]


def test_equal_rows_give_equal_tables() -> None:
    """The bootstrap has its own seed: nothing else's random numbers move a digit."""
    first = results_markdown(scored())
    random.seed(5)
    np.random.seed(5)  # what a careless library does
    assert first == results_markdown(scored())


def test_a_table_may_be_empty() -> None:
    """No scores, no lines."""
    assert 2 == len(markdown({}, HEADLINE).splitlines())


def test_runs_and_tests_do_not_mix() -> None:
    """Every pair has its own rows."""
    rows = scored() + scored(test="phone", seed=1)
    random.Random(0).shuffle(rows)
    parts = by_run(rows)
    assert {("both / partial", "street"), ("both / partial", "phone")} == parts.keys()
    assert {195 * 2} == {len(part) for part in parts.values()}
    assert all({key} == {(row.run, row.test) for row in part} for key, part in parts.items())


def answered(labels: str, predicted: str, count: int) -> list[Scored]:
    """Colour rows with one label and one answer."""
    return [
        Scored("r", "street", f"{i}", "w", f"{i}", labels, labels == "bus", False, 0.0, predicted) for i in range(count)
    ]


def test_known_failures_are_counted() -> None:
    """Misses and false alarms, the three most frequent by name; grey pictures are not counted."""
    rows = [
        *answered("bus", "bus", 7),
        *answered("bus", "truck", 2),
        *answered("bus", "car", 1),
        *answered("car|truck", "bus", 3),
        *answered("other", "other", 9),
        *(dataclasses.replace(row, grey=True) for row in answered("bus", "other", 50)),
    ]
    assert [
        "street: 3 of 10 photographs of bus are called something else (truck 2, car 1); "
        "3 of 12 others are called bus (car or truck 3)."
    ] == known_failures(rows)


def test_no_failure_is_said_as_well() -> None:
    """Nought of all, without an empty pair of brackets."""
    rows = answered("bus", "bus", 4) + answered("car", "car", 5)
    assert [
        "street: 0 of 4 photographs of bus are called something else; 0 of 5 others are called bus."
    ] == known_failures(rows)


def test_every_confusion_has_a_column() -> None:
    """What is measured is shown."""
    assert set(CONFUSIONS) <= set(DETAIL)
    assert set(summarise(scored())) == {*HEADLINE, *DETAIL}
