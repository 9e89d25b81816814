import json
import os
from pathlib import Path

import pytest

from load_tests.answers import Unreadable, compared_labels, stage_times, top_labels
from load_tests.objectives import DEFAULT, percent_of, read_objectives, with_limit
from load_tests.payloads import (
    PHOTOGRAPHS,
    Photograph,
    base64_json,
    damaged,
    form,
    inference_binary,
    raw,
    read_photographs,
)
from tests.sources import imported_modules, python_files, tree

SCORES = [{"label": "bus", "score": 0.3}, {"label": "car", "score": 0.7}]
PHOTO = Photograph("a/b.jpg", b"\xff\xd8photograph", "image/jpeg", "car")
# What draws gevent in, and with it other sockets for the whole process; tests import none of them.
PATCHING = ("locust", "gevent", "geventhttpclient")


@pytest.mark.parametrize(
    ("document", "labels"),
    [
        ({"model": "m", "predictions": SCORES}, ("car",)),
        (SCORES, ("car",)),
        ({"truck": 0.1, "car": 0.9}, ("car",)),
        ({"results": [{"predictions": SCORES}, {"predictions": SCORES}]}, ("car", "car")),
        ([{"bus": 1.0}, {"car": 1.0}], ("bus", "car")),
        ({"outputs": [{"name": "l", "datatype": "BYTES", "shape": [1, 2], "data": ["0.7:car", "0.3:bus"]}]}, ("car",)),
    ],
)
def test_every_known_form_names_its_label(document: object, labels: tuple[str, ...]) -> None:
    """Ours, Hugging Face's, TorchServe's, Open Inference; one or many."""
    assert labels == top_labels(json.dumps(document).encode())


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"results": [{}]}', b"3", b'{"error": "full"}'])
def test_other_answers_are_unreadable(body: bytes) -> None:
    """They name no label."""
    with pytest.raises(Unreadable):
        top_labels(body)


def test_a_comparison_names_each_models_label() -> None:
    """By model."""
    assert {"frozen": "car"} == compared_labels(json.dumps({"models": {"frozen": {"predictions": SCORES}}}).encode())
    with pytest.raises(Unreadable):
        compared_labels(b"{}")


@pytest.mark.parametrize(
    ("header", "times"),
    [
        ("queue;dur=0.018, infer;dur=33.07", {"queue": 0.018, "infer": 33.07}),
        ('db;desc="a b";dur=5', {"db": 5.0}),
        ("cache", {}),
        ("", {}),
    ],
)
def test_server_timing_is_read(header: str, times: dict[str, float]) -> None:
    """Milliseconds by step, descriptions passed over."""
    assert times == stage_times(header)


def test_bodies_are_what_the_routes_take() -> None:
    """Raw, form, base64, Open Inference with binary data, and a damaged one."""
    assert PHOTO.body == raw(PHOTO).body
    many = form([PHOTO, PHOTO])
    assert (2, ("car", "car")) == (many.body.count(PHOTO.body), many.labels)
    assert {"image"} == json.loads(base64_json(PHOTO).body).keys()
    binary = inference_binary([PHOTO], "images", "scores")
    length = int(binary.headers["Inference-Header-Content-Length"])
    parameters = json.loads(binary.body[:length])["inputs"][0]["parameters"]
    assert len(binary.body) - length == parameters["binary_data_size"] == 4 + len(PHOTO.body)
    assert damaged(PHOTO).body == PHOTO.body[: len(PHOTO.body) // 2]


def test_the_committed_photographs_are_small_and_labelled() -> None:
    """At least 64 in several sizes and formats, 2 MB together, with the models' words."""
    photographs = read_photographs(PHOTOGRAPHS)
    assert len(photographs) >= 64
    assert sum(path.stat().st_size for path in PHOTOGRAPHS.iterdir()) <= 2_000_000
    assert {photograph.label for photograph in photographs} <= {"bus", "car", "truck", "motorbike", "other"}
    assert {"image/jpeg", "image/png", "image/webp", "image/gif"} == {
        photograph.content_type for photograph in photographs
    }


def test_photographs_of_ones_own(tmp_path: Path) -> None:
    """Without a table labels are asked for, or none; a file that the table leaves out is named."""
    (tmp_path / "x.jpg").write_bytes(b"1")
    assert "" == read_photographs(tmp_path, "none")[0].label
    with pytest.raises(ValueError, match=r"labels\.csv is no file"):
        read_photographs(tmp_path)
    (tmp_path / "labels.csv").write_text("file,label\ny.jpg,bus\n")
    with pytest.raises(ValueError, match=r"x\.jpg"):
        read_photographs(tmp_path)
    with pytest.raises(ValueError, match="no photographs"):
        read_photographs(tmp_path / "empty")


def test_objectives_are_data(tmp_path: Path) -> None:
    """Ours can be read; a name that is none and a limit that is no number are refused with the file's name."""
    assert {"p99_ms", "error_rate", "goodput", "recovery_s", "creep", "growth"} == read_objectives(DEFAULT).keys()
    for text in ("", "p99: 3", "p99_ms: fast", "error_rate: -1", "- p99_ms"):
        (tmp_path / "o.yaml").write_text(text + "\n")
        with pytest.raises(ValueError, match=r"o\.yaml"):
            read_objectives(tmp_path / "o.yaml")


def test_a_limit_replaces_the_percentiles() -> None:
    """And keeps the rest."""
    assert {"p95_ms": 50, "goodput": 0.9} == with_limit({"p99_ms": 200, "goodput": 0.9}, 95, 50)
    assert (99.9, 99.9, None) == (percent_of("p99.9_ms"), percent_of("p99_9_ms"), percent_of("p99"))


def test_what_tests_import_patches_nothing() -> None:
    """Every module of load_tests that a test imports is free of gevent, so that no other test meets its sockets."""
    clean = {
        path
        for path in python_files("load_tests")
        if not any(n.startswith(PATCHING) for n in imported_modules(tree(path)))
    }
    ours = {
        module
        for path in python_files("tests")
        for module in imported_modules(tree(path))
        if module.startswith("load_tests.")
    }
    files = {Path(*module.split(".")).with_suffix(".py") for module in ours}
    assert set() == {path for path in files if os.path.exists(path)} - clean
