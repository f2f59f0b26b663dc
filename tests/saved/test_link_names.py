"""What the links of a saved search are called."""

from __future__ import annotations

import pytest

from csearchd.serve.saved import links
from csearchd.serve.saved.links import Key


@pytest.mark.parametrize("suffix", [b".jpg", b""])
@pytest.mark.parametrize("character", ["x", "\u00e9", "\u732b", "\U0001f408"])
def test_long_names_are_cut_between_characters(character: str, suffix: bytes) -> None:
    width = len(character.encode())
    for shift in range(4):
        target = b"/p/" + b"a" * shift + character.encode() * (254 // width) + suffix
        name = links.name(Key(3, 1), target)
        assert 255 - width < len(name) <= 255 and name.decode().endswith(suffix.decode())
        assert links.parsed(name, target) == Key(3, 1)


def test_names_that_are_no_text_are_cut_anywhere() -> None:
    target = b"/p/" + b"\x80" * 255
    name = links.name(Key(3, 1), target)
    assert len(name) == 255 and links.parsed(name, target) == Key(3, 1)
