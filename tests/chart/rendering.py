"""What the chart becomes: rendered by a real Helm, read as documents."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.chart.tools import FOLDER, tool
from tests.sources import ROOT

CHART = ROOT / "helm/thaw"
HELMS = ("helm3", "helm4")
OLDEST, NEWEST = "1.29", "1.36"
VERSIONS = tuple(f"1.{minor}" for minor in range(29, 37))
Document = dict[str, Any]
DEFAULTS = "values.yaml"
# Values file -> the oldest Kubernetes that it is for.
FILES = {
    DEFAULTS: OLDEST,
    **{path.name: OLDEST for path in sorted(CHART.glob("values-*.yaml"))},
    **{f"ci/{path.name}": OLDEST for path in sorted((CHART / "ci").glob("*.yaml"))},
    "ci/oci-new.yaml": "1.33",
}


def template(*words: str, helm: str = "helm4", version: str = NEWEST) -> subprocess.CompletedProcess[str]:
    """`helm template` as release `rel` in namespace `ns`."""
    command = [tool(helm), "template", "rel", CHART, "--namespace", "ns", "--kube-version", f"{version}.0", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@cache
def render(file: str = DEFAULTS, helm: str = "helm4", version: str = NEWEST) -> tuple[Document, ...]:
    """The documents of a values file. Do not change them: they are shared."""
    done = template("--values", str(CHART / file), helm=helm, version=version)
    assert 0 == done.returncode, done.stderr
    return documents(done.stdout)


def with_values(values: Document, file: str = DEFAULTS) -> subprocess.CompletedProcess[str]:
    """Rendered with values of a test's own on top of a file's."""
    return template(
        "--values", str(CHART / file), "--set-json", ",".join(f"{k}={json.dumps(v)}" for k, v in values.items())
    )


def documents(text: str) -> tuple[Document, ...]:
    """Those that are not empty."""
    return tuple(document for document in yaml.safe_load_all(text) if document)


def of_kind(found: tuple[Document, ...], *kinds: str) -> list[Document]:
    """Documents of these kinds, in their order."""
    return [document for document in found if document["kind"] in kinds]


def only(found: tuple[Document, ...], kind: str, name: str = "rel-thaw") -> Document:
    """The one document of this kind and name."""
    (document,) = [each for each in of_kind(found, kind) if each["metadata"]["name"] == name]
    return document


def pods(found: tuple[Document, ...]) -> list[Document]:
    """The spec of every pod that would run."""
    templates = [each["spec"]["template"]["spec"] for each in of_kind(found, "Deployment", "Job")]
    return templates + [each["spec"] for each in of_kind(found, "Pod")]


def containers(found: tuple[Document, ...]) -> list[Document]:
    """Every container, those that only prepare included."""
    return [each for pod in pods(found) for kind in ("initContainers", "containers") for each in pod.get(kind, [])]


def server(found: tuple[Document, ...], deployment: str = "rel-thaw") -> Document:
    """The server's container of a deployment."""
    (first, *_) = only(found, "Deployment", deployment)["spec"]["template"]["spec"]["containers"]
    return dict(first)


def validate(found: tuple[Document, ...], version: str, folder: Path) -> str:
    """What Kubernetes' own schemas say against the documents; empty: nothing. Unknown fields count."""
    path = folder / f"{version}.yaml"
    path.write_text(yaml.safe_dump_all(found))
    tool("kubernetes-validate")
    command = [FOLDER / "kubernetes-validate", "--strict", "--quiet", "--no-warn", "-k", version, path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr
