"""Photographs of the mistakes, small, inside the file itself - where their terms allow it."""

import base64
import io
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from contract.errors import PhotographError
from contract.manifest import Input
from contract.pixels import to_input
from training.data.archives import DataError
from training.data.collections import Reader
from training.job import Data, Job

REPOSITORY = Path(__file__).resolve().parents[2]
LARGEST_SIDE = 96  # pixels
QUALITY = 82  # of the JPEG: about 3 KB a picture
FREE = "drawn"  # the only collection whose pictures may lie in the repository


def why_no_pictures(job: Job, repository: Path = REPOSITORY) -> str | None:
    """A sentence when the report must not show photographs, else None.

    Photographs with an owner never enter the repository, not even an ignored folder of it.
    """
    owned = sorted({part.name for part in (job.train, *job.tests)} - {FREE})
    if not owned or not job.out.resolve().is_relative_to(repository):
        return None
    return (
        f"The pictures are left out: {job.out} lies inside the repository, and the photographs of {', '.join(owned)} "
        "have owners. Write the job to a folder outside it, and they appear here."
    )


def thumbnails(part: Data, paths: Iterable[str], shape: Input) -> dict[str, str]:
    """path -> data: URI of the photograph as the network gets it, 96 pixels at most. Unreadable ones are absent."""
    return {path: uri for path in paths if (uri := _thumbnail(part.reader, path, shape))}


def _thumbnail(reader: Reader, path: str, shape: Input) -> str | None:
    try:
        rgb = to_input(reader.read(path), shape.size, shape.resize).rgb
    except (DataError, PhotographError):
        return None  # the figures stand without it
    image = Image.fromarray(rgb)
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
