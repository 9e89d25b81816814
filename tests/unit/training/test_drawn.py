"""Drawn vehicles: the same bits everywhere, no class in the nuisance, no bus among the source classes."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from training.drawn import bus_classes, classes, contact_sheet, draw, draw_many, label_of, to_jpeg
from training.drawn.classes import parse_table, shape_of
from training.drawn.families import FAMILIES

EVERY = (*classes(), *bus_classes())
# (seed, class, index, size, style) -> SHA-256 of the pixels. They change only when a picture is meant to change.
PIXELS = {
    (0, "bus-city", 0, 64, 0): "07077410fe9b9a2d11205e77eddcd5d5f4f1b45ff526d4165cffef8b447a62a1",
    (0, "bus-school", 8, 96, 0): "ba833b7905b08b42b7b9518305fe20945dba0e6f60ecf0c4b40aaf7fa838a045",
    (7, "tram-modern", 123456, 48, 1): "56dcf6254bec398361c1a3c71a7c90b9d6e9deb35d1d4445aa8b43b6079f8016",
    (1, "car-hatch", 26, 64, 1): "8b49297b931cf5eb82e36f55fd3a2e55bcaececf4f7408dfb81e765e2e489177",
    (2, "tanker-semi", 15, 96, 0): "9f987bf913022b2ddbae2c0409186204f45151069060a598f8f3ef4609324207",
    (3, "motorbike-touring", 2, 64, 0): "3bd9eba8e4ea28eb610a2eb27993a015c75e9619699c25872944f7cf07117247",
    (2**63 - 1, "scene-street", 2**40, 32, 0): "5d5f88d1a5c4d1e075cbbaa39b92623e5b033fcac4dfbb8aaf5f8df7cc9ebd74",
}


@pytest.mark.parametrize("arguments", PIXELS, ids=str)
def test_same_bits_as_ever(arguments: tuple[int, str, int, int, int]) -> None:
    """A picture has the bits it had when this test was written, on another machine and NumPy too."""
    assert PIXELS[arguments] == hashlib.sha256(draw(*arguments).tobytes()).hexdigest()


@pytest.mark.parametrize("name", ["bus-city", "tram-modern", "train-metro", "camper-integrated", "flatbed-semi"])
def test_neighbours_do_not_matter(name: str) -> None:
    """A picture is the same alone, among others, in another order and behind a full batch."""
    many = draw_many(5, name, range(140), 16)
    assert (draw(5, name, 7, 16) == many[7]).all()
    assert (many[[139, 3, 128]] == draw_many(5, name, [139, 3, 128], 16)).all()


def test_shape_and_type() -> None:
    """Pictures are uint8 RGB of the size asked for, and none asked for gives none."""
    assert ((64, 64, 3), np.uint8) == ((image := draw(0, "car-sedan", 0, 64)).shape, image.dtype)
    assert (96, 96, 3) == draw(0, "car-sedan", 0).shape
    assert (0, 32, 32, 3) == draw_many(0, "car-sedan", [], 32).shape


def test_every_class_can_be_drawn_and_seen() -> None:
    """Each class but the empty street leaves its mark on most pictures of a scene, in both styles."""
    for style, names in ((0, EVERY), (1, EVERY[::6])):
        empty = draw_many(2, "scene-street", range(4), 32, style).astype(int)
        for name in names:
            marked = (np.abs(draw_many(2, name, range(4), 32, style) - empty).max(axis=3) > 24).mean(axis=(1, 2))
            assert (name == "scene-street") == (np.median(marked) < 0.01), name


def test_pictures_differ() -> None:
    """Indices, seeds, styles and classes all change the picture."""
    images = draw_many(0, "van-panel", range(60), 24)
    assert 60 == len({image.tobytes() for image in images})
    others = (draw(1, "van-panel", 0, 24), draw(0, "van-panel", 0, 24, 1), draw(0, "van-high", 0, 24))
    assert not any((images[0] == other).all() for other in others)


def test_scene_knows_no_class() -> None:
    """Where no vehicle reaches, pictures of one index are equal to the bit for every class: so is the nuisance."""
    far_above = [
        draw_many(3, name, range(24), 48)[:, :3] for name in ("scene-street", "bus-city", "car-sedan", "box-short")
    ]
    equal = [(far_above[0] == other).all(axis=(1, 2, 3)).mean() for other in far_above[1:]]
    assert min(equal) > 0.8, equal


def test_colour_tells_no_bus() -> None:
    """The mean colour of a picture ranks buses no better than chance: AUROC within 0.05 of a half."""
    bus, other = (
        np.concatenate([draw_many(4, name, range(k, 240, len(names)), 24) for k, name in enumerate(names)]).mean(
            axis=(1, 2)
        )
        for names in (
            bus_classes(),
            ("van-window", "tram-classic", "camper-alcove", "box-long", "car-suv", "train-railcar"),
        )
    )
    for channel in range(3):
        above = (bus[:, None, channel] > other[None, :, channel]).mean()
        assert abs(above - 0.5) < 0.05, (channel, above)


def test_no_bus_among_source_classes() -> None:
    """Source classes and kinds of bus are apart, without repetition, and many enough."""
    assert not set(classes()) & set(bus_classes())
    assert len(EVERY) == len(set(EVERY))
    assert "bus" not in {label_of(name) for name in classes()}
    assert {"bus"} == {label_of(name) for name in bus_classes()}
    assert len(classes()) >= 40
    assert len(bus_classes()) >= 6


def test_every_class_has_a_label() -> None:
    """Every class has one of the five labels, every label a class, every family a class."""
    assert {"bus", "car", "truck", "motorbike", "other"} == {label_of(name) for name in EVERY}
    assert set(FAMILIES) == {name.partition("-")[0] for name in EVERY}


def test_bus_shares_its_parameters_with_rivals() -> None:
    """Buses, trams, campers and window vans are drawn by one builder from overlapping ranges."""
    bus, tram = (shape_of(0, name, np.arange(200)) for name in ("bus-city", "tram-classic"))
    assert bus.keys() == tram.keys()
    for parameter in ("length", "windows", "doors", "gap", "rake"):
        low = max(bus[parameter].min(), tram[parameter].min())
        assert low <= min(bus[parameter].max(), tram[parameter].max()), parameter


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((0, "bus-flying", 0, 64, 0), "bus-flying"),
        ((0, "bus-city", -1, 64, 0), "-1"),
        ((0, "bus-city", 0, 8, 0), "8 pixels"),
        ((0, "bus-city", 0, 64, 2), "2"),
    ],
)
def test_impossible_pictures_are_refused(arguments: tuple[int, str, int, int, int], named: str) -> None:
    """An unknown class, a negative index, a tiny size and an unknown style are refused by name."""
    with pytest.raises(ValueError, match=named):
        draw(*arguments)


def test_label_of_an_unknown_class_is_refused() -> None:
    """A name that is no class has no label."""
    with pytest.raises(ValueError, match="ship-steam"):
        label_of("ship-steam")


@pytest.mark.parametrize("row", ["car-a < lorry: length 4", "car: length 4\ncar: length 5"])
def test_wrong_rows_are_refused(row: str) -> None:
    """A row with an unknown parent or a name used twice is an error that quotes the row."""
    with pytest.raises(ValueError, match="Correct the row"):
        parse_table(row)


def test_rows_inherit() -> None:
    """A row has its parent's parameters and its own, over several lines."""
    table = parse_table("car: length 4 5, doors 2\ncar-long < car: length 6 8,\n    rack odds 0.25\n")
    length, doors, rack = (table["car-long"][name] for name in ("length", "doors", "rack"))
    assert (6, 8, False) == (length.low, length.high, length.odds)
    assert (2, 2, False) == (doors.low, doors.high, doors.odds)
    assert (0.25, True) == (rack.low, rack.odds)


def test_files() -> None:
    """A picture as JPEG is nearly the same picture; a sheet has a row a class and a column an index."""
    image = draw(0, "tree-crown", 3, 64)
    decoded = np.asarray(Image.open(io.BytesIO(to_jpeg(image, quality=95))), dtype=int)
    assert np.abs(decoded - image).mean() < 6
    sheet = Image.open(io.BytesIO(contact_sheet(classes()[:2], [4, 5, 6], size=32)))
    assert ((3 * 35 + 3, 2 * 35 + 3), "PNG") == (sheet.size, sheet.format)
