from contextlib import suppress

import pytest

from serving.admission import Slots
from serving.errors import Refusal
from serving.metrics import Metrics


@pytest.fixture
def slots() -> Slots:
    """Four slots on two lanes."""
    return Slots(4, 2, Metrics())


def test_slots_come_back_whatever_happens(slots: Slots) -> None:
    """Also when the block fails."""
    with suppress(ZeroDivisionError), slots.hold(3, 1.0):
        assert 3 == slots.in_use
        _ = 1 / 0
    assert 0 == slots.in_use


def test_all_or_none(slots: Slots) -> None:
    """Two free slots are not enough for three photographs, and none is taken."""
    with slots.hold(2, 1.0):
        with pytest.raises(Refusal) as caught, slots.hold(3, 1.0):
            pass
        assert ("overloaded", 1, 2) == (caught.value.kind.name, caught.value.retry_after_s, slots.in_use)
        with slots.hold(2, 1.0):
            assert slots.full


def test_never_enough(slots: Slots) -> None:
    """More than there are is no overload: coming back would not help."""
    with pytest.raises(Refusal) as caught, slots.hold(5, 1.0):
        pass
    assert (413, None) == (caught.value.kind.status, caught.value.retry_after_s)


def test_waiting_time_follows_the_measured_cost(slots: Slots) -> None:
    """After slow photographs the estimate is slow, and a short budget is refused before work is wasted."""
    for _ in range(200):
        slots.learn(2.0)
    with slots.hold(3, 9.0):
        assert slots.wait_s() == pytest.approx(3 * 2.0 / 2, rel=0.01)
        with pytest.raises(Refusal) as caught, slots.hold(1, 1.0):
            pass
        assert ("overloaded", 3) == (caught.value.kind.name, caught.value.retry_after_s)
        with slots.hold(1, 9.0):
            pass


def test_an_idle_server_tries_whatever_the_estimate(slots: Slots) -> None:
    """One unlucky measurement must not lock the door for good."""
    for _ in range(200):
        slots.learn(60.0)
    with slots.hold(1, 0.01):
        assert 1 == slots.in_use
