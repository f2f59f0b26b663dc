"""Pictures on which an image tower is compared with the one that it was made from."""

from __future__ import annotations

import importlib.resources

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from csearchd.models.preprocess import Preprocess


def sample_pixels(preprocess: Preprocess) -> NDArray[np.uint8]:
    """32 generated pictures, uint8 (32, height, width, 3): from a single colour over large squares
    to noise."""
    random = np.random.default_rng(0)
    height, width = preprocess.height, preprocess.width
    pictures = []
    for number in range(32):
        cells = 1 + number * number * min(height, width) // (31 * 31)
        rough = random.integers(0, 256, (cells, cells, 3), np.uint8)
        rows, columns = np.arange(height) * cells // height, np.arange(width) * cells // width
        pictures.append(rough[rows][:, columns])
    return np.stack(pictures)


def photo_pixels(preprocess: Preprocess) -> NDArray[np.uint8]:
    """The photos that come with csearch, uint8 (n, height, width, 3). Raises OSError."""
    directory = importlib.resources.files("csearch") / "demo" / "photos"
    names = sorted(entry.name for entry in directory.iterdir() if entry.name.endswith(".jpg"))
    photos = []
    for name in names:
        with (directory / name).open("rb") as file, Image.open(file, formats=["JPEG"]) as photo:
            photos.append(preprocess.fit(photo.convert("RGB")))
    return np.stack(photos)


def comparison_pixels(preprocess: Preprocess) -> NDArray[np.uint8]:
    """The generated pictures and the photos."""
    return np.concatenate([sample_pixels(preprocess), photo_pixels(preprocess)])
