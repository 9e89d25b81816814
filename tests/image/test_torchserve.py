"""The image of TorchServe, run as little is allowed: it answers, it proves its models, it ends."""

import json
import os

import pytest

from tests.image.conftest import build
from tests.image.containers import Server, ask, container, wait_for

# Four workers, each with a torch of its own, and Java: what values-torchserve.yaml asks for.
HARDENED = (
    *("--read-only", "--tmpfs", "/tmp:size=512m", "--cap-drop", "all", "--security-opt", "no-new-privileges"),
    *("--memory", "3g", "--cpus", "2", "--pids-limit", "512", "--publish", "127.0.0.1::8082"),
)
pytestmark = pytest.mark.timeout(1800)  # torch is fetched, and a program of every model is made and proved
START_S = 600.0  # four interpreters that import torch, on two cores that others use too


@pytest.fixture(scope="module")
def torchserve() -> str:
    """The `torchserve` image. Its torch is PyTorch's CPU build, which the package index does not have."""
    if not {"PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"} & set(os.environ):
        pytest.skip(
            "no place for PyTorch's CPU wheels: name their index or folder in PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS"
        )
    return build("torchserve")


def test_torchserve_answers_where_little_is_allowed(torchserve: str, photograph: bytes) -> None:
    """Read-only root, no capability, 3 GB: every model answers its golden, a bus is a bus, and SIGTERM ends it all."""
    with Server(torchserve, *HARDENED) as server:
        prove = (server.name, "python", "-m", "serving.torchserve.ready", "/models")
        wait_for(lambda: "thaw: ready" in server.log(), "TorchServe has answered every golden", START_S)
        assert "" == container("exec", *prove)
        status, answer = ask(server.port, "POST", "/predictions/majority", photograph)
        scores = json.loads(answer)
        assert (200, "bus") == (status, max(scores, key=scores.get))
        facts = server.inside("cat", "/proc/1/status")
        assert "0000000000000000" == facts.split("CapEff:")[1].split()[0]
        assert "10001" == facts.split("Uid:")[1].split()[0]
        metrics = int(container("port", server.name, "8082/tcp").rpartition(":")[2])
        assert b"handler_seconds" in ask(metrics, "GET", "/metrics")[1]
        print(
            f"memory: {json.loads(container('stats', '--no-stream', '--format', 'json', server.name))[0]['mem_usage']}"
        )
        print(f"/tmp: {server.inside('du', '-sm', '/tmp')}")
        assert 0 == server.stop(20)
