"""Small generated photographs, and folders and zips of them."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, side: int = 16) -> Image.Image:
    """A smooth random picture: each seed its own, and no two alike even when made smaller or saved anew."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    """The picture's file."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def folder(root: Path, names: list[str], **texts: str | bytes) -> Path:
    """A photograph under each name, and texts or bytes under theirs."""
    files: dict[str, bytes] = {name: encoded(picture(seed)) for seed, name in enumerate(names)}
    files |= {name: text.encode() if isinstance(text, str) else text for name, text in texts.items()}
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def zipped(root: Path, prefix: str = "") -> Path:
    """The folder as a zip beside it."""
    target = root.with_suffix(".zip")
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                archive.write(path, prefix + path.relative_to(root).as_posix())
    return target
