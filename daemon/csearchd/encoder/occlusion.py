"""Which regions of a picture match a query: by occlusion.

Parts of the picture, as the tower sees it, are painted over with its mean colour; what the score
loses is what they give. It works with every tower, whatever it is made of.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from csearchd.encoder.messages import SOFTWARE

_CELLS = 8  # the picture is cut into so many, each way
_WINDOW = 2  # cells, each way, that are painted over together
_LONGEST = 640  # pixels of the longer side of what is shown
_HOT = (255, 64, 0)

Pixels = NDArray[np.uint8]


def variants(pixels: Pixels) -> list[Pixels]:
    """The picture (height, width, 3), then itself with each window painted over."""
    colour = pixels.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    found = [pixels]
    for rows, columns in _windows(*pixels.shape[:2]):
        covered = pixels.copy()
        covered[rows, columns] = colour
        found.append(covered)
    return found


def heat(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """What each cell gives, (cells, cells), from 0 to 1 for the most; all 0 where nothing does.

    `scores` are those of `variants`, in their order.
    """
    lost = scores[0] - scores[1:]
    total = np.zeros((_CELLS, _CELLS), np.float32)
    count = np.zeros((_CELLS, _CELLS), np.float32)
    for loss, (rows, columns) in zip(lost, _windows(_CELLS, _CELLS), strict=True):
        total[rows, columns] += loss
        count[rows, columns] += 1
    given: NDArray[np.float32] = np.maximum(total / count, 0)
    highest = float(given.max())
    if highest > 0:
        given /= highest
    return given


def painted(pixels: Pixels, given: NDArray[np.float32]) -> bytes:
    """A PNG of the picture in grey, with what matches in its colours under a glow."""
    image = Image.fromarray(pixels)
    scale = max(1, round(_LONGEST / max(image.size)))
    size = (image.width * scale, image.height * scale)
    image = image.resize(size, Image.Resampling.BICUBIC)
    strength = Image.fromarray((given * 255).astype(np.uint8)).resize(
        size, Image.Resampling.BICUBIC
    )
    dark = image.convert("L").point(lambda value: value * 3 // 5).convert("RGB")
    shown = Image.composite(image, dark, strength)
    glow = strength.point(lambda value: value * 2 // 5)
    shown = Image.composite(Image.new("RGB", size, _HOT), shown, glow)
    out = io.BytesIO()
    about = PngImagePlugin.PngInfo()
    about.add_text("Software", SOFTWARE)
    shown.save(out, "PNG", pnginfo=about)
    return out.getvalue()


def _windows(height: int, width: int) -> list[tuple[slice, slice]]:
    """Rows and columns of each window."""
    steps = range(_CELLS - _WINDOW + 1)
    return [(_span(height, row), _span(width, column)) for row in steps for column in steps]


def _span(length: int, cell: int) -> slice:
    return slice(cell * length // _CELLS, (cell + _WINDOW) * length // _CELLS)
