"""Whether a raw file and a JPEG show the same shot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csearchd.encoder.decoding.pairs import Shot, is_same_shot
from support.photos import NAMES, photo

NIKON = {"make": "NIKON CORPORATION", "model": "NIKON D750", "taken": "2023-05-14T10:11:12"}


def shot(name: str | None, **said: Any) -> Shot:
    return Shot(said, None if name is None else np.asarray(photo(name).resize((64, 64))))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", NAMES)
def test_likeness_decides_where_nothing_else_does(name: str, other: str) -> None:
    assert is_same_shot(shot(name), shot(other)) == (name == other)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"taken": "2023-05-14T10:11:14"}, True),
        ({"taken": "2023-05-14T10:12:12"}, False),
        ({"taken": "2019-05-14T10:11:12"}, False),
        ({"model": "D750"}, True),
        ({"model": "NIKON D850"}, False),
        ({"make": "Canon"}, False),
        ({"taken": "1923"}, False),  # no time to compare, and another picture
    ],
)
def test_time_and_camera(changes: dict[str, str], same: bool) -> None:
    raw, jpeg = shot("cat", **NIKON), shot("coffee", **(NIKON | changes))
    assert is_same_shot(raw, jpeg) == same
    assert is_same_shot(raw, Shot(jpeg.metadata, raw.pixels))  # whatever they say


def test_without_pixels_the_name_decides_unless_they_contradict() -> None:
    assert is_same_shot(shot(None), shot("cat", **NIKON))
    assert is_same_shot(shot(None, **NIKON), shot("cat"))
    assert not is_same_shot(shot(None, **NIKON), shot("cat", **NIKON | {"make": "Canon"}))


@given(st.dictionaries(st.sampled_from(["taken", "make", "model"]), st.text()))
def test_whatever_files_say(said: dict[str, Any]) -> None:
    assert is_same_shot(shot("cat", **said), shot("cat", **NIKON))
    is_same_shot(shot("cat", **said), shot("coffee", **NIKON))
