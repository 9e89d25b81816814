"""requirements/*.txt: what images and tools install. `make locks` writes them anew."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

from tests.sources import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = sorted(path.stem for path in (ROOT / "requirements").glob("*.txt"))
MOST_OF_A_SERVER_MB = 250
# Lock -> the extras whose every package it must hold, possibly together with another lock.
HOLDS = {
    "serve-cpu": (("serve-cpu", "server", "otel"), ()),
    "serve-gpu": (("serve-gpu", "server", "otel"), ()),
    "train": (("train", "contrast", "load"), ("torch-cuda",)),
    "tools": (("tools",), ()),
}


def pins(path: Path) -> dict[str, str]:
    """Package -> version, of a file of `name==version` lines."""
    found = re.findall(r"(?m)^([\w.-]+)==([\w.+]+)", path.read_text())
    return dict(found)


def lock(name: str) -> dict[str, str]:
    """Pins of one lock."""
    return pins(ROOT / "requirements" / f"{name}.txt")


@pytest.mark.parametrize("name", LOCKS)
def test_every_file_is_known_by_its_hash(name: str) -> None:
    """No package of a lock is installed unchecked."""
    blocks = re.split(r"(?m)^(?=[\w.-]+==)", (ROOT / "requirements" / f"{name}.txt").read_text())[1:]
    assert [] == [block.split(" ")[0] for block in blocks if "--hash=sha256:" not in block]


@pytest.mark.parametrize("name", sorted({*LOCKS} - {"tools", "helm", "uv"}))
def test_images_get_the_tested_versions(name: str) -> None:
    """A package has the version of constraints.txt, with which the tests run; `+cpu` is a build of it."""
    tested = pins(ROOT / "constraints.txt")
    assert {} == {
        package: version for package, version in lock(name).items() if tested.get(package) != version.partition("+")[0]
    }


@pytest.mark.parametrize("name", HOLDS)
def test_locks_hold_what_is_declared(name: str) -> None:
    """Every direct dependency of the extras is in the lock."""
    extras, others = HOLDS[name]
    wanted = [
        *(PROJECT["dependencies"] if name != "tools" else ()),
        *(each for extra in extras for each in EXTRAS[extra]),
    ]
    names = {re.split(r"[\[=; ]", each)[0].lower() for each in wanted} - {"thaw"}
    assert set() == names - set().union(lock(name), *(lock(other) for other in others))


def test_torch_comes_in_two_builds() -> None:
    """The CPU build brings nothing of NVIDIA's, and the training lock brings neither build."""
    assert not [name for name in lock("torch-cpu") if name.startswith(("nvidia-", "cuda-"))]
    assert not [name for name in lock("train") if name.startswith(("torch", "nvidia-", "cuda-"))]


def test_the_server_has_no_trainer_in_it() -> None:
    """Neither server image installs torch."""
    assert not {"torch", "onnx"} & {*lock("serve-cpu"), *lock("serve-gpu")}


def test_a_server_installs_little() -> None:
    """All that serving on the CPU wants, ONNX Runtime and numpy included, on the disk; byte code apart."""
    files = [file for package in lock("serve-cpu") for file in importlib.metadata.distribution(package).files or ()]
    sizes = [Path(str(file.locate())).stat().st_size for file in files if file.suffix != ".pyc"]
    assert MOST_OF_A_SERVER_MB > sum(sizes) / 1e6
