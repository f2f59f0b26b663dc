"""Vectors of pictures in general, with which scores are compared.

A cosine of CLIP says little by itself: its range depends on the model, the words and the picture.
It gets a meaning by comparison with what the same words score on pictures in general.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from csearchd.models.active_model import ActiveModel
from csearchd.models.identity.checksums import Verifier
from csearchd.models.installed import BACKGROUND, Model

MAX_OWN = 1536  # of the user's pictures; the starter model comes with as many
MIN_VECTORS = 200  # with fewer there is nothing to compare with


def shipped_background(model: Model, verifier: Verifier) -> NDArray[np.float32] | None:
    """The unit vectors that came with the model, (n, dimensions); None if it came without, or they
    are damaged, which `verifier` remarks."""
    if not verifier.is_right(model, BACKGROUND):
        return None
    vectors = np.load(model.path(BACKGROUND)).astype(np.float32)
    scaled: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def background(active_model: ActiveModel) -> NDArray[np.float32]:
    """Unit vectors of pictures in general, (n, dimensions); n may be 0.

    They are those that came with the model, and up to MAX_OWN of the user's pictures.
    """
    own = active_model.table.sample(MAX_OWN)
    general = shipped_background(active_model.model, active_model.verifier)
    return own if general is None else np.concatenate([general, own])
