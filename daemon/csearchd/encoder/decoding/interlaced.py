"""Fills the gaps of an interlaced picture of which only the first passes were decoded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

# After each pass, how far apart the known columns and rows are.
_GIF = ((1, 8), (1, 4), (1, 2))  # GIF89a, appendix E
_PNG = ((8, 8), (4, 8), (4, 4), (2, 4), (2, 2), (1, 2))  # PNG, third edition, 8.1


def is_interlaced(image: Image.Image) -> bool:
    """Whether a GIF or PNG, opened and not yet decoded, is interlaced."""
    if image.format == "GIF" and isinstance(image, ImageFile.ImageFile) and image.tile:
        arguments = image.tile[0][3]  # bits, interlaced, transparency
        return isinstance(arguments, tuple) and bool(arguments[1])
    return bool(image.info.get("interlace"))


def filled(image: Image.Image) -> Image.Image:
    """The picture with each pixel that wasn't decoded, which is 0, like a decoded one near it."""
    pixels = np.array(image)
    values = pixels.reshape(*pixels.shape[:2], -1)
    known: NDArray[np.bool_] = (values != 0).any(axis=2)
    height, width = known.shape
    for columns, rows in (_GIF if image.format == "GIF" else _PNG)[::-1]:
        near = np.ix_(np.arange(height) // rows * rows, np.arange(width) // columns * columns)
        new = known[near] & ~known
        pixels[new] = pixels[near][new]
        known |= new
    result = Image.fromarray(pixels)  # "L" where it had a palette
    if image.palette:
        result.putpalette(image.palette.tobytes(), image.palette.mode)
    result.info = image.info
    return result
