"""The ranks of the benchmarks: ties and vectors that aren't finite win nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = str(Path(__file__).parents[1] / "benchmarks")

UNIT = np.eye(3, dtype=np.float32)
OWN = np.array([0, 1, 2])
NAMES = ["cat", "coffee", "rocket"]


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [BENCHMARKS, *sys.path])


def right(pictures: object, classes: object, names: list[str] = NAMES) -> list[bool]:
    from embedding import class_ranks

    found = class_ranks(np.array(pictures), np.array(classes), OWN, names)
    return [bool(place == 0) for place in found]


def test_ties_count_against_classes_of_other_names() -> None:
    assert right(UNIT, UNIT) == [True] * 3
    assert right(UNIT, UNIT[[0, 0, 0]]) == [False] * 3
    assert right(UNIT, UNIT[[0, 0, 2]], ["crane", "crane", "rocket"]) == [True, False, True]
    assert right(UNIT[[0, 0, 2]], UNIT[[0, 0, 2]], ["crane", "crane", "rocket"]) == [True] * 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_not_finite_are_not_found(value: float) -> None:
    broken = UNIT.copy()
    broken[1, 0] = value
    assert right(broken, UNIT) == right(UNIT, broken) == [True, False, True]
    assert right(UNIT, np.full_like(UNIT, value)) == [False] * 3
    assert right(np.full_like(UNIT, value), UNIT) == [False] * 3


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_captions_do_not_find_them_either(value: float) -> None:
    from embedding import chosen_model, ranks

    model = chosen_model("starter")
    unit = np.eye(3, model.dimensions, dtype=np.float32)
    broken = unit.copy()
    broken[1, 0] = value
    for pictures, texts in ((broken, unit), (unit, broken)):
        assert (ranks(model, pictures, texts, [0, 1, 2], 3) == 0).tolist() == [True, False, True]
