"""Which regions of a picture match a query, found by occlusion.

Windows of the picture are painted over with its mean colour, one at a time. The score that the
picture loses is what the window contributes. This works with every tower, whatever it is made of.
Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014, section 4.2.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from csearchd.encoder.messages import SOFTWARE

_CELLS = 8  # that a side of the picture is divided into
_WINDOW = 2  # cells of a side that are painted over together
_SHOWN_SIDE = 640  # pixels of the longer side of the picture that is shown, about
_GLOW = (255, 64, 0)

Pixels = NDArray[np.uint8]


def variants(pixels: Pixels) -> list[Pixels]:
    """The picture itself, uint8 (height, width, 3), then a copy for each window painted over."""
    colour = pixels.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    found = [pixels]
    for rows, columns in _windows(*pixels.shape[:2]):
        covered = pixels.copy()
        covered[rows, columns] = colour
        found.append(covered)
    return found


def heat(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """What each cell contributes: float32 (cells down, cells across), scaled to a maximum of 1.

    All 0 where none contributes. `scores` are those of `variants`, in their order: float32
    (1 + windows).
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
    """A PNG file of the picture, uint8 (height, width, 3), in grey; what matches glows in colour.

    `given` is what `heat` returns.
    """
    image = Image.fromarray(pixels)
    scale = max(1, round(_SHOWN_SIDE / max(image.size)))
    size = (image.width * scale, image.height * scale)
    image = image.resize(size, Image.Resampling.BICUBIC)
    strength = Image.fromarray((given * 255).astype(np.uint8)).resize(
        size, Image.Resampling.BICUBIC
    )
    dark = image.convert("L").point(lambda value: value * 3 // 5).convert("RGB")
    shown = Image.composite(image, dark, strength)
    glow = strength.point(lambda value: value * 2 // 5)
    shown = Image.composite(Image.new("RGB", size, _GLOW), shown, glow)
    out = io.BytesIO()
    about = PngImagePlugin.PngInfo()
    about.add_text("Software", SOFTWARE)
    shown.save(out, "PNG", pnginfo=about)
    return out.getvalue()


def _windows(height: int, width: int) -> list[tuple[slice, slice]]:
    """The rows and the columns of each window."""
    steps = range(_CELLS - _WINDOW + 1)
    return [(_span(height, row), _span(width, column)) for row in steps for column in steps]


def _span(length: int, cell: int) -> slice:
    return slice(cell * length // _CELLS, (cell + _WINDOW) * length // _CELLS)
