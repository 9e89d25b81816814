"""Drawn vehicles as pools: as many buses as wanted, each picture its own group. Nothing is stored but numbers."""

from training.data.archives import DataError
from training.data.rows import Row
from training.drawn_job import drawn_rows

# Pool -> (buses, others). About three others for each bus, as in the collections of photographs.
SIZES = {
    "drawn-tiny": (260, 120),
    "drawn-small": (1_000, 2_700),
    "drawn": (2_600, 7_800),
    "drawn-large": (6_000, 4_500),
}


def drawn_pool(name: str) -> tuple[Row, ...]:
    """Rows of a drawn pool, the buses first. Raises DataError for an unknown name."""
    if name not in SIZES:
        raise DataError(f"Pool {name!r} is none of {', '.join(SIZES)}. Name one of them.")
    buses, others = SIZES[name]
    return drawn_rows({"fit": buses}, {"fit": others})
