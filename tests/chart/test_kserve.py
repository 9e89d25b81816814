"""The examples for KServe, held to the models of its own Python package."""

import json
import subprocess

import pytest
import yaml

from serving.app import ROUTES
from serving.settings import load_settings
from tests.chart.tools import tool
from tests.sources import ROOT

FOLDER = ROOT / "helm/kserve"


def examples() -> dict[str, dict]:  # type: ignore[type-arg] # whatever YAML holds
    """Kind -> document."""
    found = [yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))]
    return {each["kind"]: each for each in found}


def complaints(documents: list[dict]) -> list[str]:  # type: ignore[type-arg] # whatever YAML holds
    """What KServe's models have against them."""
    command = [tool("python"), ROOT / "tests/chart/kserve_fields.py"]
    done = subprocess.run(command, input=json.dumps(documents), capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.long
def test_kserve_knows_every_field() -> None:
    """Runtime and service have fields of KServe's models only, with their types; a misspelt one would be seen."""
    documents = list(examples().values())
    assert [] == complaints(documents)
    broken = json.loads(json.dumps(documents))
    broken[0]["spec"]["containers"][0]["imagePullPolcy"] = "Always"
    assert ["imagePullPolcy"] == [line.split(":")[0].rpartition(".")[2] for line in complaints(broken)]


def test_the_runtime_is_our_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server accepts the runtime's variables, and its probes ask routes that exist."""
    (container,) = examples()["ClusterServingRuntime"]["spec"]["containers"]
    for variable in container["env"]:
        monkeypatch.setenv(variable["name"], variable["value"])
    assert container["ports"][0]["containerPort"] == load_settings().port
    gets = {route.pattern for route in ROUTES if "GET" in route.methods}
    assert {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")} <= gets


def test_service_and_runtime_fit() -> None:
    """The service names the runtime, a format and a protocol that it has; the server speaks that protocol."""
    runtime = examples()["ClusterServingRuntime"]
    model = examples()["InferenceService"]["spec"]["predictor"]["model"]
    assert model["runtime"] == runtime["metadata"]["name"]
    assert model["modelFormat"]["name"] in {each["name"] for each in runtime["spec"]["supportedModelFormats"]}
    assert model["protocolVersion"] in runtime["spec"]["protocolVersions"]
    assert any(route.pattern == "/v2/models/{model}/infer" for route in ROUTES)
