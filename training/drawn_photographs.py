"""The photographs of the load tests: drawn again, byte for byte, from the list that lies beside them."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from training.data.archives import DataError
from training.drawn import draw, label_of

LIST, LABELS = "drawn.csv", "labels.csv"
_COLUMNS = ["file", "class", "seed", "index", "size", "style"]
# Settings of each format; the quality that phones and web pages use. The suffix of the file chooses.
_FORMATS: dict[str, tuple[str, dict[str, int | bool]]] = {
    ".jpg": ("JPEG", {"quality": 85}),
    ".png": ("PNG", {"optimize": True}),
    ".webp": ("WEBP", {"quality": 80, "method": 4}),
    ".gif": ("GIF", {}),
}


@dataclass(frozen=True)
class Drawn:
    """One line of the list."""

    file: str
    class_name: str
    seed: int
    index: int
    size: int  # pixels of a side
    style: int

    def encoded(self) -> bytes:
        """The file's bytes; they depend on Pillow's version, the picture does not."""
        form, settings = _FORMATS[Path(self.file).suffix]
        file = io.BytesIO()
        picture = draw(self.seed, self.class_name, self.index, self.size, self.style)
        Image.fromarray(picture).save(file, form, **settings)
        return file.getvalue()


def read_list(folder: Path) -> tuple[Drawn, ...]:
    """Raises DataError for a folder without a list, or one with other columns."""
    path = folder / LIST
    if not path.is_file():
        raise DataError(
            f"{path} is no file. It names what to draw: {','.join(_COLUMNS)}. Point to load_tests/photographs."
        )
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    if not rows or rows[0] != _COLUMNS:
        raise DataError(f"{path} should begin with {','.join(_COLUMNS)}. Correct its first line.")
    return tuple(Drawn(name, kind, *(int(number) for number in numbers)) for name, kind, *numbers in rows[1:])


def labels_csv(drawn: tuple[Drawn, ...]) -> str:
    """`file,label` for each."""
    return "file,label\n" + "".join(f"{picture.file},{label_of(picture.class_name)}\n" for picture in drawn)


def draw_photographs(folder: Path) -> int:
    """Write every file of the list and labels.csv. Returns how many."""
    drawn = read_list(folder)
    for picture in drawn:
        (folder / picture.file).write_bytes(picture.encoded())
    (folder / LABELS).write_text(labels_csv(drawn))
    return len(drawn)
