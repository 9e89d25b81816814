"""Every values file, rendered by both Helms and held to Kubernetes' own schemas."""

from pathlib import Path

import pytest

from tests.chart.rendering import (
    CHART,
    FILES,
    HELMS,
    NEWEST,
    OLDEST,
    VERSIONS,
    documents,
    of_kind,
    render,
    template,
    validate,
)
from tests.chart.tools import run

# Their schemas come with operators, not with Kubernetes; test_custom.py and promtool look at them.
CUSTOM = {"ServiceMonitor", "PodMonitor", "PrometheusRule", "ScaledObject", "HTTPRoute"}


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("file", FILES)
def test_helm_lints_every_file(file: str, helm: str) -> None:
    """`helm lint --strict` has nothing against any values file."""
    done = run(helm, "lint", "--strict", CHART, "--values", CHART / file, "--kube-version", f"{NEWEST}.0")
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("file", FILES)
def test_both_helms_agree(file: str) -> None:
    """Helm 3 and Helm 4 make the same documents."""
    assert render(file, "helm3", NEWEST) == render(file, "helm4", NEWEST)


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_field(version: str, tmp_path: Path) -> None:
    """What any values file becomes on a version of Kubernetes has only fields and types that this version knows."""
    found = tuple(
        document
        for file, oldest in FILES.items()
        if minor(version) >= minor(oldest)
        for document in render(file, "helm4", version)
        if document["kind"] not in CUSTOM
    )
    assert "" == validate(found, version, tmp_path)


def test_the_schemas_would_notice(tmp_path: Path) -> None:
    """A misspelt field is refused by the validation above."""
    broken = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"prots": []}}
    assert "prots" in validate((broken,), NEWEST, tmp_path)


def test_other_versions_of_kubernetes_are_refused() -> None:
    """The chart says which versions it is for, and Helm holds to it."""
    assert 0 == template(version=OLDEST).returncode
    assert "incompatible" in template(version="1.28").stderr


def test_new_fields_are_for_new_versions() -> None:
    """A pod sleeps before it stops: by Kubernetes itself from 1.30 on, by a command before."""

    def pause(version: str) -> set[str]:
        (deployment,) = of_kind(render(version=version), "Deployment")
        return set(deployment["spec"]["template"]["spec"]["containers"][0]["lifecycle"]["preStop"])

    assert ({"exec"}, {"sleep"}, {"sleep"}) == (pause("1.29"), pause("1.30"), pause(NEWEST))


@pytest.mark.parametrize(
    ("words", "version", "sentence"),
    [
        (("--values", str(CHART / "ci/oci-new.yaml")), "1.32", "image volumes need 1.33"),
        (("--set", "service.trafficDistribution=PreferClose"), "1.30", "needs Kubernetes 1.31"),
        (("--set", "service.trafficDistribution=PreferSameNode"), "1.33", "needs Kubernetes 1.34"),
    ],
)
def test_what_a_cluster_is_too_old_for(words: tuple[str, ...], version: str, sentence: str) -> None:
    """A field that a cluster would drop without a word is refused in a sentence instead."""
    assert sentence in template(*words, version=version).stderr


def test_two_releases_do_not_meet() -> None:
    """No name of one release is a name of another in the same namespace."""
    first, second = (
        {(each["kind"], each["metadata"]["name"]) for each in documents(run("helm4", "template", name, CHART).stdout)}
        for name in ("one", "two")
    )
    assert set() == first & second


def minor(version: str) -> int:
    """1.29 -> 29"""
    return int(version.partition(".")[2])
