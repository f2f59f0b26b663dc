"""Pictures as cameras and phones make them, for benchmarks: large, textured, each one different."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from support.photos import photo

_PHOTOS = ("astronaut", "cat", "coffee", "rocket")
_BASES = 16  # pictures that are really drawn; the others have other quantisation tables
_QUANTISATION = b"\xff\xdb\x00\x43"  # a table of 64 bytes follows its number


def write_camera(directory: Path, count: int, size: tuple[int, int]) -> None:
    """Writes `count` JPEGs of `size` (width, height); of 12 megapixels they have about 3 MB."""
    directory.mkdir(parents=True)
    bases = [_draw(number, size) for number in range(min(count, _BASES))]
    for number in range(count):
        data = _variant(bases[number % _BASES], number // _BASES)
        (directory / f"IMG_{number:05}.jpg").write_bytes(data)


def _draw(number: int, size: tuple[int, int]) -> bytes:
    """A part of a photo, enlarged, with the grain that a sensor gives."""
    random = np.random.default_rng(number)
    source = photo(_PHOTOS[number % len(_PHOTOS)])
    width = int(random.integers(source.width // 2, source.width))
    height = min(source.height, width * size[1] // size[0])
    left = int(random.integers(0, source.width - width + 1))
    top = int(random.integers(0, source.height - height + 1))
    picture = source.crop((left, top, left + width, top + height))
    pixels = np.asarray(picture.resize(size, Image.Resampling.BICUBIC), np.int16)
    # 12 megapixels have the grain of a small sensor; small ones were reduced, and show none.
    grain = 6 if size[0] > 2000 else 3
    noise = random.normal(0, grain, (size[1], size[0], 1)).astype(np.int16)
    out = io.BytesIO()
    grainy = Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
    grainy.save(out, "JPEG", quality=88)
    return out.getvalue()


def _variant(data: bytes, number: int) -> bytes:
    """The same coded data, which other tables make another picture of: as much work as new."""
    at = data.index(_QUANTISATION) + len(_QUANTISATION) + 1
    changed = bytearray(data)
    changed[at + 63] = 100 + number % 100
    changed[at + 62] = 100 + number // 100
    return bytes(changed)
