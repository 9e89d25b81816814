"""A real Prometheus scrapes the container, asks what the dashboard asks, and fires an alert of the chart."""

import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.chart.rendering import CHART
from tests.chart.test_rules import groups
from tests.chart.tools import tool
from tests.image.containers import HARDENED, Server, ask, wait_for
from tests.image.traffic import Traffic

FIRING = "ThawShedding"
OVERLAPPING = 200.0  # requests a second: the next one comes before the one slot is free, however fast the machine


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[int]:
    """Scrapes 127.0.0.1:target each second with the chart's rules, whose waits are cut short. Yields its port."""
    rules = json.loads(json.dumps(groups()))
    for rule in (rule for group in rules for rule in group["rules"]):
        rule.pop("for", None)
        rule["expr"] = rule["expr"].replace("[5m]", "[15s]")
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [{**each, "interval": "1s"} for each in rules]}))
    scrape = {
        "job_name": "rel",
        "static_configs": [{"targets": [f"127.0.0.1:{target}"], "labels": {"namespace": "ns"}}],
    }
    config = {"global": {"scrape_interval": "1s"}, "rule_files": ["rules.yaml"], "scrape_configs": [scrape]}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    command = [tool("promtool").with_name("prometheus"), f"--config.file={folder}/prometheus.yaml"]
    options = [f"--storage.tsdb.path={folder}/data", "--web.listen-address=127.0.0.1:0", "--log.format=json"]
    with (folder / "log").open("w+") as log, subprocess.Popen([*command, *options], stderr=log, stdout=log) as process:
        try:

            def address() -> int:
                lines = [json.loads(line) for line in (folder / "log").read_text().splitlines() if line.startswith("{")]
                said = [line["address"] for line in lines if line.get("msg") == "Listening on" and "address" in line]
                return int(said[0].rpartition(":")[2]) if said else 0

            port = wait_for(address, "Prometheus listens")
            wait_for(lambda: ask(port, "GET", "/-/ready")[0] == 200, "Prometheus answers queries")  # 503 till then
            yield port
        finally:
            process.terminate()


def query(port: int, path: str, **parameters: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The data of an answer of Prometheus' API."""
    address = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(address, timeout=15) as response:
        return json.load(response)["data"]


def firing(port: int) -> set[str]:
    """Names of the alerts that fire at present."""
    return {each["labels"]["alertname"] for each in query(port, "alerts")["alerts"] if each["state"] == "firing"}


def test_prometheus_scrapes_and_an_alert_fires(image: str, photograph: bytes, tmp_path: Path) -> None:
    """Every panel of the dashboard shows something; too much load fires the chart's alert, and its end ends it."""
    with Server(image, *HARDENED, settings={"slots": 1}) as server:
        server.wait_ready()
        for _ in range(5):
            assert 200 == ask(server.port, "POST", "/predict", photograph)[0]
        with prometheus(tmp_path, server.port) as port:
            ready = 'thaw_ready{job="rel"}'
            wait_for(lambda: query(port, "query", query=ready)["result"], "the first scrape")
            assert FIRING not in firing(port)
            with Traffic(server.port, photograph, rate=OVERLAPPING) as traffic:
                wait_for(lambda: FIRING in firing(port), f"{FIRING} fires")
                wait_for(lambda: not empty_panels(port), "every panel shows something")
            print(f"{FIRING} fired; answers: {dict(traffic.statuses())}")
            wait_for(lambda: FIRING not in firing(port), f"{FIRING} ends")


def empty_panels(port: int) -> list[str]:
    """Titles of panels of which a query gives nothing."""
    panels = json.loads((CHART / "files/dashboard.json").read_text())["panels"]
    filled = {"$__rate_interval": "15s", "$namespace": ".*", "$job": ".*", "[1h]": "[15s]"}
    found = []
    for panel in panels:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for variable, value in filled.items():
                expression = expression.replace(variable, value)
            if not query(port, "query", query=expression)["result"]:
                found.append(f"{panel['title']}: {expression}")
    return found
