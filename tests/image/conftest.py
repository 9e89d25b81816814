"""The image under test: built once, by the verb that users type."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.image.containers import container
from tests.sources import ROOT

NAME = "localhost/thaw-test"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever is in this folder wants containers."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.image)


def build(target: str) -> str:
    """Name of the freshly built image. Prints how long the build took and what the image weighs over its base."""
    if "MACHINE_PYTHON_IMAGE" not in os.environ:
        pytest.skip("containers are set up by tests/image/machine.sh: run `make test-image`")
    started, name = time.monotonic(), f"{NAME}:{target}"
    command = ["make", "image", f"TARGET={target}", f"IMAGE={NAME}", f"TAG={target}"]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == built.returncode, built.stdout[-3000:] + built.stderr[-3000:]
    whole, base = megabytes(name), megabytes(os.environ["MACHINE_PYTHON_IMAGE"])
    took = time.monotonic() - started
    print(f"make image TARGET={target}: {took:.0f} s, {whole:.0f} MB = {base:.0f} + {whole - base:.0f} MB")
    return name


@pytest.fixture(scope="session")
def image() -> str:
    """The `cpu` image."""
    return build("cpu")


@pytest.fixture(scope="session")
def archive(image: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image as a file."""
    path = tmp_path_factory.mktemp("archive") / "image.tar"
    container("save", "--output", str(path), image)
    return path


@pytest.fixture(scope="session")
def photograph() -> bytes:
    """A drawn bus, as the page offers it."""
    return (ROOT / "serving/page/samples/bus.jpg").read_bytes()


def megabytes(image: str) -> float:
    """What its layers weigh, unpacked."""
    return int(container("image", "inspect", "--format", "{{.Size}}", image)) / 1e6


def argument(name: str) -> str:
    """Default of a build argument of the Dockerfile."""
    found = re.search(rf"(?m)^ARG {name}=(.+)$", (ROOT / "Dockerfile").read_text())
    assert found, f"the Dockerfile has no argument {name}"
    return found.group(1)
