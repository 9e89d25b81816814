"""What TorchServe is started with."""

import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from serving.errors import StartError
from serving.torchserve import launch
from serving.torchserve.launch import Plan, configuration

PLAN = Plan((Path("out/frozen.mar"), Path("out/partial.mar")), 8090)


def settings(plan: Plan = PLAN) -> dict[str, str]:
    """config.properties as TorchServe reads it."""
    lines = configuration(plan, Path("/private"), (1, 2)).splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_every_address_is_loopback_or_private() -> None:
    """Nothing listens where another machine, or a page in a browser on the management port, could reach it."""
    found = {name: value for name, value in settings().items() if name.endswith("_address")}
    assert "unix:/private/management.sock" == found.pop("management_address")
    assert {"127.0.0.1"} == {value.removeprefix("http://").partition(":")[0] for value in found.values()}


def test_a_host_moves_what_clients_and_scrapers_ask() -> None:
    """In a container inference and metrics are reached from outside; management and gRPC stay where they were."""
    inside, outside = settings(), settings(replace(PLAN, host="0.0.0.0"))
    moved = {name for name in inside if inside[name] != outside[name]}
    assert {"inference_address", "metrics_address"} == moved
    assert "http://0.0.0.0:8090" == outside["inference_address"]


def test_models_are_named() -> None:
    """Never `all`, which takes whatever lies in the folder."""
    assert "frozen=frozen.mar,partial=partial.mar" == settings()["load_models"]


def test_nothing_can_be_fetched_or_registered() -> None:
    """The door of ShellTorch: a model URL from anyone, on an open management port."""
    assert ("file://nowhere", "false") == (settings()["allowed_urls"], settings()["enable_model_api"])
    assert ("false", "false") == (settings()["enable_envvars_config"], settings()["install_py_dep_per_model"])


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    """Before Java is started, with the port's number."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(StartError, match=f"127.0.0.1:{port}"):
            launch.serve(Plan((), port))


def test_the_whole_group_ends() -> None:
    """A child that ignores SIGTERM, and the grandchild that it leaves, are gone after `_end`."""
    stubborn = "import signal, subprocess, sys, time; signal.signal(15, signal.SIG_IGN); "
    stubborn += "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)']); "
    stubborn += "print('up', flush=True); time.sleep(99)"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "PATIENCE_S", 0.2)
        child = subprocess.Popen([sys.executable, "-c", stubborn], start_new_session=True, stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        launch._end(child)
        child.stdout.close()
    assert -signal.SIGKILL == child.returncode
