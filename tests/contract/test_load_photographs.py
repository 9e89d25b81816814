"""The photographs of the load tests: drawn, the same bytes each time, and labelled right by every shipped model."""

from pathlib import Path

import numpy as np
import pytest

from contract.artifact import list_versions, read_artifact
from contract.pixels import to_input
from load_tests.payloads import PHOTOGRAPHS, Photograph, read_photographs
from tests.sources import ROOT
from training.data.archives import DataError
from training.drawn_photographs import LABELS, draw_photographs, labels_csv, read_list
from training.export import open_session

STORE = ROOT / "model_store"
MODELS = [STORE / name / str(number) for name, numbers in list_versions(STORE).items() for number in numbers]

PARTS = 4  # of the list, so that no test is long


@pytest.fixture(scope="module")
def photographs() -> tuple[Photograph, ...]:
    """As the load tests read them."""
    return read_photographs(PHOTOGRAPHS)


@pytest.mark.parametrize("part", range(PARTS))
def test_photographs_are_drawn_again(part: int) -> None:
    """To the same bytes."""
    drawn = read_list(PHOTOGRAPHS)[part::PARTS]
    assert [] == [picture.file for picture in drawn if (PHOTOGRAPHS / picture.file).read_bytes() != picture.encoded()]


def test_the_list_says_what_is_there(photographs: tuple[Photograph, ...]) -> None:
    """Each file is listed, with the label of its class."""
    drawn = read_list(PHOTOGRAPHS)
    assert labels_csv(drawn) == (PHOTOGRAPHS / LABELS).read_text()
    assert sorted(photograph.name for photograph in photographs) == sorted(picture.file for picture in drawn)


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_every_shipped_model_labels_them_right(folder: Path, photographs: tuple[Photograph, ...]) -> None:
    """Or a load test could not tell a wrong answer from a mixed-up one."""
    artifact = read_artifact(folder)
    session, given, labels = (
        open_session(artifact.model_path().read_bytes()),
        artifact.manifest.input,
        artifact.manifest.labels,
    )
    images = np.stack([to_input(photograph.body, given.size, given.resize).rgb for photograph in photographs])
    parts = [
        session.run(["probabilities"], {"images": images[start : start + 8]})[0] for start in range(0, len(images), 8)
    ]
    found = [labels[place] for place in np.concatenate(parts).argmax(1)]
    wrong = {p.name: label for p, label in zip(photographs, found, strict=True) if label != p.label}
    assert {} == wrong


def test_a_folder_is_drawn_from_its_list(tmp_path: Path) -> None:
    """Files and labels.csv; a folder without a list is refused with what it should have."""
    (tmp_path / "drawn.csv").write_text(
        "file,class,seed,index,size,style\na.png,bus-city,1,2,32,0\nb.gif,car-taxi,1,3,16,1\n"
    )
    assert 2 == draw_photographs(tmp_path)
    assert ["bus", "car"] == [photograph.label for photograph in read_photographs(tmp_path)]
    with pytest.raises(DataError, match=r"drawn\.csv is no file"):
        draw_photographs(tmp_path / "elsewhere")
