"""The vector of a query: sums, weights, cancellation; and matches of a label."""

from __future__ import annotations

import numpy as np
import pytest

from csearchd.errors import CancelledError
from csearchd.search.lexical.labels import words
from csearchd.search.query_language.grammar import parse
from csearchd.search.query_language.query_vector import Vector, blended, combined

AXES = np.eye(4, dtype=np.float32)
TEXTS = {"a": AXES[0], "b": AXES[1], "c d": AXES[2]}


def vector(query: str) -> Vector:
    found = combined(parse(query).parts, TEXTS.__getitem__, {})
    assert found is not None
    return found


def test_sums_and_weights() -> None:
    assert vector("a") == pytest.approx(AXES[0])
    assert vector("7:a") == pytest.approx(AXES[0])
    assert vector("a + b") == pytest.approx([0.5**0.5, 0.5**0.5, 0, 0])
    assert vector("3:a - 4:c d") == pytest.approx([0.6, 0, -0.8, 0])


def test_pictures_have_the_weight_of_their_part() -> None:
    (part,) = parse("2:a").parts
    part.pictures.append(0)
    found = combined([part], TEXTS.__getitem__, {0: AXES[3]})
    assert found == pytest.approx([0.5**0.5, 0, 0, 0.5**0.5])


def test_what_cancels() -> None:
    with pytest.raises(CancelledError):
        vector("a - a")
    assert combined([], TEXTS.__getitem__, {}) is None


def test_blended_scores_are_the_weighted_sum() -> None:
    mixed, scale = blended(AXES[0], AXES[1], 0.75)
    picture = np.array([0.6, 0.3, 0.1, 0], np.float32)
    assert scale * float(mixed @ picture) == pytest.approx(0.75 * 0.6 + 0.25 * 0.3)


def test_words() -> None:
    assert words("IMG_12-Acme COLA (acme).jpg") == ["img", "12", "acme", "cola", "jpg"]
    assert words("cafe\u0301 Ête") == ["café", "ête"]
    assert words("…") == []
