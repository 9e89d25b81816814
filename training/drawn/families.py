"""Which builder draws a family, and which label its classes carry in adaptation."""

from collections.abc import Callable
from dataclasses import dataclass

from training.drawn import loads, machines, things
from training.drawn.cars import car, pickup
from training.drawn.coaches import coach
from training.drawn.cycles import cycle
from training.drawn.parts import Shape
from training.drawn.solid import Solid
from training.drawn.trucks import truck


@dataclass(frozen=True)
class Family:
    """Classes whose names begin with the same word share this."""

    label: str
    build: Callable[[Solid, Shape], None]


BUS = "bus"
FAMILIES: dict[str, Family] = {
    BUS: Family("bus", coach),
    "car": Family("car", car),
    "pickup": Family("truck", pickup),
    "van": Family("truck", coach),
    "camper": Family("truck", coach),
    "box": Family("truck", truck(loads.box)),
    "tanker": Family("truck", truck(loads.tank)),
    "dumper": Family("truck", truck(loads.dump)),
    "flatbed": Family("truck", truck(loads.flat)),
    "timber": Family("truck", truck(loads.logs)),
    "mixer": Family("truck", truck(loads.mixer)),
    "refuse": Family("truck", truck(loads.refuse)),
    "fire": Family("truck", truck(loads.engine)),
    "crane": Family("truck", truck(loads.boom)),
    "unit": Family("truck", truck(loads.nothing)),
    "motorbike": Family("motorbike", cycle),
    "trailer": Family("other", coach),
    "boat": Family("other", truck(loads.boat)),
    "tram": Family("other", coach),
    "train": Family("other", coach),
    "locomotive": Family("other", machines.locomotive),
    "wagon": Family("other", machines.wagon),
    "tractor": Family("other", machines.tractor),
    "digger": Family("other", machines.excavator),
    "bicycle": Family("other", cycle),
    "scene": Family("other", things.street),
    "shelter": Family("other", things.shelter),
    "shed": Family("other", things.shed),
    "tree": Family("other", things.tree),
    "hull": Family("other", things.boat),
    "board": Family("other", things.billboard),
    "bench": Family("other", things.bench),
    "container": Family("other", things.container),
    "kiosk": Family("other", things.kiosk),
}
