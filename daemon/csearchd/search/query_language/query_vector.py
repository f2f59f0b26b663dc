"""Combines the vectors of a query's parts into the one that pictures are compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import CancelledError
from csearchd.reasons import query as reasons
from csearchd.search.query_language.grammar import Part

Vector = NDArray[np.float32]  # (dimensions,), unit length

_MIN_LENGTH = 0.05  # a shorter sum of unit vectors is noise: they have cancelled each other


def combined(
    parts: Sequence[Part], embed: Callable[[str], Vector], pictures: Mapping[int, Vector]
) -> Vector | None:
    """The weighted sum of the parts at unit length; None without parts.

    `embed` gives the unit vector of a text. `pictures` has those of the pictures that the parts
    refer to by number. Raises CancelledError.
    """
    vectors = [
        part.weight * vector
        for part in parts
        for vector in [
            *([embed(part.text)] if part.text else []),
            *(pictures[number] for number in part.pictures),
        ]
    ]
    return unit(np.sum(vectors, axis=0)) if vectors else None


def blended(picture: Vector, label: Vector, blend: float) -> tuple[Vector, float]:
    """Blends a picture and a label: a unit vector, and the factor of its scores.

    The product of both is `blend` times the score for `picture` plus (1 - `blend`) times that for
    `label`. Raises CancelledError.
    """
    mixed = blend * picture + (1 - blend) * label
    return unit(mixed), float(np.linalg.norm(mixed))


def unit(vector: Vector) -> Vector:
    """Scales a vector to unit length. Raises CancelledError if it is nearly zero."""
    length = float(np.linalg.norm(vector))
    if length < _MIN_LENGTH:
        raise CancelledError(reasons.CANCELLED())
    scaled: Vector = (vector / length).astype(np.float32)
    return scaled
