"""What can be said of the Dockerfile without building it."""

import re
import subprocess

import pytest

from tests.chart.tools import run
from tests.sources import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
TARGETS = ("gpu", "torchserve", "train", "cpu")


def stages() -> dict[str, str]:
    """Stage -> its text."""
    parts = re.split(r"(?m)^FROM .+ AS (.+)$", DOCKERFILE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_hadolint_finds_nothing() -> None:
    """hadolint has nothing to say, and nothing is ignored."""
    assert "" == run("hadolint", ROOT / "Dockerfile").stdout


def test_the_base_is_pinned() -> None:
    """The base image is an argument, by version and digest."""
    assert re.search(r"(?m)^ARG PYTHON_IMAGE=python:[\d.]+-slim-\w+@sha256:[0-9a-f]{64}$", DOCKERFILE)
    assert {"PYTHON_IMAGE"} == set(re.findall(r"(?m)^FROM \$\{(\w+)\}", DOCKERFILE))
    assert set() == set(re.findall(r"(?m)^FROM ([a-z-]+)", DOCKERFILE)) - set(stages())


def test_cpu_is_the_default() -> None:
    """The last stage is what a build without --target makes."""
    assert "cpu" == list(stages())[-1]
    assert set(TARGETS) <= set(stages())


def test_commands_are_lists() -> None:
    """Exec form: SIGTERM arrives at the program, not at a shell."""
    forms = re.findall(r"(?m)^(?:ENTRYPOINT|CMD|HEALTHCHECK .+ CMD) (.)", DOCKERFILE)
    assert {"["} == set(forms)
    assert {"SIGTERM"} == set(re.findall(r"STOPSIGNAL (\w+)", DOCKERFILE))


def test_only_checked_wheels_are_installed() -> None:
    """Every installation checks hashes, builds nothing, and reads a file of requirements/."""
    assert "--only-binary=:all: --require-hashes" in DOCKERFILE
    installs = re.findall(r"\$INSTALL -r /tmp/([\w${}-]+)\.txt", DOCKERFILE)
    assert {"serve-cpu", "serve-gpu", "train", "torch-${TORCH}", "torch-cpu", "torchserve"} == set(installs)
    assert 1 == DOCKERFILE.count("pip --python"), "one way to install"


def test_nobody_is_root() -> None:
    """Every target descends from the stage that gives up root, and none takes it back."""
    assert ["10001:10001"] == re.findall(r"(?m)^USER (.+)$", DOCKERFILE)
    assert "USER 10001:10001" in stages()["runtime"]


def test_the_context_holds_what_is_copied() -> None:
    """.dockerignore lets in every path that a COPY from the repository names, and the repository has it."""
    allowed = {
        line[1:].partition("/")[0] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    copies = re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", DOCKERFILE)
    sources = {path.replace("${TORCH}", "cpu") for paths in copies for path in paths.split()}
    assert set() == {path.partition("/")[0] for path in sources} - allowed
    assert [] == [path for path in sources if not (ROOT / path).exists()]


@pytest.mark.long
def test_checkov_finds_nothing() -> None:
    """A security review of the Dockerfile passes; what it may not judge is explained in the file."""
    done = run(
        "checkov", "--quiet", "--compact", "--skip-download", "--framework", "dockerfile", "-f", ROOT / "Dockerfile"
    )
    assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_make_image_builds_each_target(target: str) -> None:
    """`make image TARGET=...` asks for that stage under a tag of its own."""
    command = ["make", "--dry-run", "image", f"TARGET={target}", "CONTAINER=podman"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tag = "" if target == "cpu" else f"-{target}"
    assert re.search(rf"podman build --target {target} --tag thaw:[\d.]+{tag} ", printed)
