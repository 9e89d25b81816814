"""A study of seconds: a few hundred noisy squares under the names of drawn pictures, the shipped source, ten steps."""

import io
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from training.drawn import bus_classes
from training.study.execute import Shared, execute
from training.study.material import Material
from training.study.plan import Run
from training.study.rows import Finished
from training.study.trial import Settings

SIZE = 32
BUS_SHIFT = (50, 30, -30)  # of the mean colour: enough to learn from, not enough to be sure


class Squares:
    """A reader of noise around a colour of its own for each path; buses are yellower."""

    def __contains__(self, name: str) -> bool:
        return True

    def read(self, name: str) -> bytes:
        """PNG bytes, the same for the same name."""
        random = np.random.default_rng(zlib.crc32(name.encode()))
        colour = random.integers(60, 190, 3) + (np.array(BUS_SHIFT) if name.split("/")[1] in bus_classes() else 0)
        pixels = np.clip(colour + random.normal(0, 30, (SIZE, SIZE, 3)), 0, 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "png")
        return file.getvalue()


class SquareMaterial(Material):
    """Material whose photographs cost nothing."""

    @property
    def reader(self) -> Squares:
        """In place of the drawn pictures."""
        return Squares()


MATERIAL = SquareMaterial(root=None, size=SIZE, views=2)
RATES = {("drawn", SIZE, depth): 0.03 for depth in range(1, 6)}
SHARED = Shared({(SIZE, True): MATERIAL}, Settings(steps=10, others=60, rates=RATES), "rules")


def run(depth: int = 1, **more: object) -> Run:
    """One run on the tiny pool."""
    return Run("headline", "drawn-tiny", depth, "drawn", SIZE, buses=50, **more)  # type: ignore[arg-type] # as named


def finished(wanted: Run, shared: Shared = SHARED) -> Finished:
    """Its row at home."""
    return execute(wanted, shared)[0][0]


def same(one: Finished, other: Finished) -> bool:
    """Whether all that a run decides is equal, to the last bit."""
    settled = ("trial", "ap", "auroc", "val_ap", "config_sha256", "data_sha256", "source_sha256", "frozen_sha256")
    facts = [[getattr(item.row, name) for name in settled] for item in (one, other)]
    parts = one.scores.keys() == other.scores.keys()
    return facts[0] == facts[1] and parts and all(np.array_equal(one.scores[k], other.scores[k]) for k in one.scores)


def state(monkeypatch: object, folder: Path) -> None:
    """Caches go to a folder of the test's own."""
    monkeypatch.setenv("THAW_STATE", str(folder))  # type: ignore[attr-defined] # pytest's
