"""From clean colours to a photograph: blur, smear, exposure, grain. Whole numbers, so that every machine agrees."""

import numpy as np
from numpy.typing import NDArray

from training.drawn.chance import Stream
from training.drawn.scene import Lens

Pixels = NDArray[np.int32]  # (B, S, S, 3)
_REFERENCE = 64  # side at which blur and motion are stated


def expose(picture: Pixels, lens: Lens, stream: Stream) -> NDArray[np.uint8]:
    """picture: int32 (B, S, S, 3), 0-255 times 64. Returns uint8, the same shape."""
    size = picture.shape[1]
    picture = _blur(picture, lens.blur * size / _REFERENCE)
    picture = _smear(picture, lens.motion * size / _REFERENCE)
    # value * gain, then contrast around mid grey; both as one integer multiply and add
    slope = np.rint(lens.gain * lens.contrast * 256).astype(np.int32).T[:, None, None, :]
    shift = np.rint(118 * 64 * (1 - lens.contrast)).astype(np.int32)[:, None, None, None]
    picture = ((picture * slope) >> 8) + shift
    picture = _vignette(picture, lens.vignette)
    levels: Pixels = (picture + _noise(lens, stream, size)) >> 6
    return np.clip(levels, 0, 255).astype(np.uint8)


def _blur(picture: Pixels, strength: NDArray[np.float64]) -> Pixels:
    """Passes of the kernel 1-2-1 in both directions; the last one only partly. strength in passes."""
    chosen = np.nonzero(strength > 0)[0]
    if not len(chosen):
        return picture
    result, part = picture.copy(), picture[chosen]
    left = strength[chosen] * strength[chosen]  # variance adds up, so width grows with the square root of passes
    while len(chosen):
        weight = np.rint(np.minimum(left, 1.0) * 64).astype(np.int32)[:, None, None, None]
        soft = part
        for axis in (1, 2):
            before, after = _shift(soft, 1, axis), _shift(soft, -1, axis)
            soft = (before + 2 * soft + after) >> 2
        part = part + (((soft - part) * weight) >> 6)
        result[chosen] = part
        left = left - 1.0
        chosen, part, left = chosen[left > 0], part[left > 0], left[left > 0]
    return result


def _smear(picture: Pixels, length: NDArray[np.float64]) -> Pixels:
    """Average of as many neighbours along a row as the length says."""
    for i in np.nonzero(length >= 1.5)[0]:
        reach = int(length[i])
        one = picture[i : i + 1]
        picture[i] = (sum((_shift(one, k, 2) for k in range(1, reach + 1)), start=one) // (reach + 1))[0]
    return picture


def _shift(picture: Pixels, by: int, axis: int) -> Pixels:
    """Moved by some pixels; the edge repeats."""
    places = np.clip(np.arange(picture.shape[axis]) - by, 0, picture.shape[axis] - 1)
    return picture.take(places, axis=axis)


def _vignette(picture: Pixels, strength: NDArray[np.float64]) -> Pixels:
    chosen = np.nonzero(strength > 0)[0]
    if len(chosen):
        size = picture.shape[1]
        along = (np.arange(size) * 2 - size + 1) / size
        fall = along[:, None] * along[:, None] + along * along
        keep = np.rint((1.0 - 0.5 * strength[chosen, None, None] * fall) * 256).astype(np.int32)
        picture[chosen] = (picture[chosen] * keep[..., None]) >> 8
    return picture


def _noise(lens: Lens, stream: Stream, size: int) -> Pixels:
    """Sensor noise: half shared by the channels (brightness), half of each channel's own."""
    batch, count = len(lens.noise), size * size * 4
    raw = (
        stream.words((count + 7) // 8).T.copy().view(np.int8)[:, :count].reshape(batch, size, size, 4).astype(np.int32)
    )
    strength = np.rint(lens.noise * 0.6).astype(np.int32)[
        :, None, None, None
    ]  # int8 has a spread of 74: 64 * noise / 74, in two parts
    return (raw[..., :3] + raw[..., 3:]) * strength
