"""The image itself: what it holds, what it weighs, how it runs where little is allowed."""

import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.image.conftest import megabytes
from tests.image.containers import HARDENED, Server, ask, container, wait_for
from tests.image.traffic import Traffic
from tests.sources import ROOT

MOST_OVER_BASE_MB = 350
TOOLS = ROOT / ".venv-tools/bin"


def test_the_image_is_small(image: str) -> None:
    """Server, runtime and four models are at most 350 MB over the base image."""
    whole, base = megabytes(image), megabytes(os.environ["MACHINE_PYTHON_IMAGE"])
    assert MOST_OVER_BASE_MB >= whole - base


def test_the_image_keeps_its_promises(archive: Path) -> None:
    """User, entry point, ports, labels and variables are those of structure.yaml."""
    command = [TOOLS / "container-structure-test", "test", "--driver", "tar", "--image", archive]
    done = subprocess.run(
        [*command, "--config", ROOT / "tests/image/structure.yaml"], capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr


def test_it_holds_what_serving_needs(image: str) -> None:
    """Models, compiled code and the licence are in it; what trains, tests or installs is not."""
    wanted = ("/models/aliases.json", "/app/serving/__pycache__", "/app/LICENSE")
    packages = "/opt/thaw/lib/python3.11/site-packages"
    unwanted = (
        "/models/source",
        "/app/training",
        "/app/tests",
        "/opt/thaw/bin/pip",
        f"{packages}/pip",
        f"{packages}/torch",
    )
    look = "import os, sys; print(*[path for path in sys.argv[1:] if os.path.exists(path)])"
    found = container("run", "--rm", "--entrypoint", "python", image, "-c", look, *wanted, *unwanted)
    assert list(wanted) == found.split()


def test_the_bill_of_materials_names_what_is_installed(archive: Path, tmp_path: Path) -> None:
    """Every package of requirements/serve-cpu.txt is in the SBOM with its version, and pip is not."""
    target = tmp_path / "cpu.cdx.json"
    command = [TOOLS / "syft", "--quiet", f"docker-archive:{archive}", "--output", f"cyclonedx-json={target}"]
    subprocess.run(command, check=True, env=os.environ | {"SYFT_CHECK_FOR_APP_UPDATE": "false"})
    components = {(part["name"].lower(), part.get("version")) for part in json.loads(target.read_text())["components"]}
    lock = (ROOT / "requirements/serve-cpu.txt").read_text()
    locked = {tuple(line.split(" ")[0].split("==")) for line in lock.splitlines() if "==" in line}
    assert set() == locked - {(name.replace("_", "-"), version) for name, version in components}
    assert "pip" not in {name for name, _ in components}


def test_it_answers_where_little_is_allowed(image: str, photograph: bytes) -> None:
    """Read-only root, no capability, one core, 512 MB: ready, a bus is a bus, and the health command agrees."""
    started = time.monotonic()
    with Server(image, *HARDENED) as server:
        server.wait_ready()
        print(f"ready {time.monotonic() - started:.2f} s after the command")
        status, answer = ask(server.port, "POST", "/predict", photograph)
        assert (200, "bus") == (status, json.loads(answer)["predictions"][0]["label"])
        assert "" == server.inside("python", "-m", "serving.health")
        facts = server.inside("cat", "/proc/1/status")
        assert "0000000000000000" == facts.split("CapEff:")[1].split()[0]
        assert "10001" == facts.split("Uid:")[1].split()[0]
        assert "" == server.inside("find", "/tmp", "-type", "f"), "nothing is written, telemetry's store least of all"
        assert b"thaw_lanes 1.0" in ask(server.port, "GET", "/metrics")[1], "lanes follow the quota"


def test_its_model_store_can_be_exchanged(image: str, photograph: bytes) -> None:
    """A store mounted over /models is served without a rebuild."""
    with Server(image, *HARDENED, f"--volume={ROOT / 'model_store/drawn'}:/models:ro") as server:
        server.wait_ready()
        names = {model["name"] for model in json.loads(ask(server.port, "GET", "/models")[1])["models"]}
        assert {path.name for path in (ROOT / "model_store/drawn").iterdir() if path.is_dir()} == names
        assert 200 == ask(server.port, "POST", "/predict", photograph)[0]


def test_verbs_are_arguments(image: str) -> None:
    """What follows the image's name is a verb of `python -m serving`."""
    with Server(image, *HARDENED) as server:
        server.wait_ready()
        assert "majority" in server.inside("python", "-m", "serving", "check")


def test_it_drains_under_load(image: str, photograph: bytes) -> None:
    """Stopped under open-loop load: not ready at once, every request answered until the listener closes, exit 0."""
    with Server(image, *HARDENED, settings={"drain_seconds": 2, "stop_seconds": 10}) as server:
        server.wait_ready()
        with Traffic(server.port, photograph, rate=20) as traffic:
            wait_for(lambda: traffic.statuses()[200] > 10, "some answers")
            exits: list[int] = []
            told = time.monotonic()
            stopping = threading.Thread(target=lambda: exits.append(server.stop(15)))
            stopping.start()
            wait_for(lambda: not server.is_ready(), "it says that it is not ready", 2)
            stopping.join()
            took = time.monotonic() - told
        print(
            f"drained in {took:.1f} s; before: {dict(traffic.statuses(before=told + 1.5))}, all: {traffic.statuses()}"
        )
        assert [0] == exits
        assert {200} == set(traffic.statuses(before=told + 1.5)), "served on while it drained"


def test_it_dies_of_too_little_grace(image: str) -> None:
    """A grace period shorter than the drain ends in a kill: the chart's must be longer."""
    with Server(image, *HARDENED, settings={"drain_seconds": 5}) as server:
        server.wait_ready()
        assert 137 == server.stop(1)


@pytest.mark.parametrize(("name", "value"), [("THAW_LANS", "1"), ("THAW_LANES", "many")])
def test_a_wrong_setting_stops_the_start(image: str, name: str, value: str) -> None:
    """Exit code 4 and a sentence that names the variable."""
    with Server(image, *HARDENED, f"--env={name}={value}") as server:
        wait_for(lambda: server.state()["Status"] == "exited", "it ends by itself")
        assert 4 == server.state()["ExitCode"]
        assert name in server.log()
