"""Where the words of the index come from."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Source(IntEnum):
    """A kind of source. The numbers, up to 15, are in the database."""

    NAME = 0  # of a file
    FOLDER = 1
    KEYWORD = 2
    PERSON = 3
    TITLE = 4
    DESCRIPTION = 5


class Kind(NamedTuple):
    """The table that a source is in: its column with ids, and that with the text."""

    table: str
    id: str
    text: str


SOURCES = {
    Source.NAME: Kind("files", "id", "name"),
    Source.FOLDER: Kind("directories", "id", "name"),
    Source.KEYWORD: Kind("keywords", "id", "text"),
    Source.PERSON: Kind("people", "id", "text"),
    Source.TITLE: Kind("metadata", "file", "title"),
    Source.DESCRIPTION: Kind("metadata", "file", "description"),
}
"""All of them. Whose ids are those of files finds these files."""

OF_FILES = (Source.NAME, Source.TITLE, Source.DESCRIPTION)


def entry(source: Source, number: int) -> int:
    """The number of the entry of a source with the id `number`."""
    return number * 16 + source


def parted(entry: int) -> tuple[int, int]:
    """The id of the source that an entry is of, and the number of its kind."""
    return entry >> 4, entry & 15
