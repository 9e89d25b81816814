import pytest

from contract import errors as contract_errors
from contract.errors import PhotographError
from serving.errors import KINDS, Refusal
from serving.pipeline import as_refusal


def test_every_refusal_of_a_photograph_has_a_status() -> None:
    """What the contract refuses is a kind here, and the client's fault."""
    kinds = [
        each for each in vars(contract_errors).values() if isinstance(each, type) and issubclass(each, PhotographError)
    ]
    for kind in kinds:
        if kind is not PhotographError:
            assert 400 <= KINDS[kind.kind].status < 500
            assert "words" == as_refusal(kind("words")).detail


def test_our_failures_keep_their_details() -> None:
    """A client never sees an exception's text."""
    refusal = as_refusal(KeyError("/home/secret"))
    assert ("internal", False) == (refusal.kind.name, "secret" in refusal.detail)


@pytest.mark.parametrize("name", KINDS)
def test_both_forms(name: str) -> None:
    """Each kind reads as problem details and as TorchServe's error."""
    refusal = Refusal(name, "words")
    assert {"type", "title", "status", "detail", "request_id"} == refusal.problem("id").keys()
    assert refusal.torchserve()["type"].endswith("Exception")  # type: ignore[attr-defined] # a string
    assert 400 <= refusal.torchserve_status < 600
