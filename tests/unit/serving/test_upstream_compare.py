"""One word about two answers."""

import json

import pytest

from serving.upstream.compare import compare

BUS = {"bus": 0.7, "car": 0.2, "truck": 0.1}


def said(document: object, status: int = 200) -> tuple[int, bytes]:
    """An answer."""
    return status, json.dumps(document).encode()


@pytest.mark.parametrize(
    ("outcome", "theirs", "ours"),
    [
        ("same", said(BUS), said(BUS)),
        ("same", said({"bus": 0.70005, "car": 0.2}), said(BUS)),  # their first two labels, within 1e-4
        ("numbers", said({"bus": 0.71}), said(BUS)),
        ("label", said({"car": 0.8, "bus": 0.1}), said(BUS)),
        ("status", said(BUS), said({}, 503)),
        ("same", said({"message": "no"}, 422), said({"message": "never"}, 422)),
        ("form", said([BUS]), said(BUS)),
        ("form", said({"n04487081": 0.7}), said(BUS)),
        ("form", (200, b"bus"), said(BUS)),
        ("failed", said(BUS), None),
        ("same", said({"bus": [[0.5, 1.0]]}), said({"bus": [[0.5, 1.0]]})),
        ("numbers", said({"bus": [[0.5, 1.0]]}), said({"bus": [[0.5, 1.1]]})),
    ],
)
def test_answers_are_compared(outcome: str, theirs: tuple[int, bytes], ours: tuple[int, bytes] | None) -> None:
    """Status first, then form, then numbers, then the first label."""
    assert outcome == compare(theirs, ours).outcome
