"""Each expression of rules, dashboard and scalers speaks of series that the server really has."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from serving.metrics import OUTCOMES, Metrics
from tests.chart.rendering import CHART, HELMS, documents, of_kind, only, render, template
from tests.chart.test_rules import groups
from tests.chart.tools import run

DASHBOARD = CHART / "files/dashboard.json"
OF_PROMETHEUS = {"namespace", "job", "pod", "instance"}  # labels that a scrape adds


@cache
def exposed() -> dict[str, set[str]]:
    """Series -> its labels, as a server with one model exposes them."""
    metrics = Metrics()
    metrics.prepare_route("predict", is_about_models=True)
    info = {
        "variant": "float32",
        "provider": "CPUExecutionProvider",
        "runtime": "1",
        "recipe": "majority",
        "depth": "3",
    }
    metrics.prepare_model(("majority", "1"), ("bus", "car"), info)
    families = text_string_to_metric_families(metrics.exposition().decode())
    series: dict[str, set[str]] = {}
    for sample in (sample for family in families for sample in family.samples):
        series.setdefault(sample.name, set()).update(sample.labels)
    return series


def rule_expressions() -> list[str]:
    """Of the PrometheusRule, for CPU and GPU."""
    return [rule["expr"] for device in ("cpu", "gpu") for group in groups(device) for rule in group["rules"]]


def dashboard_expressions() -> list[str]:
    """Of every panel, with Grafana's variables filled in."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    raw = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    return [each.replace("$__rate_interval", "5m").replace("$namespace", "ns").replace("$job", "rel") for each in raw]


def scaler_expressions() -> list[str]:
    """Of KEDA's trigger and the pods metric of the autoscaler."""
    scaled = only(render("ci/keda-pvc.yaml"), "ScaledObject")
    pods = only(render("ci/jobs.yaml"), "HorizontalPodAutoscaler")["spec"]["metrics"]
    return [scaled["spec"]["triggers"][0]["metadata"]["query"], *(each["pods"]["metric"]["name"] for each in pods)]


@pytest.mark.parametrize("source", [rule_expressions, dashboard_expressions, scaler_expressions])
def test_series_exist(source: Any) -> None:  # noqa: ANN401 - one of the functions above
    """Each thaw_ name is a series of the server, and each label in its braces one of that series."""
    recorded = {rule["record"] for group in groups() for rule in group["rules"] if "record" in rule}
    for expression in source():
        assert set(re.findall(r"\bthaw:[\w:]+", expression)) <= recorded
        for name, matchers in re.findall(r"\b(thaw_\w+)(?:\{([^}]*)\})?", expression):
            assert name in exposed()
            assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)) <= exposed()[name] | OF_PROMETHEUS


@pytest.mark.parametrize("source", [rule_expressions, dashboard_expressions])
def test_groupings_exist(source: Any) -> None:  # noqa: ANN401 - one of the functions above
    """What an expression groups by is a label of one of its series."""
    for expression in source():
        labels = set().union(
            OF_PROMETHEUS, {"le"}, *(exposed().get(name, set()) for name in re.findall(r"thaw_\w+", expression))
        )
        for grouping in re.findall(r"\b(?:by|on) ?\(([^)]*)\)", expression):
            assert {each.strip() for each in grouping.split(",")} <= labels


def test_outcomes_exist() -> None:
    """Each outcome that an objective counts is one of the server's."""
    text = "\n".join([*rule_expressions(), *dashboard_expressions()])
    named = {each for found in re.findall(r'outcome(?:=~|!=)"([^"]+)"', text) for each in found.split("|")}
    assert named <= set(OUTCOMES)


def test_the_dashboard_is_shipped_as_it_is() -> None:
    """The ConfigMap holds the file, every panel has a title, and no two share a place."""
    shipped = only(render("values-production.yaml"), "ConfigMap", "rel-thaw-dashboard")["data"]["thaw.json"]
    document = json.loads(shipped)
    assert json.loads(DASHBOARD.read_text()) == document
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in document["panels"]]
    assert len(places) == len(set(places))
    assert all(panel["title"] for panel in document["panels"])


def test_promtool_understands_the_dashboard(tmp_path: Path) -> None:
    """Every expression of a panel is one that Prometheus parses."""
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(dashboard_expressions())]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = run("promtool", "check", "rules", tmp_path / "rules.yaml")
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("helm", HELMS)
def test_monitors_scrape_the_metrics_port(helm: str) -> None:
    """Either monitor asks the ops port for /metrics, and the service behind has that port."""
    wanted = (
        "monitoring.serviceMonitor.enabled=true,monitoring.podMonitor.enabled=true,monitoring.scrapeAnnotations=true"
    )
    found = documents(template("--set", wanted, helm=helm).stdout)
    (service,) = only(found, "ServiceMonitor")["spec"]["endpoints"]
    (pod,) = only(found, "PodMonitor")["spec"]["podMetricsEndpoints"]
    assert ("ops", "/metrics") == (service["port"], service["path"]) == (pod["port"], pod["path"])
    selected = only(found, "ServiceMonitor")["spec"]["selector"]["matchLabels"].items()
    (behind,) = [each for each in of_kind(found, "Service") if selected <= each["metadata"]["labels"].items()]
    assert ["ops"] == [port["name"] for port in behind["spec"]["ports"]]
    notes = only(found, "Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert "8081" == notes["prometheus.io/port"]


def test_legends_name_labels_that_are_there() -> None:
    """What a legend prints of a series is a label that its expression keeps; else Grafana prints nothing."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            kept = {
                each.strip() for group in re.findall(r"by \(([^)]*)\)", target["expr"]) for each in group.split(",")
            }
            assert set(re.findall(r"{{ *(\w+) *}}", target["legendFormat"])) <= kept, panel["title"]


def test_panels_speak_one_unit_and_fill_their_row() -> None:
    """No axis carries photographs and seconds at once, and no line of panels ends before the page does."""
    panels = [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]
    for panel in panels:
        kinds = {"seconds" in target["expr"] for target in panel["targets"]}
        assert 1 == len(kinds), panel["title"]
    lines: dict[int, int] = {}
    for place in (panel["gridPos"] for panel in panels):
        lines[place["y"]] = lines.get(place["y"], 0) + place["w"]
    assert {24} == set(lines.values())
