"""How photographs reach the runtime: lanes that do everything, or a pool that decodes for one device."""

from dataclasses import dataclass

from serving.cores import granted_cores
from serving.engine import CUDA
from serving.settings import Settings

CPU_BATCH = 4  # more of what waits gains nothing on a core, and makes the others wait
DEVICE_BATCH = 32


@dataclass(frozen=True)
class Shape:
    """`lanes`: threads that decode. In a pool one more infers whatever they have ready; else each infers its own."""

    lanes: int
    batch_limit: int
    is_pool: bool = False


def shape_of(settings: Settings, provider: str) -> Shape:
    """What the settings say, and what suits the provider where they leave it open."""
    is_pool = provider == CUDA if settings.shape == "auto" else settings.shape == "pool"
    lanes = settings.lanes or max(1, granted_cores() // settings.processes)
    return Shape(lanes, settings.batch_limit or (DEVICE_BATCH if provider == CUDA else CPU_BATCH), is_pool)
