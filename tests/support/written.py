"""Words in pictures as if a recogniser had read them, put into a user's library."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from csearchd.library import listings
from csearchd.library.library import Library
from csearchd.library.texts.lines import TextLine
from csearchd.reader.networks import RECOGNISER
from support.user import User

VERSION = RECOGNISER  # so that the service doesn't read them again


def line(text: str, row: int = 0, script: str = "Latn") -> TextLine:
    """A line of text, the `row`th of ten in a picture."""
    top, bottom = row / 10, (row + 1) / 10
    return TextLine(text, (0.1, top, 0.9, top, 0.9, bottom, 0.1, bottom), 0.9, script)


def write_words(user: User, pages: Mapping[Path, Sequence[str]]) -> None:
    """Puts lines into pictures that are known. The service is stopped for it."""
    user.csearchctl("stop")
    library = Library(str(user.data / "library.sqlite"), str(user.home / ".cache" / "csearch"))
    try:
        for path, lines in pages.items():
            library.texts.put(
                content_of(library, path),
                VERSION,
                [line(text, row) for row, text in enumerate(lines)],
            )
    finally:
        library.close()


def content_of(library: Library, path: Path) -> int:
    """The id of a file's content."""
    file = listings.file_at(library, os.fsencode(path))
    with library.read() as database:
        row = database.execute("SELECT content FROM files WHERE id = ?", (file,)).fetchone()
    assert row is not None, path
    return int(row[0])
