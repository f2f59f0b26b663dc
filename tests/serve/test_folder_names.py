"""The names of folders that are offered: always those that there are, and at little cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from csearchd.library import listings
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing
from csearchd.library.moves import move_directory
from csearchd.serve import folder_names
from csearchd.serve.folder_names import FolderNames


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    one = Library(str(tmp_path / "library.sqlite"), str(tmp_path))
    yield one
    one.close()


def fill(library: Library, path: bytes, pictures: int = 1) -> None:
    files = [FileStat(b"%d.jpg" % number, 1, 1, 1, 1) for number in range(pictures)]
    listings.apply(library, Listing(path, files, [], b"%d" % pictures))


def test_they_are_those_that_there_are(library: Library) -> None:
    names = FolderNames(library)
    assert names.beginning("", 9) == []
    for path in (b"/pics/Beach/a", b"/pics/beach 2", b"/pics/Work", b"/pics/\xff", b"/pics/b\n"):
        fill(library, path)
    fill(library, b"/empty/beach 3", 0)
    assert names.beginning("BEA", 9) == ["Beach", "beach 2"]
    assert names.beginning("", 3) == ["a", "Beach", "beach 2"]
    assert names.beginning("each/", 9) == ["each/a"]
    assert names.beginning("/pic/beach/a", 9) == ["/pic/beach/a"]
    assert names.beginning("else/beach/a", 9) == names.beginning("x/pics/beach/", 9) == []
    move_directory(library, b"/pics/beach 2", b"/empty/Beams")
    fill(library, b"/pics/Beach/a", 0)
    assert names.beginning("bea", 9) == ["Beams"]
    fill(library, b"/empty/beach 3")
    assert names.beginning("bea", 9) == ["beach 3", "Beams"]
    listings.remove(library, b"/empty")
    assert names.beginning("", 9) == ["pics", "Work"]


def test_what_does_not_begin_so_is_not_looked_at(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with library.write():
        for number in range(5000):
            fill(library, b"/pics/%05d" % number)
    names, looks = FolderNames(library), 0
    assert names.beginning("04", 3) == ["04000", "04001", "04002"]

    def shown(*arguments: object) -> str:
        nonlocal looks
        looks += 1
        return original(*arguments)  # type: ignore[arg-type]

    original = folder_names._shown
    monkeypatch.setattr(folder_names, "_shown", shown)
    assert names.beginning("047", 3) == ["04700", "04701", "04702"]
    assert names.beginning("9", 3) == []
    assert looks < 50
