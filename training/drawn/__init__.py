"""Drawn vehicles: a labelled set of pictures without end, without terms, the same bits on every machine."""

from training.drawn.classes import bus_classes, classes, label_of
from training.drawn.render import draw, draw_many
from training.drawn.sheet import contact_sheet, to_jpeg

__all__ = ["bus_classes", "classes", "contact_sheet", "draw", "draw_many", "label_of", "to_jpeg"]
