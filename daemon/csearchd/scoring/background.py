"""What pictures in general look like to a model: the yardstick for scores.

A score of CLIP means little alone: it depends on the model, the words and the picture. Against
what the same words score on pictures in general it means something.
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from csearchd.library.vectors.table import VectorTable
from csearchd.models.installed import Model

FILE = "background.npy"  # in a model's directory, where it comes with one
OWN = 1536  # of the user's pictures, as many as the starter's own sample has
ENOUGH = 200  # vectors; fewer are no yardstick


def shipped(model: Model) -> NDArray[np.float32] | None:
    """The unit vectors of pictures in general that came with the model, (n, dimensions)."""
    path = model.path(FILE)
    if not os.path.exists(path):
        return None
    vectors = np.load(path).astype(np.float32)
    scaled: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def background(model: Model, table: VectorTable) -> NDArray[np.float32]:
    """Vectors of pictures in general, of shape (n, dimensions): those that came with the model,
    and up to OWN of the user's own. n may be 0."""
    own = table.sample(OWN)
    general = shipped(model)
    return own if general is None else np.concatenate([general, own])
