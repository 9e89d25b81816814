"""What KServe's own models have against documents on standard input (JSON list): a line for each unknown field.

Runs in .venv-tools: python tests/chart/kserve_fields.py < documents.json
"""

import json
import re
import sys
from typing import Any

import kserve.models
import kubernetes.client.models

KINDS = {"ClusterServingRuntime": "V1alpha1ClusterServingRuntime", "InferenceService": "V1beta1InferenceService"}


def complaints(value: Any, kind: str, path: str) -> list[str]:  # noqa: ANN401 - whatever JSON holds
    """Unknown fields and wrong types below a value that should be of this kind."""
    if found := re.fullmatch(r"list\[(.+)\]", kind):
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        return [line for n, each in enumerate(value) for line in complaints(each, found[1], f"{path}[{n}]")]
    model = getattr(kserve.models, kind, None) or getattr(kubernetes.client.models, kind, None)
    if model is None:
        plain = {"str": str, "int": int, "bool": bool}.get(kind)
        return [f"{path}: {value!r} is no {kind}"] if plain and not isinstance(value, plain) else []
    if not isinstance(value, dict):
        return [f"{path}: not an object"]
    kinds = {model.attribute_map[name]: of for name, of in model.openapi_types.items()}
    unknown = [f"{path}.{name}: unknown to {kind}" for name in value.keys() - kinds.keys()]
    inside = [
        line for name in value.keys() & kinds.keys() for line in complaints(value[name], kinds[name], f"{path}.{name}")
    ]
    return unknown + inside


if __name__ == "__main__":
    for document in json.load(sys.stdin):
        print("\n".join(complaints(document, KINDS[document["kind"]], document["kind"])))
