"""The exceptions of the daemon and of the processes that it starts, in one place.

The text of each is a sentence for the user. What only steers the flow within one module is defined
there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from csearchd.system.files import FileStat


class CsearchError(Exception):
    """The base class: something can't be done, and the text says why."""


# What ends the daemon


class FatalError(CsearchError):
    """The daemon can't start, or can't go on."""

    exit_code: ClassVar[int] = 1


class ConfigError(FatalError):
    """The configuration can't be used; the text names the file, the line and the key."""


class LimitError(FatalError):
    """The service can't run within a limit; the text names it, and says what to do."""


class LibraryError(FatalError):
    """The library can't be used; the text says what happened, to which file, and what to do."""


class ModelError(FatalError):
    """A model can't be used; the text says what is wrong with it, and what to do, in one line."""


# Models that are made and fetched


class ExportError(ModelError):
    """A tower can't be exported."""


class NetworkError(ModelError):
    """The publisher's server can't be reached, or no longer."""


# Queries


class QueryError(CsearchError):
    """The query can't be understood: why, and where (characters from `start` to `end`)."""

    def __init__(self, reason: str, start: int, end: int) -> None:
        super().__init__(reason)
        self.start = start
        self.end = end


class DateError(CsearchError):
    """The text is no date."""


class PlaceError(CsearchError):
    """There is no such place, or no names of places."""


class CancelledError(CsearchError):
    """The parts of a query leave no direction to look in."""


class ImageQueryError(CsearchError):
    """The picture can't be searched with; the text fits after its name."""


# Files


class UnreadableError(CsearchError):
    """The file can't be read; the text fits after its name.

    `changed`: it changed or vanished meanwhile, which is no failure. `file` is what is known of it.
    """

    def __init__(self, reason: str, changed: bool = False, file: FileStat | None = None) -> None:
        super().__init__(reason)
        self.changed = changed
        self.file = file


class LinkError(NotADirectoryError):
    """A symbolic link has taken a directory's place; `filename` is its name."""


# Tags


class TagsError(CsearchError):
    """Pictures can't be tagged; the text says why, and what to do, in one line."""


class VocabularyError(TagsError):
    """A file of words can't be used; the text names it and the line, and what to write instead."""


class SkippedFile(CsearchError):
    """The file was not changed. `is_transient`: it may be possible a moment later."""

    def __init__(self, reason: str, is_transient: bool = False) -> None:
        super().__init__(reason)
        self.is_transient = is_transient


class DeltaError(CsearchError):
    """The new bytes aren't those that the delta was made for, or it is damaged."""


# Requests


class RequestError(CsearchError):
    """A request that can't be met: a code of the protocol, a text for the user, other fields."""

    def __init__(self, code: str, reason: str, **fields: object) -> None:
        super().__init__(reason)
        self.code = code
        self.fields = fields


class InvalidMessage(CsearchError):
    """A message that doesn't fit its operation. The text names the field and says why; it has at
    most a few hundred characters."""


# Answers that nobody gets


class Ended(Exception):
    """Nobody waits for the answer any more."""


class TookTooLong(Exception):
    """A question took longer than it may."""


class TooMany(Exception):
    """Too many slow questions wait already."""


class Unanswered(Exception):
    """The file system doesn't answer."""
