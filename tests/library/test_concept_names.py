"""A concept's name is the same in every spelling of its letters."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from csearchd.library import concepts
from csearchd.library.library import Library


@pytest.mark.parametrize("other", ["Zoë", "ZOË", unicodedata.normalize("NFD", "zoë")])
def test_one_concept(tmp_path: Path, other: str) -> None:
    library = Library(str(tmp_path / "library.db"))
    concepts.add(library, unicodedata.normalize("NFD", "Zoë"), [], [])
    assert concepts.add(library, other, [], []).name == "Zoë"
    assert [one.name for one in concepts.read(library)] == ["Zoë"]
    concepts.add(library, "Rex", [], [])
    with pytest.raises(KeyError):
        concepts.rename(library, "Rex", other)
    assert concepts.rename(library, other, "Zoé")
    assert not concepts.remove(library, other)
    assert concepts.remove(library, unicodedata.normalize("NFD", "ZOÉ"))
    assert [one.name for one in concepts.read(library)] == ["Rex"]
