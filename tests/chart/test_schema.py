"""values.yaml, its schema and its README say the same, and nonsense is refused in a sentence."""

from typing import Any

import pytest
import yaml

from serving.settings import Settings
from tests.chart import generated
from tests.chart.rendering import CHART, HELMS, template, with_values
from tests.sources import ROOT


def test_the_schema_is_what_values_and_settings_say() -> None:
    """values.schema.json is made of values.yaml and of the server's settings. Renew: python -m tests.chart.generated"""
    assert generated.schema_text() == generated.SCHEMA.read_text()


def test_the_readme_explains_every_value() -> None:
    """Its table is made of the `@param` lines. Renew: python -m tests.chart.generated"""
    assert generated.readme() == generated.README.read_text()


def test_every_value_has_its_line() -> None:
    """Each value has one `@param` line with a sentence, and no line speaks of a value that is not there."""
    named = [name for name, _ in generated.parameters()]
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert sorted(named) == sorted(name for name, _ in generated.leaves(values))
    assert [] == [name for name, meaning in generated.parameters() if not meaning.endswith((".", "..."))]


def test_decided_settings_exist() -> None:
    """Settings that the chart keeps to itself are settings of the server."""
    assert set() == generated.DECIDED - set(Settings.model_fields)


def test_the_chart_is_of_this_version() -> None:
    """appVersion, which is the default tag, is the version of pyproject.toml, as `make image` tags."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert f'\nversion = "{chart["appVersion"]}"\n' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize(
    ("values", "named"),
    [
        ("replica=3", "replica"),
        ("settings.deadline_ms=soon", "deadline_ms"),
        ("settings.deadline_ms=0", "deadline_ms"),
        ("settings.deadlin_ms=5", "deadlin_ms"),
        ("settings.host=0.0.0.0", "host"),
        ("runtime=tensorrt", "runtime"),
        ("device=tpu", "device"),
        ("image.tag=latest", "tag"),
        ("image.digest=abc", "digest"),
        ("autoscaling.maxReplicas=many", "maxReplicas"),
        ("canary.weight=101", "weight"),
        ("monitoring.rules.latencySeconds=0.12", "latencySeconds"),
        ("monitoring.rules.labels=x", "labels"),
        ("service.port=99999", "port"),
        ("modelStore.download.sha256=abc", "sha256"),
    ],
)
def test_nonsense_is_refused(values: str, named: str, helm: str) -> None:
    """A wrong type, bound or name stops Helm with a message that names the value."""
    done = template("--set", values, helm=helm)
    assert 0 != done.returncode
    assert named in done.stderr


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"autoscaling.enabled": True, "keda.enabled": True}, "Choose one"),
        ({"drain.gracePeriodSeconds": 10}, "requests would be cut off"),
        ({"drain.seconds": 30}, "no time is left to finish"),
        ({"canary.enabled": True}, "needs something that divides the traffic"),
        ({"apiKeys.existingSecret": "a", "apiKeys.keys": ["b"]}, "both given"),
        ({"modelStore.type": "download"}, "name the archive"),
        ({"loadTestJob.enabled": True, "apiKeys.existingSecret": "a"}, "would only measure refusals"),
        ({"autoscaling.enabled": True, "autoscaling.cpuPercent": None}, "nothing to scale by"),
    ],
)
def test_contradictions_are_refused(values: dict[str, Any], sentence: str) -> None:
    """Values that are each right and together wrong stop Helm with what to do."""
    assert sentence in with_values(values).stderr
