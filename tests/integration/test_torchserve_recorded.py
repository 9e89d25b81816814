"""What a real TorchServe answered, asked of our server: its clients need a new address only."""

from collections.abc import Iterator

import pytest

from contract.golden import TOLERANCE
from serving.engine import CPU
from serving.loading import load_models
from tests.integration.running import Running, running
from tests.torchserve.exchange import CASES, STORE, Case, ask, read_recorded

# Of one connection, not of the answer: TorchServe ends it after each refusal, ours keeps it.
HOP_BY_HOP = "connection"
# Beyond TorchServe's own paths nobody comes from TorchServe: there our server speaks as it does everywhere.
OTHER_WORDS = ("nothing",)  # our server reads more forms of body, and names them
STATUS_ONLY = ("no model", "an unknown route")


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """The store that was recorded."""
    with running(load_models(STORE, CPU, 4)) as server:
        yield server


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answer_is_torchserves(server: Running, case: Case) -> None:
    """Status, headers, keys and their order are equal, error bodies too; numbers within 1e-4."""
    recorded, found = read_recorded()[case.name], ask(server.port, case)
    assert recorded["status"] == found["status"]
    if case.name in STATUS_ONLY:
        return
    headers = {name: value for name, value in recorded["headers"].items() if name != HOP_BY_HOP}
    assert headers == {name: found["headers"].get(name) for name in headers}
    assert list(recorded["body"]) == list(found["body"])
    for key, value in recorded["body"].items():
        if key != "message" or case.name not in OTHER_WORDS:
            assert value == alike(found["body"][key])


def alike(value: object) -> object:
    """Numbers within 1e-4; of a map the first row, which is what was recorded; words as they are."""
    if isinstance(value, list):
        return [pytest.approx(value[0], abs=TOLERANCE)]
    return pytest.approx(value, abs=TOLERANCE) if isinstance(value, float) else value


def test_every_case_was_recorded() -> None:
    """A case without an answer, or an answer nobody compares, is an old recording."""
    assert {case.name for case in CASES} == set(read_recorded())
