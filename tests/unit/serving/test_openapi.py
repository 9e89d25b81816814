import json
import re
from collections.abc import Iterator

from serving.app import ROUTES
from serving.openapi import openapi_document
from serving.settings import Settings

DOCUMENT = openapi_document(Settings())
UNLISTED = {"/", "/static/{...}", "/favicon.ico", "/docs", "/openapi.json"}  # pages, no interface


def test_every_route_is_described_with_its_methods() -> None:
    """Nothing is served that is not described, and the other way round."""
    served = {
        route.pattern: {method.lower() for method in route.handlers}
        for route in ROUTES
        if route.pattern not in UNLISTED
    }
    assert served == {path: set(item) for path, item in DOCUMENT["paths"].items()}


def test_references_lead_somewhere() -> None:
    """Each $ref names a schema of the document."""
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert named <= set(DOCUMENT["components"]["schemas"])
    assert {"Answer", "Comparison", "Prediction", "Problem"} <= named


def test_every_operation_can_be_read() -> None:
    """A tag, a summary and answers for each; parameters with a description."""
    for operation in operations():
        assert {"tags", "summary", "responses"} <= operation.keys()
        assert all("description" in answer for answer in operation["responses"].values())


def operations() -> Iterator[dict[str, dict[str, dict[str, object]]]]:
    """Every method of every path."""
    return (operation for item in DOCUMENT["paths"].values() for operation in item.values())
