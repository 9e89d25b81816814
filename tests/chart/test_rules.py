"""Each rule on series made for it: it fires when it must, and only then. promtool is the judge."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.app import ROUTES
from tests.chart.rendering import CHART, documents, of_kind, template
from tests.chart.tools import run
from tests.sources import ROOT

AT = 'namespace="ns",job="rel"'
ASKED = f'{AT},route="predict",model="majority",version="1"'
PROBABILITY = f'{AT},model="majority",version="1"'


@dataclass(frozen=True)
class Case:
    """An alert and what it looks at. series: name and labels -> values, as promtool writes them."""

    alert: str
    series: dict[str, str]
    at: str
    labels: dict[str, str] | None  # None: silent
    interval: str = "1m"
    device: str = "cpu"


def requests(bad: str, each_minute: str, part: int) -> dict[str, str]:
    """Traffic of which `part` of 100 a minute end badly; and a probe that always fails, which must not count."""
    return {
        f'thaw_requests_total{{{ASKED},outcome="ok"}}': f"0+{100 - part}x{each_minute}",
        f'thaw_requests_total{{{ASKED},outcome="{bad}"}}': f"0+{part}x{each_minute}",
        f'thaw_requests_total{{{AT},route="readyz",model="",version="",outcome="unavailable"}}': f"0+100x{each_minute}",
    }


def answers(late: int, each_minute: int) -> dict[str, str]:
    """100 answers a minute, `late` of them over a tenth of a second."""
    return {
        f'thaw_step_seconds_bucket{{{AT},step="total",le="0.1"}}': f"0+{100 - late}x{each_minute}",
        f'thaw_step_seconds_count{{{AT},step="total"}}': f"0+100x{each_minute}",
    }


def waits(seconds: str) -> dict[str, str]:
    """60 photographs a minute, whose waits sum up to `seconds` a minute."""
    return {
        f'thaw_step_seconds_sum{{{AT},step="queue"}}': seconds,
        f'thaw_step_seconds_count{{{AT},step="queue"}}': "0+60x60",
    }


def loaded(pod: str, version: str = "1", provider: str = "CPUExecutionProvider") -> dict[str, str]:
    """A ready pod with one version."""
    info = f'instance="{pod}",model="majority",version="{version}",provider="{provider}"'
    return {f"thaw_model_info{{{AT},{info}}}": "1x60", f'thaw_ready{{{AT},instance="{pod}"}}': "1x60"}


def probabilities(today: float) -> dict[str, str]:
    """Eight days of 10 photographs every ten minutes; their mean is 0.2 and, in the last day, `today`."""
    return {
        f"thaw_new_class_probability_count{{{PROBABILITY}}}": "0+10x1152",
        f"thaw_new_class_probability_sum{{{PROBABILITY}}}": f"0+2x1008 {2016 + 10 * today}+{10 * today}x144",
    }


HERE = {"namespace": "ns", "job": "rel"}
MODEL = HERE | {"model": "majority"}
CASES = (
    Case("ThawErrorsBurnFast", requests("error", "90", 3), "70m", HERE),
    Case("ThawErrorsBurnFast", requests("shed", "90", 3), "70m", HERE),
    Case("ThawErrorsBurnFast", requests("refused", "90", 50), "70m", None),
    Case("ThawErrorsBurnFast", requests("error", "90", 1), "70m", None),
    Case("ThawErrorsBurnSlow", requests("deadline", "400", 1), "380m", HERE),
    Case("ThawErrorsBurnSlow", requests("deadline", "400", 0), "380m", None),
    Case("ThawLatencyBurnFast", answers(20, 90), "70m", HERE),
    Case("ThawLatencyBurnFast", answers(10, 90), "70m", None),
    Case("ThawLatencyBurnSlow", answers(8, 400), "380m", HERE),
    Case("ThawLatencyBurnSlow", answers(4, 400), "380m", None),
    Case("ThawSlotsNearlyUsedUp", {f"thaw_slots{{{AT}}}": "64x60", f"thaw_slots_in_use{{{AT}}}": "60x60"}, "10m", HERE),
    Case("ThawSlotsNearlyUsedUp", {f"thaw_slots{{{AT}}}": "64x60", f"thaw_slots_in_use{{{AT}}}": "40x60"}, "10m", None),
    Case("ThawShedding", {f'thaw_shed_total{{{AT},reason="slots"}}': "0+60x60"}, "12m", HERE | {"reason": "slots"}),
    Case("ThawShedding", {f'thaw_shed_total{{{AT},reason="slots"}}': "500x60"}, "12m", None),
    Case("ThawQueueWaits", waits("0+12x60"), "12m", {}),
    Case("ThawQueueWaits", waits("0+12x20 240+0.6x40"), "50m", None),  # a rate falls again; a sum never does
    Case("ThawAbsent", {}, "10m", HERE),
    Case("ThawAbsent", loaded("a"), "10m", None),
    Case(
        "ThawNotReady",
        {f'thaw_ready{{{AT},instance="a",pod="p"}}': "0x60"},
        "10m",
        HERE | {"instance": "a", "pod": "p"},
    ),
    Case("ThawNotReady", loaded("a"), "10m", None),
    Case("ThawLanesDie", {f"thaw_lane_restarts_total{{{AT}}}": "0+1x60"}, "20m", HERE),
    Case("ThawLanesDie", {f"thaw_process_restarts{{{AT}}}": "0x10 1 2 3x40"}, "20m", HERE),
    Case("ThawLanesDie", {f"thaw_lane_restarts_total{{{AT}}}": "0x10 1x50"}, "20m", None),
    Case("ThawProviderFellBack", loaded("a") | loaded("b", provider="CUDAExecutionProvider"), "5m", HERE),
    Case("ThawProviderFellBack", loaded("a") | loaded("b"), "5m", None),
    Case("ThawProviderFellBack", loaded("a"), "5m", HERE | {"instance": "a"}, device="gpu"),
    Case("ThawProviderFellBack", loaded("a", provider="CUDAExecutionProvider"), "5m", None, device="gpu"),
    Case("ThawVersionsDiffer", loaded("a") | loaded("b") | loaded("b", "2"), "40m", MODEL | {"version": "2"}),
    Case("ThawVersionsDiffer", loaded("a") | loaded("b"), "40m", None),
    Case("ThawVersionRefused", {f"thaw_versions_refused_now{{{AT}}}": "1x60"}, "10m", HERE),
    Case("ThawVersionRefused", {f"thaw_versions_refused_now{{{AT}}}": "0x60"}, "10m", None),
    Case("ThawBusProbabilityDrifts", probabilities(0.5), "190h", MODEL | {"version": "1"}, "10m"),
    Case("ThawBusProbabilityDrifts", probabilities(0.25), "190h", None, "10m"),
)


@cache
def groups(device: str = "cpu") -> list[dict[str, Any]]:
    """The groups of the rendered PrometheusRule."""
    done = template("--set", f"monitoring.rules.enabled=true,device={device},monitoring.rules.runbook=https://r")
    assert 0 == done.returncode, done.stderr
    (rule,) = of_kind(documents(done.stdout), "PrometheusRule")
    return list(rule["spec"]["groups"])


def alerts(device: str = "cpu") -> dict[str, dict[str, Any]]:
    """Name -> rule, of those that alert."""
    return {rule["alert"]: rule for group in groups(device) for rule in group["rules"] if "alert" in rule}


def unit_test(case: Case) -> dict[str, Any]:
    """As `promtool test rules` reads it."""
    rule = alerts(case.device)[case.alert]
    expected = (
        [{"exp_labels": case.labels | rule["labels"], "exp_annotations": rule["annotations"]}]
        if case.labels is not None
        else []
    )
    return {
        "interval": case.interval,
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [{"eval_time": case.at, "alertname": case.alert, "exp_alerts": expected}],
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}-{'silent' if case.labels is None else 'fires'}")
def test_rules_fire_when_they_must(case: Case, tmp_path: Path) -> None:
    """An alert fires on the series made for it, and is silent on those that are nearly so."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": groups(case.device)}))
    test = {"rule_files": ["rules.yaml"], "evaluation_interval": case.interval, "tests": [unit_test(case)]}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))
    done = run("promtool", "test", "rules", tmp_path / "test.yaml")
    assert 0 == done.returncode, done.stdout + done.stderr


def test_promtool_has_nothing_against_them(tmp_path: Path) -> None:
    """Names, expressions and templates are as Prometheus wants them."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": groups()}))
    done = run("promtool", "check", "rules", tmp_path / "rules.yaml")
    assert 0 == done.returncode, done.stdout + done.stderr


def test_every_alert_has_been_seen_firing_and_silent() -> None:
    """No alert is shipped that no test has fired."""
    assert set(alerts()) == {case.alert for case in CASES if case.labels is not None}
    assert set(alerts()) == {case.alert for case in CASES if case.labels is None}


def test_every_alert_has_its_section_in_the_runbook() -> None:
    """What an alert names is a heading of docs/runbook.md, and the link leads there."""
    headings = {line[3:] for line in (ROOT / "docs/runbook.md").read_text().splitlines() if line.startswith("## ")}
    for name, rule in alerts().items():
        section = rule["annotations"]["description"].split("section ")[1].split(",")[0]
        assert name.startswith(section)
        assert section in headings
        assert f"https://r#{section.lower()}" == rule["annotations"]["runbook_url"]


def test_objectives_count_photographs_only() -> None:
    """The routes of the objectives are those that take a photograph; /compare has a name of its own among them."""
    rules = (CHART / "templates/_rules.tpl").read_text()
    names = {route.name for route in ROUTES if route.takes_photograph}
    assert names == set(rules.split('route=~\\"')[1].split('\\"')[0].split("|"))
