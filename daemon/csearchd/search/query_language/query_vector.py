"""From a query's parts to the one vector that pictures are compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import CancelledError
from csearchd.reasons import query as reasons
from csearchd.search.query_language.grammar import Part

Vector = NDArray[np.float32]  # (dimensions,), unit length

_LEAST = 0.05  # what is left of unit vectors that cancel each other is noise


def combined(
    parts: Sequence[Part], embed: Callable[[str], Vector], pictures: Mapping[int, Vector]
) -> Vector | None:
    """The weighted sum of the parts, at unit length; None without parts.

    `embed` gives a text's vector, `pictures` are those that the parts name by number. Raises
    CancelledError.
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
    """The direction that scores `blend` of the likeness to a picture and the rest of that to a
    label, and what its scores must be multiplied by to be that sum. Raises CancelledError."""
    mixed = blend * picture + (1 - blend) * label
    return unit(mixed), float(np.linalg.norm(mixed))


def unit(vector: Vector) -> Vector:
    """Raises CancelledError."""
    length = float(np.linalg.norm(vector))
    if length < _LEAST:
        raise CancelledError(reasons.CANCELLED())
    scaled: Vector = (vector / length).astype(np.float32)
    return scaled
