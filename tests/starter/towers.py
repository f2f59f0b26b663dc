"""Vectors of photos and texts, as csearch itself computes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from csearchd.models.image_tower import OnnxTower
from csearchd.models.installed import Model
from csearchd.models.preprocess import Preprocess
from csearchd.models.text_tower import TextTower

_BATCH = 64

Vectors = NDArray[np.float32]


def encode_photos(
    model: Model, paths: list[Path], change: Callable[[Image.Image], Image.Image] | None = None
) -> Vectors:
    """Unit vectors (photos, dimensions) of photos, or of what `change` makes of them."""
    tower, preprocess = OnnxTower(model.directory), Preprocess.of_model(model.directory)
    parts = []
    for start in range(0, len(paths), _BATCH):
        pixels = []
        for path in paths[start : start + _BATCH]:
            with Image.open(path) as file:
                image = file.convert("RGB")
            pixels.append(preprocess.fit(change(image) if change else image))
        parts.append(tower.encode(np.stack(pixels)))
    return np.concatenate(parts).astype(np.float32)


def encode_texts(model: Model, texts: list[str]) -> Vectors:
    """Unit vectors (texts, dimensions)."""
    vectors: Vectors = np.asarray(TextTower(model, 1).embed(texts), np.float32)
    return vectors
