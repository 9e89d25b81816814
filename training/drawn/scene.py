"""The nuisance of an image: camera, light, colours, lens. It never learns which class is drawn.

`scene_of` takes no class, so equal (seed, index) means an equal scene for every class: neither place,
size, colour, background, blur nor noise can tell one. Give each class its own range of indices when
its scenes shall be independent of the others'.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from training.drawn.chance import Column, Stream

Mask = NDArray[np.bool_]
Colour = NDArray[np.float64]  # (3, B), 0-255
STYLES = (0, 1)  # 0: plain surfaces, eye at a person's height; 1: textured, a longer lens mounted higher

# What vehicles are painted with, whatever they are: greys as often as on any street, then everything else.
_COATS = (
    (238, 238, 234), (205, 208, 210), (150, 154, 158), (82, 86, 92), (34, 36, 40), (176, 32, 38), (200, 66, 30),
    (228, 160, 32), (240, 196, 40), (52, 122, 70), (28, 78, 60), (42, 96, 168), (28, 48, 104), (96, 164, 200),
    (216, 200, 164), (110, 66, 44), (128, 44, 84), (84, 150, 140),
)  # fmt: skip
_COAT_WEIGHTS = (8, 6, 4, 4, 4, 5, 3, 3, 4, 3, 2, 5, 3, 3, 3, 2, 2, 2)
_FIXED = {  # name: (colour, how far brightness varies from image to image)
    "trim": ((44, 45, 48), 0.3), "glass": ((62, 78, 92), 0.35), "screen": ((76, 94, 108), 0.35),
    "tyre": ((30, 30, 32), 0.25), "rim": ((176, 178, 182), 0.3), "metal": ((158, 162, 166), 0.25),
    "dark": ((24, 25, 28), 0.3), "lamp": ((250, 246, 226), 0.05), "tail": ((196, 34, 32), 0.2),
    "amber": ((240, 152, 36), 0.1), "plate": ((232, 232, 222), 0.1), "wood": ((150, 108, 66), 0.3),
    "rust": ((132, 98, 78), 0.3), "skin": ((196, 150, 120), 0.35), "rail": ((120, 116, 112), 0.2),
    "seat": ((58, 48, 46), 0.4), "marking": ((222, 220, 208), 0.15), "kerb": ((170, 168, 162), 0.2),
    "trunk": ((92, 74, 58), 0.25), "post": ((96, 100, 104), 0.4), "pane": ((110, 128, 142), 0.4),
    "lit": ((250, 220, 150), 0.05),
}  # fmt: skip
GLOWING = ("lamp", "tail", "amber", "lit")


@dataclass(frozen=True)
class Camera:
    """Where the eye stands; lengths in the vehicle's own apparent size, so that no class looks nearer. Columns (B,)."""

    sine: Column  # of the angle between the line of sight and the vehicle's side
    cosine: Column
    distance: Column
    eye: Column  # height above the road
    scale: Column  # apparent size / the picture's side
    centre: Column  # of the vehicle, 0-1 from the left
    contact: Column  # where its nearest wheel stands, 0-1 from the top
    mirror: Column  # 1 or -1: which way the picture faces
    forward: Column  # 1 or -1: front or rear turned to the eye
    roll: Column  # slope of the horizon

    @property
    def horizon(self) -> Column:
        """Height of the horizon, 0-1 from the top."""
        return self.contact - self.scale * self.eye


@dataclass(frozen=True)
class Lens:
    """What happens to the picture after it is drawn. Columns (B,) unless said otherwise."""

    gain: Colour  # white balance and exposure per channel
    contrast: Column
    blur: Column  # 0-3 passes of a small kernel, at 64 px
    motion: Column  # length of a horizontal smear, pixels at 64 px
    noise: Column  # grey levels
    vignette: Column
    texture: Column  # strength of surface grain, 0-1

    def part(self, images: slice) -> "Lens":
        """The same for some of the images."""
        return Lens(*(getattr(self, field.name)[..., images] for field in fields(self)))


@dataclass(frozen=True)
class Scene:
    """Everything about an image but the shape in it."""

    camera: Camera
    lens: Lens
    light: tuple[Column, Column, Column]  # brightness of side, end and top faces
    sun: Column  # where the shadow falls, vehicle widths towards the eye
    paints: dict[str, Colour]
    night: Mask
    livery: NDArray[np.int64]  # how a body's side is painted: 0 plain, 1 stripe, 2 two tones, 3 panel


def scene_of(seed: int, indices: NDArray[np.int64], style: int) -> Scene:
    """indices: int64 (B,). The scenes of these images, of whatever class."""
    stream = Stream(seed, f"scene/{style}", indices)
    camera = _camera(stream, style)
    side = stream.uniform(0.72, 1.05)
    end = np.clip(1.72 - side + stream.uniform(-0.12, 0.12), 0.55, 1.08)
    night = stream.happens(0.06)
    paints = _paints(stream, night)
    light = (side, end, stream.uniform(1.0, 1.18))
    return Scene(
        camera, _lens(stream, style), light, stream.uniform(-0.9, 0.5), paints, night, stream.pick((5, 2, 2, 1))
    )


def _camera(stream: Stream, style: int) -> Camera:
    # tan(half the angle); sine and cosine follow from it by a division, exact everywhere
    kind = stream.pick((2, 7, 3))
    tangent = np.choose(kind, (stream.uniform(0.0, 0.09), stream.uniform(0.09, 0.36), stream.uniform(0.36, 0.72)))
    whole = 1.0 + tangent * tangent
    far = 1.6 if style else 1.0
    scale = np.where(stream.happens(0.12), stream.uniform(0.95, 1.1), stream.uniform(0.42, 0.95))
    return Camera(
        sine=2.0 * tangent / whole,
        cosine=(1.0 - tangent * tangent) / whole,
        distance=stream.uniform(0.9, 2.4) * far,
        eye=stream.uniform(0.34, 0.95) if style else stream.uniform(0.12, 0.5),
        scale=scale,
        centre=0.5 + stream.middling(-0.24, 0.24),
        contact=0.5 + 0.36 * scale + stream.middling(-0.1, 0.1),
        mirror=np.where(stream.happens(0.5), 1.0, -1.0),
        forward=np.where(stream.happens(0.68), 1.0, -1.0),
        roll=stream.middling(-0.05, 0.05),
    )


def _lens(stream: Stream, style: int) -> Lens:
    warmth, exposure = stream.middling(-0.14, 0.14), stream.middling(0.78, 1.2)
    return Lens(
        gain=np.stack(
            [exposure * (1 + warmth), exposure * (1 + stream.middling(-0.04, 0.04)), exposure * (1 - warmth)]
        ),
        contrast=stream.middling(0.7, 1.25),
        blur=np.where(stream.happens(0.3), stream.uniform(0.2, 0.95), 0.0),
        motion=np.where(stream.happens(0.12), stream.uniform(1.0, 4.0), 0.0),
        noise=np.where(stream.happens(0.75), stream.uniform(0.0, 4.5), stream.uniform(4.0, 8.5)),
        vignette=stream.uniform(0.1, 0.5) if style else np.where(stream.happens(0.2), stream.uniform(0.0, 0.3), 0.0),
        texture=stream.uniform(0.5, 1.0) if style else stream.uniform(0.05, 0.3),
    )


def _coat(stream: Stream) -> Colour:
    chosen = np.array(_COATS, dtype=np.float64)[stream.pick(_COAT_WEIGHTS)].T
    return np.clip(chosen + stream.uniforms(3, -22.0, 22.0), 8.0, 250.0)


def _between(stream: Stream, first: tuple[int, ...], second: tuple[int, ...], spread: float = 12.0) -> Colour:
    share = stream.uniform()
    blend = np.array(first)[:, None] * (1 - share) + np.array(second)[:, None] * share
    return np.clip(blend + stream.uniforms(3, -spread, spread), 4.0, 252.0)


def _paints(stream: Stream, night: Mask) -> dict[str, Colour]:
    """Name -> colour in this light."""
    paints = {
        name: np.clip(np.array(colour)[:, None] * (1 + stream.uniform(-vary, vary)), 0, 255)
        for name, (colour, vary) in _FIXED.items()
    }
    for name in ("body", "accent", "cargo", "passing", "shirt"):
        paints[name] = _coat(stream)
    clear = _between(stream, (96, 152, 214), (164, 196, 226))
    overcast = _between(stream, (176, 184, 192), (214, 216, 218))
    paints["sky"] = np.where(stream.happens(0.5), clear, overcast)
    paints["road"] = _between(stream, (82, 82, 86), (134, 130, 126))
    paints["ground"] = np.where(
        stream.happens(0.5),
        _between(stream, (96, 118, 64), (142, 146, 88)),
        _between(stream, (150, 144, 134), (182, 174, 160)),
    )
    paints["leaf"] = _between(stream, (46, 84, 44), (104, 128, 58))
    paints["wall"] = _between(stream, (204, 190, 166), (150, 140, 132))
    paints["brick"] = _between(stream, (150, 84, 66), (176, 126, 98))
    paints["concrete"] = _between(stream, (140, 146, 152), (196, 198, 198))
    haze = stream.uniform(0.0, 0.35)
    for name in ("wall", "brick", "concrete", "pane"):
        paints[name] = paints[name] * (1 - haze) + paints["sky"] * haze
    paints["hill"] = 0.55 * paints["leaf"] + 0.45 * paints["sky"]
    ambient = np.where(night, np.array([[0.4], [0.43], [0.55]]), 1.0)
    for name in paints.keys() - set(GLOWING):
        paints[name] = paints[name] * ambient
    inside = night & stream.happens(0.6)  # lamps lit behind the windows
    for name in ("glass", "screen"):
        paints[name] = np.where(inside, 0.8 * paints["lit"], paints[name])
    for name in ("tail", "amber", "lamp"):  # by day lamps are off and dimmer than at night
        paints[name] = paints[name] * np.where(night, 1.0, 0.88)
    paints["shadow"], paints["penumbra"] = paints["road"] * 0.5, paints["road"] * 0.72
    return paints
