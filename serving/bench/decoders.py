"""`python -m serving.bench.decoders`: ways to decode a JPEG for a network, by speed and by what they change.

Written into the decision that chose among them. Times are processor time of one thread, so that a busy machine disturbs
them little; the ways take turns. Libraries that are not installed (extra `bench`) stay unmeasured.
"""

import argparse
import importlib
import io
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contract.pixels import DRAFT_FACTOR, Resize, decode_photograph, resize, to_input
from serving.bench.document import DOCS, UNMEASURED, markdown, write_between
from serving.bench.machine import facts
from serving.bench.photographs import read_or_draw
from serving.engine import choose_provider
from serving.loading import load_models
from serving.settings import load_settings
from serving.store import Model

PAGE = DOCS / "decisions" / "0014-decoder.md"
Pixels = NDArray[np.uint8]
Decode = Callable[[bytes, int], Pixels]  # (JPEG, side S of the input) -> uint8 (H, W, 3)


def pillow_whole(data: bytes, size: int) -> Pixels:
    """Every pixel."""
    return decode_photograph(data).rgb


def pillow_least(data: bytes, size: int) -> Pixels:
    """By halves while both sides stay as large as the input, which is half of what ours keeps."""
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    image.draft("RGB", (size, size))
    return np.asarray(image.convert("RGB"))


def turbo(**settings: bool) -> Decode:
    """simplejpeg, every pixel. Raises ImportError where it is not installed."""
    library = importlib.import_module("simplejpeg")
    return lambda data, size: library.decode_jpeg(data, **settings)


def turbo_scaled(**settings: bool) -> Decode:
    """simplejpeg, as far down as ours goes. Raises ImportError where it is not installed."""
    library = importlib.import_module("simplejpeg")

    def decode(data: bytes, size: int) -> Pixels:
        least = DRAFT_FACTOR * size
        return library.decode_jpeg(data, min_height=least, min_width=least, min_factor=1, **settings)  # type: ignore[no-any-return] # no types

    return decode


def opencv(is_scaled: bool) -> Decode:
    """OpenCV, every pixel or as far down as ours goes. Raises ImportError where it is not installed."""
    library = importlib.import_module("cv2")

    def decode(data: bytes, size: int) -> Pixels:
        flag = library.IMREAD_COLOR
        if is_scaled:
            with Image.open(io.BytesIO(data)) as header:
                times = min(header.size) // (DRAFT_FACTOR * size)
            flag = next((f for least, f in _halves(library) if times >= least), flag)
        found = library.imdecode(np.frombuffer(data, np.uint8), flag)
        return np.ascontiguousarray(found[:, :, ::-1])

    return decode


def _halves(library: object) -> list[tuple[int, int]]:
    return [(times, getattr(library, f"IMREAD_REDUCED_COLOR_{times}")) for times in (8, 4, 2)]


WAYS: dict[str, Callable[[], Decode | None]] = {  # None: what the contract does, whole
    "Pillow, whole": lambda: pillow_whole,
    f"Pillow, scaled, sides at least {DRAFT_FACTOR} S (ours)": lambda: None,
    "Pillow, scaled, sides at least S": lambda: pillow_least,
    "simplejpeg, whole": turbo,
    "simplejpeg, whole, fast DCT and upsampling": lambda: turbo(fastdct=True, fastupsample=True),
    f"simplejpeg, scaled, sides at least {DRAFT_FACTOR} S": turbo_scaled,
    "simplejpeg, scaled, fast DCT and upsampling": lambda: turbo_scaled(fastdct=True, fastupsample=True),
    "OpenCV, whole": lambda: opencv(False),
    f"OpenCV, scaled, sides at least {DRAFT_FACTOR} S": lambda: opencv(True),
}
OURS = list(WAYS)[1]


@dataclass(frozen=True)
class Found:
    """Of one way: milliseconds with the resize; grey levels of 255 and probabilities beside Pillow's whole decode."""

    ms: float
    gain: float  # ours by it: the middle of the rounds' ratios
    mean_off: float
    most_off: int
    moved: dict[str, float]


def compare(photographs: list[bytes], models: list[Model], rounds: int) -> dict[str, Found | str]:
    """Way -> what was found, or why nothing was. All models share the first one's input."""
    size, rule = models[0].preparation
    ready: dict[str, Decode | None] = {}
    left: dict[str, Found | str] = {}
    for name, make in WAYS.items():
        try:
            ready[name] = make()
        except ImportError as error:
            left[name] = f"{UNMEASURED} ({error.name} is not installed)"
    times: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(rounds):
        for name, decode in ready.items():
            started = time.thread_time()
            for data in photographs:
                _prepared(decode, data, size, rule)
            times[name].append((time.thread_time() - started) * 1000 / len(photographs))
    whole = np.stack([resize(pillow_whole(data, size), size, rule) for data in photographs])
    before = {model.manifest.name: model.infer(whole).probabilities for model in models}
    for name, decode in ready.items():
        pixels = np.stack([_prepared(decode, data, size, rule) for data in photographs])
        off = np.abs(pixels.astype(int) - whole)
        moved = {
            model.manifest.name: float(np.abs(model.infer(pixels).probabilities - before[model.manifest.name]).max())
            for model in models
        }
        gains = [ours / its for ours, its in zip(times[OURS], times[name], strict=True)]
        left[name] = Found(
            statistics.median(times[name]), statistics.median(gains), float(off.mean()), int(off.max()), moved
        )
    return {name: left[name] for name in WAYS}


def _prepared(decode: Decode | None, data: bytes, size: int, rule: Resize) -> Pixels:
    return to_input(data, size, rule).rgb if decode is None else resize(decode(data, size), size, rule)


def report(found: dict[str, Found | str], names: list[str]) -> str:
    """Markdown."""
    head = ("way", "decode and resize, ms", "ours / it", "mean off", "most off", *(f"`{name}` moves" for name in names))
    rows: list[tuple[str, ...]] = [head]
    for way, each in found.items():
        if isinstance(each, str):
            rows.append((way, each, *("" for _ in head[2:])))
            continue
        numbers = (f"{each.ms:.2f}", f"{each.gain:.2f}", f"{each.mean_off:.2f}", str(each.most_off))
        rows.append((way, *numbers, *(f"{each.moved[name]:.3f}" for name in names)))
    return markdown(rows)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m serving.bench.decoders", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="each way once over all photographs in each round")
    parser.add_argument("--photographs", type=Path, nargs="*", default=[], metavar="FILE", help="drawn if left out")
    parser.add_argument("--write", action="store_true", help=f"put the table into docs/decisions/{PAGE.name}")
    chosen = parser.parse_args()
    settings = load_settings()
    every = load_models(settings.models, choose_provider(settings.provider), 64).one_each()
    models = [model for model in every if model.preparation == every[-1].preparation]
    photographs = read_or_draw(chosen.photographs)
    known = facts()
    table = report(compare(photographs, models, chosen.rounds), [model.manifest.name for model in models])
    size = models[0].manifest.input.size
    kind = "given" if chosen.photographs else "drawn"
    what = f"{len(photographs)} {kind} photographs, S = {size}, {chosen.rounds} rounds"
    text = f"{what}; {known['processor']}, load average {known['load average before']}, {known['date']}.\n\n{table}"
    print(text)
    if chosen.write:
        write_between(PAGE, "decoders", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
