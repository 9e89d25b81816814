"""What is written beside the chart, and the scripts inside it."""

import hashlib
import re
import runpy
import subprocess
import sys
import tarfile
from pathlib import Path

import onnxruntime
import pytest

from load_tests.config import Target
from serving import engine
from serving.errors import StartError
from tests.chart.rendering import CHART, Document, containers, of_kind, only, render
from tests.chart.tools import run
from tests.fakes import write_model
from tests.sources import ROOT

FETCH = CHART / "files/fetch_store.py"


def test_no_role_is_needed() -> None:
    """The chart asks nothing of Kubernetes: no role, no binding."""
    found = render("values-production.yaml")
    assert [] == [each["kind"] for each in found if each["kind"].endswith(("Role", "RoleBinding"))]


def test_notes_say_how_to_ask() -> None:
    """After an installation one reads how to reach the server and that anybody may."""
    command = ("install", "rel", CHART, "--dry-run=client", "--namespace", "ns")
    notes = run("helm4", *command).stdout.partition("NOTES:")[2]
    assert "port-forward service/rel-thaw 8080:80" in notes
    assert "curl --data-binary @bus.jpg http://127.0.0.1:8080/predict" in notes
    assert "Everybody who reaches the service may ask" in notes


def test_the_readme_quotes_a_pod_without_its_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """CUDA asked for where no driver is: the server stops with the sentence that the README shows."""

    def refuse(name: str, mode: int) -> None:
        raise OSError("libcuda.so.1: cannot open shared object file: No such file or directory")

    if engine.CUDA in onnxruntime.get_available_providers():
        pytest.skip("this machine may have CUDA")
    graph = write_model(tmp_path / "store", "tiny").folder / "model.onnx"
    (tmp_path / "capi").mkdir()
    (tmp_path / "capi" / "libonnxruntime_providers_cuda.so").touch()
    monkeypatch.setattr(onnxruntime, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setattr(engine.ctypes, "CDLL", refuse)
    with pytest.warns(UserWarning, match="CUDA"), pytest.raises(StartError) as refused:
        engine.Engine(graph, engine.CUDA)
    assert f"error: {refused.value}" in " ".join((CHART / "README.md").read_text().split())


def test_jobs_call_verbs_that_exist() -> None:
    """One Job runs a verb of load_tests against the service, the other a verb of training; both write to /out."""
    jobs = {each["metadata"]["name"]: job(each) for each in of_kind(render("ci/jobs.yaml"), "Job")}
    load, train = jobs["rel-thaw-load"], jobs["rel-thaw-train"]
    assert ["python", "-m", "load_tests"] == load["command"]
    assert "http://rel-thaw:80" == load["args"][load["args"].index("--host") + 1]
    for module, words in (("load_tests", load["args"]), ("training", train["args"])):
        asked = subprocess.run(
            [sys.executable, "-m", module, words[0], "--help"], capture_output=True, text=True, cwd=ROOT, check=False
        )
        plain = re.sub(r"\x1b\[[0-9;]*m", "", asked.stdout)
        assert 0 == asked.returncode, asked.stderr
        assert [] == [word for word in words if word.startswith("--") and word not in plain]
    assert "header" in Target.model_fields, "what LOAD_HEADER sets"
    assert "/out" == train["args"][train["args"].index("--out") + 1]


def test_a_store_is_fetched_only_when_it_is_the_right_one(tmp_path: Path) -> None:
    """The init container's script unpacks an archive with the given hash, and nothing of one with another."""
    source, wrong, right = tmp_path / "store.tar.gz", tmp_path / "wrong", tmp_path / "right"
    with tarfile.open(source, "w:gz") as tar:
        tar.add(ROOT / "model_store/aliases.json", "aliases.json")
    fetch = runpy.run_path(str(FETCH))["fetch"]
    wrong.mkdir()
    with pytest.raises(SystemExit, match="Nothing was unpacked"):
        fetch(source.as_uri(), "0" * 64, wrong)
    assert [] == list(wrong.iterdir())
    right.mkdir()
    fetch(source.as_uri(), hashlib.sha256(source.read_bytes()).hexdigest(), right)
    assert ["aliases.json"] == [path.name for path in right.iterdir()]


def test_scripts_travel_as_they_are() -> None:
    """The ConfigMap holds the files that the tests run."""
    data = only(render(), "ConfigMap", "rel-thaw-scripts")["data"]
    assert {"fetch_store.py", "smoke_test.py"} == set(data)
    assert FETCH.read_text().strip() == data["fetch_store.py"].strip()
    assert "python" == containers(render("ci/download-keys.yaml"))[0]["command"][0]


def job(document: Document) -> Document:
    """The container of a Job."""
    return dict(document["spec"]["template"]["spec"]["containers"][0])
