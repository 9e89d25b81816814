"""The smallest things that the trainer works on: a source of 4 channels, coloured squares, a job of seconds."""

import io
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.console import Console

from contract.artifact import Artifact
from training.backbone import Architecture, ResNet
from training.data.archives import DataError
from training.data.label_sets import LABELS
from training.data.rows import Row
from training.forgetting import OldTask
from training.job import Data, Job, run_job
from training.network import AdaptedNetwork
from training.pretrain import SourceNetwork
from training.progress import Watch
from training.recipes import Recipe
from training.sources.source import Source, SourceFacts, facts_of_run, write_source
from training.views import Prepared

SIZE = 32
CLASSES = tuple(f"class {i}" for i in range(6))
ARCHITECTURE = Architecture(width=4, blocks=(1, 1, 1, 1))
COLOURS = {"bus": (220, 180, 40), "car": (60, 60, 200), "truck": (70, 180, 90), "motorbike": (190, 50, 60)}
GREY = (120, 120, 120)
QUICK = Recipe("partial", depth=1, size=SIZE, views=2, penalties=(1e-3,), rates=(0.03,), steps=8, batch=16, bf16=False)


def quiet() -> Watch:
    """A watch whose lines nobody reads; `.console.file` has them."""
    return Watch(Console(file=io.StringIO(), width=200))


def source_network(seed: int = 0, architecture: Architecture = ARCHITECTURE) -> SourceNetwork:
    """Random weights, and statistics that differ from those of a fresh network."""
    torch.manual_seed(seed)
    network = SourceNetwork(architecture, len(CLASSES))
    with torch.no_grad():
        for name, buffer in network.named_buffers():
            if name.endswith("num_batches_tracked"):
                buffer.fill_(77)
            else:
                buffer.add_(torch.rand_like(buffer) * 0.2)
    return network.eval()


def torchvision_state(network: SourceNetwork) -> dict[str, torch.Tensor]:
    """Its tensors under torchvision's names."""
    return {name.removeprefix("backbone."): tensor for name, tensor in network.state_dict().items()}


def facts(seen: str = "no") -> SourceFacts:
    """What a source pretrained here says of itself."""
    made = facts_of_run("tiny", CLASSES, "Random numbers: no terms.", ARCHITECTURE, '{"epochs": 0}')
    return made.model_copy(update={"seen_new_class": seen})


def source(seed: int = 0) -> Source:
    """In memory, as `read_source` would give it."""
    network = source_network(seed)
    head = (network.fc.weight.detach().clone(), network.fc.bias.detach().clone())
    return Source(facts(), "0" * 64, network.backbone, head)


def source_file(path: Path, seed: int = 0) -> Path:
    """As a file of ours."""
    write_source(path, facts(), torchvision_state(source_network(seed)))
    return path


def adapted(depth: int = 0, seed: int = 0, labels: int = len(LABELS)) -> AdaptedNetwork:
    """A network with a new head on a tiny source."""
    torch.manual_seed(seed)
    backbone: ResNet = source(seed).backbone
    network = AdaptedNetwork(backbone, labels)
    network.thaw(depth)
    return network


def square(word: str, index: int, side: int = SIZE) -> np.ndarray:
    """uint8 (side, side, 3): the word's colour under noise; the same for the same word and index."""
    random = np.random.default_rng((zlib.crc32(word.encode()), index))
    noise = random.normal(0, 30, (side, side, 3))
    return np.clip(COLOURS.get(word, GREY) + noise, 0, 255).astype(np.uint8)


def prepared(each: int = 8, views: int = 2) -> Prepared:
    """`each` squares of every label to fit, half of it to validate; labels that a colour tells apart."""
    words = [word for word in LABELS for _ in range(each)]
    fit = np.stack([square(word, 100 * view + i) for view in range(views) for i, word in enumerate(words)])
    chosen = words[:: max(1, each // 4)]
    val = np.stack([square(word, 10_000 + i) for i, word in enumerate(chosen)])
    return Prepared(LABELS, (), (), fit, allowed(words).repeat(views, 1), val, allowed(chosen))


def allowed(words: list[str]) -> torch.Tensor:
    """bool (N, K) with one label each."""
    return torch.tensor([[label == word for label in LABELS] for word in words])


def pixels(count: int, seed: int = 0, size: int = SIZE) -> np.ndarray:
    """uint8 (count, size, size, 3) of noise."""
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)


class Squares:
    """A reader of `<word>/<index>`: PNG bytes of a coloured square a little larger than the input; counts its reads."""

    def __init__(self) -> None:
        self.reads = 0

    def __contains__(self, name: str) -> bool:
        return name.count("/") == 1

    def read(self, name: str) -> bytes:
        """Raises DataError for any other name."""
        if name not in self:
            raise DataError(f"{name}: not here.")
        self.reads += 1
        word, index = name.split("/")
        buffer = io.BytesIO()
        Image.fromarray(square(word, int(index), 40)).save(buffer, "PNG")
        return buffer.getvalue()


def rows(fit: int = 8, val: int = 4, test: int = 6) -> tuple[Row, ...]:
    """Rows of every label and of `street`, which may be other, car or truck; each its own group."""
    out = []
    for word in (*LABELS, "street"):
        labels = frozenset({"other", "car", "truck"} if word == "street" else {word})
        for index in range(fit + val + test):
            split = "fit" if index < fit else "val" if index < fit + val else "test"
            out.append(Row(f"{word}/{index}", labels, f"{word}/{index}", split, "", word))
    return tuple(out)


def job(folder: Path) -> Job:
    """Two recipes on coloured squares, with an old task. Nothing is written yet."""
    weights = source_file(folder / "tiny.safetensors")
    data = Data("squares", rows(), Squares(), "Drawn by a test.")
    recipes = tuple(
        Recipe(name, depth, size=SIZE, views=2, penalties=(1e-3,), rates=(0.01, 0.03), steps=8, batch=16, bf16=False)
        for name, depth in (("frozen", 0), ("partial", 1))
    )
    old = OldTask(pixels(24, 7), np.arange(24) % len(CLASSES))
    return Job(str(weights), data, (data,), recipes, folder / "out", old_task=old, threads=1)


def finished_job(folder: Path) -> tuple[Job, list[Artifact]]:
    """The same, run."""
    made = job(folder)
    return made, run_job(made, quiet())
