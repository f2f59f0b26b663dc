"""Photos for tests, from scikit-image's own, and drawn ones by the dozen."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

NAMES = ("astronaut", "cat", "coffee", "rocket", "coins", "moon", "horse", "gravel")


@cache
def photo(name: str) -> Image.Image:
    """One of NAMES, as RGB."""
    pixels = np.asarray(getattr(skimage.data, name)())
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    return Image.fromarray(pixels).convert("RGB")


def write_photos(directory: Path, names: tuple[str, ...] = NAMES) -> list[Path]:
    """Writes `NAME.jpg` for each of `names`."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{name}.jpg" for name in names]
    for name, path in zip(names, paths, strict=True):
        photo(name).save(path, quality=90)
    return paths


def drawn(number: int, size: tuple[int, int] = (96, 72)) -> bytes:
    """A JPEG that differs from those of other numbers."""
    noise = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.BILINEAR).save(out, "JPEG")
    return out.getvalue()


def write_drawn(directory: Path, count: int, first: int = 0) -> list[Path]:
    """Writes `count` different small pictures."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"drawn-{number:05}.jpg" for number in range(first, first + count)]
    for number, path in enumerate(paths, first):
        path.write_bytes(drawn(number))
    return paths
