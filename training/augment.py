"""Training-only changes of a decoded photograph: a view is a function of (photograph, key) alone.

Besides crop, flip and colour, a view may lose resolution, get blur, noise, JPEG blocks or lose its colour:
what a camera never seen does to a photograph, and what would otherwise tell one collection from another.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Augmentation:
    """Ranges and probabilities. Defaults are what the shipped models were trained with."""

    area: tuple[float, float] = (0.4, 1.0)  # share of the photograph that a crop keeps
    aspect: float = 1.33  # crop's aspect relative to the photograph's, at most
    jitter: float = 0.35  # brightness, contrast, saturation: factor within 1 +- jitter
    hue: float = 0.04  # turn of the colour circle, at most
    grey: float = 0.15  # probability of each of the following
    coarse: float = 0.35  # resolution lost by a factor up to 3
    blur: float = 0.2
    noise: float = 0.3
    jpeg: float = 0.4
    erase: float = 0.25


def augment(rgb: Pixels, size: int, settings: Augmentation, key: tuple[int, ...]) -> Pixels:
    """rgb: uint8 (H, W, 3). Returns one view, uint8 (size, size, 3), the same for the same key."""
    random = np.random.default_rng(key)
    image = _crop(Image.fromarray(rgb), size, settings, random)
    image = _colour(image, settings, random)
    if random.random() < settings.coarse:
        small = max(16, int(size / random.uniform(1.3, 3)))
        image = image.resize((small, small), Image.Resampling.BILINEAR).resize((size, size), Image.Resampling.BILINEAR)
    if random.random() < settings.blur:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.2)))
    pixels = np.asarray(image)
    if random.random() < settings.noise:
        pixels = _noise(pixels, random)
    if random.random() < settings.jpeg:
        pixels = _jpeg(pixels, int(random.integers(30, 90)))
    if random.random() < settings.erase:
        pixels = _erase(pixels, random)
    return pixels


def _crop(image: Image.Image, size: int, settings: Augmentation, random: np.random.Generator) -> Image.Image:
    share, turn = random.uniform(*settings.area), np.exp(random.uniform(-1, 1) * np.log(settings.aspect))
    width = min(1.0, float(np.sqrt(share * turn))) * image.width
    height = min(1.0, float(np.sqrt(share / turn))) * image.height
    left, top = random.uniform(0, image.width - width), random.uniform(0, image.height - height)
    view = image.resize((size, size), Image.Resampling.BILINEAR, box=(left, top, left + width, top + height))
    return view.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else view


def _colour(image: Image.Image, settings: Augmentation, random: np.random.Generator) -> Image.Image:
    if random.random() < settings.grey:
        image = image.convert("L").convert("RGB")
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(random.uniform(1 - settings.jitter, 1 + settings.jitter))
    turn = round(random.uniform(-settings.hue, settings.hue) * 255)
    if turn:
        hsv = np.array(image.convert("HSV"))
        hsv[..., 0] += np.uint8(turn % 256)  # wraps around, as hue does
        image = Image.fromarray(hsv, "HSV").convert("RGB")
    return image


def _noise(pixels: Pixels, random: np.random.Generator) -> Pixels:
    grain = random.standard_normal(pixels.shape, np.float32) * random.uniform(3, 16)
    return np.clip(pixels + grain, 0, 255).astype(np.uint8)


def _jpeg(pixels: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def _erase(pixels: Pixels, random: np.random.Generator) -> Pixels:
    size = len(pixels)
    height, width = (int(size * side) for side in random.uniform(0.15, 0.45, 2))
    top, left = int(random.integers(0, size - height)), int(random.integers(0, size - width))
    out = pixels.copy()
    out[top : top + height, left : left + width] = random.integers(0, 256, 3, np.uint8)
    return out
