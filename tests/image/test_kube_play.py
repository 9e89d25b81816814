"""The rendered chart, run: podman plays its documents as a node would."""

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.chart.rendering import Document, documents, of_kind, only, template
from tests.image.containers import ask, container, wait_for


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def played(image: str, tmp_path: Path) -> Iterator[tuple[str, int, int]]:
    """Name of the running server, and where its http and ops ports are. Rendered with one replica, a short grace."""
    name, tag = image.rsplit(":", 1)
    small = "replicas=1,tests.enabled=false,resources.limits.cpu=1,resources.requests.cpu=1,drain.preStopSeconds=0"
    keys = f"image.repository={name},image.tag={tag},image.pullPolicy=Never,drain.seconds=1,drain.stopSeconds=10"
    done = template("--set", f"{small},{keys}")
    assert 0 == done.returncode, done.stderr
    found = documents(done.stdout)
    ports = publish(only(found, "Deployment"))
    path = tmp_path / "chart.yaml"
    path.write_text(yaml.safe_dump_all(found))
    container("kube", "play", str(path))
    try:
        yield "rel-thaw-pod-0-server", *ports
    finally:
        container("kube", "down", str(path), check=False)


def publish(deployment: Document) -> tuple[int, int]:
    """Give each port of the server a free one on loopback: this machine has no services. Returns http, ops."""
    ports = deployment["spec"]["template"]["spec"]["containers"][0]["ports"]
    for port in ports:
        port |= {"hostPort": free_port(), "hostIP": "127.0.0.1"}
    return ports[0]["hostPort"], ports[1]["hostPort"]


def test_the_chart_runs(played: tuple[str, int, int], photograph: bytes) -> None:
    """The chart's output is ready, answers a photograph, has metrics on their port, and drains to exit code 0."""
    name, http, ops = played
    wait_for(lambda: ask(http, "GET", "/readyz")[0] == 200, "the pod is ready")
    status, answer = ask(http, "POST", "/predict", photograph)
    assert (200, "bus") == (status, json.loads(answer)["predictions"][0]["label"])
    assert b"thaw_ready 1.0" in ask(ops, "GET", "/metrics")[1]
    assert 404 == ask(ops, "POST", "/predict", photograph)[0]
    facts = json.loads(container("inspect", name))[0]
    assert facts["HostConfig"]["ReadonlyRootfs"] is True
    assert "10001" == container("exec", name, "cat", "/proc/1/status").split("Uid:")[1].split()[0]
    container("pod", "stop", "--time", "20", "rel-thaw-pod-0")
    assert 0 == json.loads(container("inspect", name))[0]["State"]["ExitCode"]


def test_everything_rendered_is_understood(image: str, tmp_path: Path) -> None:
    """Documents that a single machine has no use for are skipped without an error: nothing in them is malformed."""
    found = documents(template("--set", "tests.enabled=false", "--values", "helm/thaw/ci/canary-ingress.yaml").stdout)
    rest = [each for each in found if each not in of_kind(found, "Deployment")]
    path = tmp_path / "rest.yaml"
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "rest"}}
    pause = {"name": "c", "image": image, "command": ["python", "-c", "pass"], "imagePullPolicy": "Never"}
    path.write_text(yaml.safe_dump_all([*rest, pod | {"spec": {"containers": [pause], "restartPolicy": "Never"}}]))
    try:
        done = subprocess.run(["podman", "kube", "play", path], capture_output=True, text=True, check=False)
        assert 0 == done.returncode, done.stderr
    finally:
        container("kube", "down", str(path), check=False)
