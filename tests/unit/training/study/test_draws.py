"""Draws: by group, nested, stratified, and enough left to test on."""

from collections import Counter

import pytest

from training.data.archives import DataError
from training.study.draws import Draw, leaks, make_draw
from training.study.pools import pool

TINY = {row.path: row.word for row in pool("tiny-imagenet-bus")}
STREET = {row.path: row.word for row in pool("street-tiles")}


def buses(name: str, places: tuple[int, ...]) -> int:
    """Photographs of a bus among them."""
    return sum(pool(name)[i].labels == {"bus"} for i in places)


@pytest.mark.parametrize("name", ["street-tiles", "tiny-imagenet-bus", "both"])
def test_a_draw_is_500_buses_and_no_group_twice(name: str) -> None:
    """400 to fit, 100 to choose by, three others for each, and the rest of the pool to test on."""
    draw = make_draw(name, STREET | TINY, 3, 500, 1_500)
    assert [400, 100] == [buses(name, part) for part in (draw.fit, draw.val)]
    assert [1_600, 400] == [len(draw.fit), len(draw.val)]
    assert [] == leaks(name, draw)
    assert len(pool(name)) - len(draw.rest) - 2_000 < 40  # near-duplicates of what was drawn are nobody's test


def test_a_planted_leak_is_found() -> None:
    """A test photograph whose group was fitted is named."""
    rows, draw = pool("street-tiles"), make_draw("street-tiles", STREET, 0, 500, 1_500)
    planted = Draw(draw.fit, draw.val, (*draw.rest, draw.fit[0]))
    assert [rows[draw.fit[0]].group] == leaks("street-tiles", planted)


def test_more_buses_contain_the_fewer() -> None:
    """A learning curve adds photographs to one draw."""
    few, many = (make_draw("tiny-imagenet-bus", TINY, 1, count, 1_500) for count in (100, 500))
    inside = set(few.fit + few.val) & set(many.fit + many.val)
    assert len(inside) >= 0.99 * len(few.fit + few.val)


def test_draws_differ_and_keep_the_strata() -> None:
    """Another number gives other photographs; both kinds of bus take part alike."""
    first, second = (make_draw("tiny-imagenet-bus", TINY, number, 500, 1_500) for number in (0, 1))
    assert first != second
    words = Counter(pool("tiny-imagenet-bus")[i].word for i in first.fit)
    assert 200 == words["n04146614"] == words["n04487081"]


def test_a_draw_that_leaves_too_few_is_refused() -> None:
    """Under 200 buses nothing could be told."""
    with pytest.raises(DataError, match="Draw fewer"):
        make_draw("street-tiles", STREET, 0, 900, 1_500)
