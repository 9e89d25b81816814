"""A picture of a class: a pure function of (seed, class, index, size, style), the same bits on every machine."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.drawn.backdrop import backdrop_of
from training.drawn.chance import Stream
from training.drawn.classes import family_of, shape_of
from training.drawn.lens import expose
from training.drawn.raster import Outlines, fill
from training.drawn.scene import STYLES, Camera, Scene, scene_of
from training.drawn.solid import Faces, Solid
from training.drawn.surface import FINE, coloured, surfaces_of

SIZES = (16, 1024)  # pixels; smallest and largest side
# Shapes are built for many images at once, since each step costs the same for one image as for a hundred; pixels
# are filled for few, since they shall stay in the processor's cache.
_SHAPES, _PIXELS = 128, 16 * 64 * 64
Place = tuple[NDArray[np.float64], NDArray[np.float64]]  # x and y of corners, each (T, B)
_LYING = ("rail", "penumbra", "shadow")  # on the road: they do not count when the vehicle is fitted into the picture


def draw(seed: int, class_name: str, index: int, size: int = 96, style: int = 0) -> NDArray[np.uint8]:
    """One picture: uint8 (size, size, 3). The same as the one that draw_many returns for this index.

    Raises ValueError for an unknown class, size or style, or a negative index.
    """
    picture: NDArray[np.uint8] = draw_many(seed, class_name, [index], size, style)[0]
    return picture


def draw_many(
    seed: int, class_name: str, indices: Sequence[int] | NDArray[np.int64], size: int = 96, style: int = 0
) -> NDArray[np.uint8]:
    """Pictures of one class: uint8 (N, size, size, 3), in the order of the indices.

    About ten times faster a picture than `draw`. Equal (seed, index) shares one scene among classes.
    """
    family_of(class_name)
    numbers = np.asarray(indices, dtype=np.int64)
    _check(numbers, size, style)
    result = np.empty((len(numbers), size, size, 3), dtype=np.uint8)
    for start in range(0, len(numbers), _SHAPES):
        _paint(result[start : start + _SHAPES], seed, class_name, numbers[start : start + _SHAPES], style)
    return result


def _check(indices: NDArray[np.int64], size: int, style: int) -> None:
    if indices.ndim != 1 or (indices < 0).any():
        raise ValueError(
            f"indices are {indices.tolist()!r}; wanted is a flat list of whole numbers from 0. Count from 0."
        )
    if not SIZES[0] <= size <= SIZES[1]:
        raise ValueError(
            f"size is {size} pixels; {SIZES[0]} to {SIZES[1]} can be drawn. Draw at the nearest and resize."
        )
    if style not in STYLES:
        raise ValueError(f"style is {style!r}; there are {STYLES}: plain (0) and textured (1). Take one of them.")


def _paint(result: NDArray[np.uint8], seed: int, class_name: str, indices: NDArray[np.int64], style: int) -> None:
    """Fill result, uint8 (B, S, S, 3)."""
    size = result.shape[1]
    scene = scene_of(seed, indices, style)
    faces, places = _composed(seed, class_name, indices, style, scene)
    outlines = _outlines(faces, places, scene.camera, size * FINE)
    surfaces = surfaces_of(faces, outlines, scene, size * FINE)
    step = max(1, _PIXELS // (size * size))
    for start in range(0, len(indices), step):
        images = slice(start, start + step)
        grain, noise = (Stream(seed, f"{purpose}/{style}", indices[images]) for purpose in ("grain", "noise"))
        shown = fill(outlines.part(images), size * FINE)
        result[images] = expose(coloured(shown, surfaces.part(images), grain), scene.lens.part(images), noise)


def _composed(
    seed: int, class_name: str, indices: NDArray[np.int64], style: int, scene: Scene
) -> tuple[list[Faces], list[Place]]:
    """All faces of these images and where their corners are, scenery first."""
    shape = shape_of(seed, class_name, indices)
    solid = Solid(scene, shape["length"], shape["width"])
    family_of(class_name).build(solid, shape)
    scenery = backdrop_of(seed, indices, style, scene)
    corners = _joined(scenery)
    places = [(corners[:, 0], corners[:, 1])]
    if not solid.faces:
        return scenery, places
    solid.faces = [*_ground(solid, scene), *solid.faces]
    return scenery + solid.faces, [*places, _placed(solid, scene.camera)]


def _joined(faces: list[Faces]) -> NDArray[np.float64]:
    """All corners, (T, axes, B)."""
    return np.concatenate([f.corners.reshape(-1, *f.corners.shape[2:]) for f in faces])


def _starts(faces: list[Faces]) -> NDArray[np.int64]:
    """Number of each face's first corner, (P + 1,); the last entry is the number of corners."""
    counts = [count for f in faces for count in [f.corners.shape[1]] * len(f.corners)]
    return np.cumsum([0, *counts])


def _outlines(faces: list[Faces], places: list[Place], camera: Camera, side: int) -> Outlines:
    """Picture coordinates -> pixels of a picture `side` pixels wide, with the horizon's slope."""
    x, y = (np.concatenate(parts) * side for parts in zip(*places, strict=True))
    y += camera.roll * (x - 0.5 * side)
    order = np.empty((sum(len(f.corners) for f in faces), x.shape[1]))
    start = 0
    for face in faces:
        order[start : start + len(face.corners)] = face.order
        start += len(face.corners)
    return Outlines(x, y, _starts(faces)[:-1], order)


def _placed(solid: Solid, camera: Camera) -> Place:
    """The vehicle's corners in picture coordinates (0-1), scaled so that every class has the camera's apparent size."""
    x, y = _projected(_joined(solid.faces), solid, camera)
    starts = _starts(solid.faces)
    upright = np.concatenate([np.full(f.corners.shape[:2], f.paint not in _LYING).ravel() for f in solid.faces])
    left, right = x[upright].min(axis=0), x[upright].max(axis=0)
    tall = y[upright].max(axis=0) - y[upright].min(axis=0)
    zoom = camera.scale / np.maximum(right - left, 1.12 * tall)
    # twice the signed area of a face's first three corners and its last: negative where only its inside is seen
    first, last = starts[:-1], starts[1:] - 1
    area = (x[first + 2] - x[first]) * (y[last] - y[first + 1]) - (y[first + 2] - y[first]) * (x[last] - x[first + 1])
    one_sided = np.repeat([f.one_sided for f in solid.faces], [len(f.corners) for f in solid.faces])
    hidden = (one_sided[:, None] & (area * camera.forward <= 0)).repeat(np.diff(starts), axis=0)
    x = camera.centre + camera.mirror * (x - 0.5 * (left + right)) * zoom
    y = camera.contact + y * zoom
    x[hidden] = y[hidden] = 0.0
    return x, y


def _projected(corners: NDArray[np.float64], solid: Solid, camera: Camera) -> Place:
    """(T, 3, B) metres -> right and down from the foot of the nearest corner, each (T, B), unscaled."""
    along = (corners[:, 0] - 0.5 * solid.length) * camera.forward
    across = corners[:, 1] - 0.5 * solid.width
    # apparent size in metres; lengths of the camera are multiples of it
    unit = np.maximum(solid.length * camera.cosine + solid.width * camera.sine, 1.5 * solid.width)
    nearest = camera.distance * unit
    away = nearest + 0.5 * (solid.length * camera.sine + solid.width * camera.cosine)
    near = nearest / (away - along * camera.sine + across * camera.cosine)
    eye = camera.eye * unit
    return (along * camera.cosine + across * camera.sine) * near, (eye - corners[:, 2]) * near - eye


def _ground(solid: Solid, scene: Scene) -> list[Faces]:
    """Two dark patches on the road below the vehicle, the smaller one darker; and its origin.

    Parts that an image lacks shrink to the origin; since it is always there, they never widen what is fitted.
    """
    ground = Solid(scene, solid.length, solid.width)
    ground.add([(0.0, 0.0, 0.0)] * 3, "trim")
    ground.at(0.5 * solid.length, -100)
    lift = 0.06 * solid.length
    for margin, paint in ((1.0, "penumbra"), (0.35, "shadow")):
        near, far = (
            np.minimum(scene.sun, 0.0) * solid.width - 0.2 * margin,
            solid.width + np.maximum(scene.sun, 0.0) * solid.width,
        )
        ends = (-lift * margin, solid.length + lift * margin)
        ground.add([(ends[0], near, 0.0), (ends[1], near, 0.0), (ends[1], far, 0.0), (ends[0], far, 0.0)], paint)
    return ground.faces
