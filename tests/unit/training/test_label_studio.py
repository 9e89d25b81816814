"""An export of Label Studio beside the photographs is a collection."""

import json
from pathlib import Path

import pytest

from tests.unit.training.photographs import folder, zipped
from training.data.archives import Container, DataError
from training.data.layouts import read_layout

PHOTOGRAPHS = ["bus-1.jpg", "more/car.jpg"]
UPLOADED = "/data/upload/3/9f1c2d3e-bus-1.jpg"
LOCAL = "/data/local-files/?d=photos/more/car.jpg"


def _task(address: str, *choices: str, skipped: bool = False) -> dict[str, object]:
    result = [{"from_name": "kind", "to_name": "image", "type": "choices", "value": {"choices": list(choices)}}]
    return {"id": 1, "data": {"image": address}, "annotations": [{"result": result, "was_cancelled": skipped}]}


def _line(address: str, choice: object) -> dict[str, object]:
    return {"image": address, "id": 7, "choice": choice, "annotator": 1, "annotation_id": 4, "lead_time": 2.5}


def _table(separator: str) -> str:
    rows = ["image id choice annotator annotation_id lead_time", f"{UPLOADED} 1 bus 1 1 2.5", f"{LOCAL} 2 car 1 2 1.5"]
    return "".join(row.replace(" ", separator) + "\n" for row in rows)


FORMS = {
    "project-3-at-2026-11-24.json": json.dumps([_task(UPLOADED, "bus"), _task(LOCAL, "car")]),
    "min.json": json.dumps([_line(UPLOADED, "bus"), _line(LOCAL, {"choices": ["car"]})]),
    "export.csv": _table(","),
    "export.tsv": _table("\t"),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("packed", [None, "", "photos/"])
def test_forms(tmp_path: Path, name: str, packed: str | None) -> None:
    """JSON, JSON-MIN, CSV and TSV give each photograph its class, from a folder and from a zip."""
    root = folder(tmp_path / "photos", PHOTOGRAPHS, **{name: FORMS[name]})
    layout = read_layout(Container(root if packed is None else zipped(root, packed)))
    top = packed or ""
    found = {each.path: each.word for each in layout.photographs}
    assert {f"{top}bus-1.jpg": "bus", f"{top}more/car.jpg": "car"} == found
    assert f"Label Studio's export {top}{name}" == layout.kind


def test_skipped_tasks_are_left_out(tmp_path: Path) -> None:
    """A task that its annotator skipped, or nobody did, is no photograph of a class: it is listed as passed over."""
    undone = {"id": 3, "data": {"image": LOCAL}, "annotations": []}
    tasks = json.dumps([_task(UPLOADED, "bus"), _task(LOCAL, "bus", skipped=True), undone])
    layout = read_layout(Container(folder(tmp_path, PHOTOGRAPHS, **{"tasks.json": tasks})))
    assert (["bus"], ("more/car.jpg",)) == ([each.word for each in layout.photographs], layout.ignored)


@pytest.mark.parametrize(
    ("tasks", "says"),
    [
        ([_task("https://example.org/gone.jpg", "bus")], "task 1: gone.jpg is not there. Put the photographs beside"),
        ([_task(UPLOADED, "bus", "car")], "task 1: bus, car chosen, expected one class"),
        ([_task(UPLOADED)], "task 1: none chosen, expected one class"),
        ([_task(UPLOADED, "bus"), _task(UPLOADED, "car")], "bus-1.jpg is car here and bus above"),
        ([_line(UPLOADED, "bus") | {"choice": None, "kind": "a", "colour": "b"}], "columns kind, colour may all be"),
        ([_line("bus.jpg", "bus") | {"image": None}], "no address of a photograph"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, tasks: list[object], says: str) -> None:
    """A photograph that is not there, a class undecided: the task is named with what to do."""
    container = Container(folder(tmp_path, PHOTOGRAPHS, **{"tasks.json": json.dumps(tasks)}))
    with pytest.raises(DataError, match=says):
        read_layout(container)


def test_one_name_in_two_folders(tmp_path: Path) -> None:
    """The address decides between two files of one name; where it does not, both are named."""
    names = ["a/bus.jpg", "b/bus.jpg"]
    told = json.dumps([_task("/data/local-files/?d=b/bus.jpg", "bus")])
    layout = read_layout(Container(folder(tmp_path / "told", names, **{"tasks.json": told})))
    assert ["b/bus.jpg"] == [each.path for each in layout.photographs]
    untold = json.dumps([_task("/data/upload/1/bus.jpg", "bus")])
    with pytest.raises(DataError, match=r"may be any of a/bus\.jpg, b/bus\.jpg"):
        read_layout(Container(folder(tmp_path / "untold", names, **{"tasks.json": untold})))


def test_other_lists_are_no_export(tmp_path: Path) -> None:
    """A JSON or CSV of something else beside class folders leaves them what they are."""
    texts = {"notes.json": '{"a": 1}', "prices.csv": "a,b\n1,2\n", "broken.json": "["}
    assert "image folder" == read_layout(Container(folder(tmp_path, ["bus/1.jpg"], **texts))).kind
