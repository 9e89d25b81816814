"""What is written from values.yaml: schema, and table of the README. `python -m tests.chart.generated` renews both."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from serving.metrics import SECONDS
from serving.settings import Settings
from tests.sources import ROOT

CHART = ROOT / "helm/thaw"
README, SCHEMA = CHART / "README.md", CHART / "values.schema.json"
TABLE = re.compile(r"(?s)(<!-- values -->\n).*?(<!-- end of values -->)")
# Settings that the chart decides by values of its own.
DECIDED = {"host", "port", "ops_port", "models", "provider", "drain_seconds", "stop_seconds"}
DECIDED |= {"api_keys", "api_keys_file", "admin_key", "tls_cert", "tls_key"}

ANYTHING = {"type": "object"}
SECONDS_OF_TIME = {"type": "number", "minimum": 0}
POD_COUNT = {"type": "integer", "minimum": 1}
PERCENT = {"type": ["integer", "null"], "minimum": 1, "maximum": 1000}
NAME = {"type": "string", "pattern": r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$"}
PART = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
IMAGE_DIFFERENCE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {name: {"type": "string"} for name in ("registry", "repository", "tag", "digest", "pullPolicy")},
}
PULL_POLICY = {"enum": ["Always", "IfNotPresent", "Never"]}
# Where the default's own type says too little.
SHARPER: dict[str, dict[str, Any]] = {
    "runtime": {"enum": ["onnxruntime", "torchserve"]},
    "device": {"enum": ["cpu", "gpu"]},
    "image.tag": {"type": "string", "not": {"const": "latest"}},
    "image.digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "image.pullPolicy": PULL_POLICY,
    "replicas": {"type": "integer", "minimum": 0},
    "modelStore.type": {"enum": ["image", "pvc", "oci", "download"]},
    "modelStore.oci.pullPolicy": PULL_POLICY,
    "modelStore.download.url": {"type": "string", "pattern": "^(https?://.+)?$"},
    "modelStore.download.sha256": {"type": "string", "pattern": "^([0-9a-fA-F]{64})?$"},
    "gpu.count": POD_COUNT,
    "drain.preStopSeconds": {"type": "integer", "minimum": 0},
    "drain.seconds": SECONDS_OF_TIME,
    "drain.stopSeconds": {"type": "integer", "minimum": 1},
    "drain.gracePeriodSeconds": {"type": ["integer", "null"], "minimum": 1},
    "strategy.maxUnavailable": {"type": ["integer", "string"]},
    "strategy.maxSurge": {"type": ["integer", "string"]},
    "service.type": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    "service.port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "service.trafficDistribution": {"enum": ["", "PreferClose", "PreferSameZone", "PreferSameNode"]},
    "autoscaling.minReplicas": POD_COUNT,
    "autoscaling.maxReplicas": POD_COUNT,
    "autoscaling.cpuPercent": PERCENT,
    "autoscaling.slotsInUse": PERCENT,
    "keda.queueWaitSeconds": {"type": "number", "exclusiveMinimum": 0},
    "podDisruptionBudget.maxUnavailable": {"type": ["integer", "string"]},
    "canary.weight": {"type": "integer", "minimum": 0, "maximum": 100},
    "canary.image": IMAGE_DIFFERENCE,
    "trainingJob.image": IMAGE_DIFFERENCE,
    "loadTestJob.image": IMAGE_DIFFERENCE,
    "loadTestJob.workers": {"type": "integer", "minimum": 0, "maximum": 1000},
    "topologySpreadConstraints": {"type": ["array", "null"]},
    "monitoring.rules.availability": PART,
    "monitoring.rules.latencyPart": PART,
    "monitoring.rules.driftDifference": PART,
    "monitoring.rules.latencySeconds": {"enum": [bound for bound in SECONDS if bound < 1]},
}
# Maps whose keys are the user's or Kubernetes'.
FREE = {"resources", "podSecurityContext", "securityContext", "affinity", "nodeSelector", "commonLabels", "podLabels"}
FREE |= {"podAnnotations", "startup", "readiness", "liveness", "behavior", "annotations", "labels"}


def schema() -> dict[str, Any]:
    """JSON schema of values.yaml: known names only, with their types."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    return {"$schema": "http://json-schema.org/draft-07/schema#", **_object("", values)}


def _object(path: str, values: dict[str, Any]) -> dict[str, Any]:
    prefix = f"{path}." if path else ""
    properties = {name: _of(prefix + name, value) for name, value in values.items()}
    if not path:
        # A chart above this one hands these down.
        properties["global"] = ANYTHING | {"properties": properties["global"]["properties"]}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _of(path: str, value: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever YAML holds
    name = path.rpartition(".")[2]
    if path in SHARPER:
        return SHARPER[path]
    if name == "settings":
        return settings_schema()
    if name in FREE:
        return ANYTHING
    if name.startswith("existing") or name == "name":
        return NAME
    if isinstance(value, dict):
        return _object(path, value)
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return {"type": kinds[type(value)]}


def settings_schema() -> dict[str, Any]:
    """Settings of the server that a user may give, with their types and bounds."""
    known = Settings.model_json_schema()["properties"]
    kept = ("type", "enum", "minimum", "maximum", "exclusiveMinimum", "anyOf", "pattern", "description")
    properties = {
        name: {key: field[key] for key in kept if key in field}
        for name, field in sorted(known.items())
        if name not in DECIDED
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def parameters() -> list[tuple[str, str]]:
    """(path, meaning) of every `@param` line, in their order."""
    return re.findall(r"(?m)^ *## @param (\S+) (.+)$", (CHART / "values.yaml").read_text())


def leaves(values: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every path that a `@param` line may stand for, with its default; deeper ones where a map has its own lines."""
    known = {name for name, _ in parameters()}
    for name, value in values.items():
        full = f"{path}.{name}" if path else name
        if isinstance(value, dict) and value and full not in known:
            yield from leaves(value, full)
        else:
            yield full, value


def readme() -> str:
    """README.md with its table written anew."""
    defaults = dict(leaves(yaml.safe_load((CHART / "values.yaml").read_text())))
    lines = ["| value | default | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | `{json.dumps(defaults[name])}` | {meaning} |" for name, meaning in parameters()]
    return TABLE.sub(lambda found: found[1] + "\n".join(lines) + "\n" + found[2], README.read_text())


def schema_text() -> str:
    """values.schema.json."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema_text())
    README.write_text(readme())
