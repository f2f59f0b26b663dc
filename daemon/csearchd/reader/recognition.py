"""Reads a line of text: PP-OCRv6's recognition network, and the letters from what it gives."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from csearchd.models.onnx_session import open_model, session_options
from csearchd.reader.components import Points
from csearchd.reader.detection import normalised

_HEIGHT = 48  # pixels of a line, as the network takes it
_MIN_WIDTH = 320  # to which shorter lines are filled up
_MAX_WIDTH = 4800  # to which longer ones are squeezed
_UPRIGHT = 1.5  # a box that is higher than wide by this factor is a line that is turned
_BLANK = 0  # the class that stands for no letter


class Guess(NamedTuple):
    """What may be written in a line, and how sure that is: the mean over its letters, 0 to 1."""

    text: str
    confidence: float


class Recogniser:
    """The recognition network. Not thread-safe."""

    def __init__(self, path: str, threads: int) -> None:
        """Raises OSError, or what onnxruntime does, where the file at `path` can't be used."""
        self._session = open_model(path, session_options(threads))
        letters = self._session.get_modelmeta().custom_metadata_map["character"].split("\n")
        self._letters = ["", *letters, " "]

    def read(self, line: Image.Image) -> Guess:
        """Reads a line, which is an sRGB picture that lies upright."""
        width = min(max(1, math.ceil(_HEIGHT * line.width / line.height)), _MAX_WIDTH)
        pixels = normalised(line.resize((width, _HEIGHT), Image.Resampling.BILINEAR))
        given = np.zeros((1, 3, _HEIGHT, max(width, _MIN_WIDTH)), np.float32)
        given[0, :, :, :width] = pixels
        likelihoods: NDArray[np.float32] = self._session.run(None, {"x": given})[0][0]
        return self._decoded(likelihoods)

    def _decoded(self, likelihoods: NDArray[np.float32]) -> Guess:
        """The likeliest letters; one that stands in several columns in a row is one letter."""
        best = likelihoods.argmax(axis=1)
        kept = best != _BLANK
        kept[1:] &= best[1:] != best[:-1]
        if not kept.any():
            return Guess("", 0.0)
        text = "".join(self._letters[number] for number in best[kept])
        return Guess(text, float(likelihoods.max(axis=1)[kept].mean()))


def is_upright(box: Points) -> bool:
    """Whether a box is that of a line that runs from bottom to top, or from top to bottom."""
    width, height = _size(box)
    return height / width >= _UPRIGHT


def cut(picture: Image.Image, box: Points) -> Image.Image:
    """The line of text between four corners, clockwise from its top left, as it is to be read."""
    width, height = _size(box)
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    rows, right = [], []
    for (u, v), (x, y) in zip(box, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    try:
        data = np.linalg.solve(np.array(rows, float), np.array(right, float)).tolist()
    except np.linalg.LinAlgError:  # it is flat
        return Image.new("RGB", (1, 1))
    return picture.transform(
        (width, height), Image.Transform.PERSPECTIVE, data, Image.Resampling.BICUBIC
    )


def _size(box: Points) -> tuple[int, int]:
    """Width and height of a box in pixels, at least 1."""
    a, b, c, d = box
    width = max(np.hypot(*(a - b)), np.hypot(*(c - d)))
    height = max(np.hypot(*(a - d)), np.hypot(*(b - c)))
    return max(1, int(width)), max(1, int(height))
