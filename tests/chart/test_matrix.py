"""Switches in combination: every two of them on and on, on and off, off and on, off and off, in a dozen renderings."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.chart.rendering import NEWEST, OLDEST, Document, documents, server, template, validate
from tests.chart.test_render import CUSTOM

# Switch -> the values that turn it on. One that needs another brings it along.
SWITCHES: dict[str, dict[str, Any]] = {
    "gpu": {"device": "gpu"},
    "ingress": {"ingress.enabled": True, "ingress.className": "nginx", "ingress.tlsSecret": "cert"},
    "route": {"httpRoute.enabled": True, "httpRoute.parentRefs": [{"name": "gateway"}]},
    "canary": {"canary.enabled": True, "ingress.enabled": True, "canary.settings": {"deadline_ms": 100}},
    "autoscaling": {"autoscaling.enabled": True, "autoscaling.slotsInUse": 9},
    "keda": {"keda.enabled": True, "autoscaling.enabled": False},
    "policy": {"networkPolicy.clients": [{"podSelector": {}}], "networkPolicy.scrapers": [{"podSelector": {}}]},
    "no policy": {"networkPolicy.enabled": False},
    "no budget": {"podDisruptionBudget.enabled": False},
    "keys": {"apiKeys.existingSecret": "keys", "adminKey.existingSecret": "admin"},
    "load": {"loadTestJob.enabled": True, "loadTestJob.keySecret.name": "key"},
    "tls": {"tls.existingSecret": "cert"},
    "volume": {"modelStore.type": "pvc"},
    "download": {"modelStore.type": "download", "modelStore.download": {"url": "https://x/y", "sha256": "0" * 64}},
    "account": {"serviceAccount.create": False},
    "monitors": {"monitoring.serviceMonitor.enabled": True, "monitoring.podMonitor.enabled": True},
    "rules": {"monitoring.rules.enabled": True, "monitoring.dashboard.enabled": True},
    "annotations": {"monitoring.scrapeAnnotations": True, "podAnnotations": {"a": "b"}, "podLabels": {"c": "d"}},
    "training": {"trainingJob.enabled": True},
    "no test": {"tests.enabled": False},
    "headless": {"service.headless": True},
    "names": {"fullnameOverride": "a" * 60},
    "no pause": {"drain.preStopSeconds": 0},
    "settings": {"settings": {"lanes": 2}, "commonLabels": {"team": "vision"}},
    "one": {"replicas": 1},
}
BITS = len(SWITCHES).bit_length()


def combinations() -> list[list[str]]:
    """All, none, and for each bit of a switch's number those that have it and those that have not: pairs differ."""
    names = list(SWITCHES)
    halves = [
        [name for i, name in enumerate(names) if (i >> bit & 1) == wanted] for bit in range(BITS) for wanted in (1, 0)
    ]
    return [names, [], *halves]


def rendered(chosen: list[str], helm: str, version: str = NEWEST) -> tuple[Document, ...]:
    """The chart with these switches on."""
    values = [f"--set-json={name}={text}" for switch in chosen for name, text in as_json(SWITCHES[switch])]
    done = template(*values, helm=helm, version=version)
    assert 0 == done.returncode, done.stderr
    return documents(done.stdout)


def as_json(values: dict[str, Any]) -> list[tuple[str, str]]:
    """As Helm's --set-json takes them."""
    return [(name, json.dumps(value)) for name, value in values.items()]


def test_every_two_switches_meet() -> None:
    """The combinations hold each pair of switches in all four ways."""
    for first in SWITCHES:
        for second in set(SWITCHES) - {first}:
            assert 4 == len({(first in chosen, second in chosen) for chosen in combinations()})


@pytest.mark.parametrize("chosen", combinations(), ids=lambda chosen: str(len(chosen)))
def test_switches_go_together(chosen: list[str]) -> None:
    """Both Helms make the same of a combination: names stay short and unique, references find what they name."""
    found = rendered(chosen, "helm3")
    assert found == rendered(chosen, "helm4")
    names = [(each["kind"], each["metadata"]["name"]) for each in found]
    assert len(names) == len(set(names))
    assert max(len(name) for kind, name in names if kind == "Service") <= 63, "a name in DNS"
    for deployment in (name for kind, name in names if kind == "Deployment"):
        (config,) = [each["configMapRef"]["name"] for each in server(found, deployment)["envFrom"]]
        assert ("ConfigMap", config) in names
    targets = [each["spec"]["scaleTargetRef"]["name"] for each in found if "scaleTargetRef" in each.get("spec", {})]
    assert all(("Deployment", target) in names for target in targets)


@pytest.mark.long
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_knows_every_combination(version: str, tmp_path: Path) -> None:
    """No combination makes a field that the oldest or the newest Kubernetes does not know."""
    found = [
        each for chosen in combinations() for each in rendered(chosen, "helm4", version) if each["kind"] not in CUSTOM
    ]
    unique = {str(each): each for each in found}
    assert "" == validate(tuple(unique.values()), version, tmp_path)
