"""The exceptions of the daemon and of the processes that it starts, in one place.

The text of each is a sentence for the user. Where programs have to tell it apart from others it is
a Reason (csearchd.reasons), which has a code and parameters. What only steers the flow within one
module is defined there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from csearchd.reasons import Reason

if TYPE_CHECKING:
    from csearchd.system.files import FileStat


class CsearchError(Exception):
    """The base class: something can't be done, and the text says why."""

    def __init__(self, reason: Reason | str) -> None:
        super().__init__(reason)
        self.reason = reason if isinstance(reason, Reason) else None


class ReasonedError(CsearchError):
    """The base class of errors that always carry a Reason."""

    reason: Reason

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)


# What ends the daemon


class FatalError(CsearchError):
    """The daemon can't start, or can't go on."""

    exit_code: ClassVar[int] = 1


class ConfigError(FatalError):
    """The configuration can't be used; the text names the file, the line and the key."""


class LimitError(FatalError):
    """The service can't run within a limit; the text names it, and says what to do."""


class LockedError(FatalError):
    """Another daemon holds the library and doesn't let go of it."""


class AlreadyServed(Exception):
    """Another daemon answers at the socket already, so that this one isn't needed."""

    exit_code: ClassVar[int] = 0


class LibraryError(ReasonedError, FatalError):
    """The library can't be used; the text says what happened, to which file, and what to do."""


class ModelError(FatalError):
    """A model can't be used; the text says what is wrong with it, and what to do, in one line."""


class TowerError(ReasonedError):
    """The image tower can't be loaded, or computes nothing of use."""


class EncoderUnusable(ReasonedError):
    """No picture can be encoded, whichever it is."""


# Models that are made and fetched


class ExportError(ModelError):
    """A tower can't be exported."""


class NetworkError(ModelError):
    """The publisher's server can't be reached, or no longer."""


class AttemptFailed(Exception):
    """A request to the publisher's server failed, and another may succeed: after `wait` seconds if
    the server said so. `unreachable`: not even a connection could be made. `slow`: what it brought
    came too slowly to count.
    """

    def __init__(
        self, reason: object, wait: float = 0.0, unreachable: bool = False, slow: bool = False
    ) -> None:
        super().__init__(str(reason))
        self.wait = wait
        self.unreachable = unreachable
        self.slow = slow


# Queries


class QueryError(ReasonedError):
    """The query can't be understood: why, and where (characters from `start` to `end`)."""

    def __init__(self, reason: Reason, start: int, end: int) -> None:
        super().__init__(reason)
        self.start = start
        self.end = end


class DateError(ReasonedError):
    """The text is not a date."""


class PlaceError(ReasonedError):
    """There is no such place, or no names of places."""


class CancelledError(ReasonedError):
    """The parts of a query leave no direction to look in."""


class ImageQueryError(ReasonedError):
    """The picture can't be searched with; the text fits after its name."""


# Files


class UnreadableError(ReasonedError):
    """The file can't be read; the text fits after its name.

    `changed`: it changed or vanished meanwhile, which is no failure. `file` is what is known of it.
    """

    def __init__(self, reason: Reason, changed: bool = False, file: FileStat | None = None) -> None:
        super().__init__(reason)
        self.changed = changed
        self.file = file


class PictureError(ReasonedError):
    """The picture can't be decoded; the text fits after the file's name."""


class LinkError(NotADirectoryError):
    """A symbolic link has taken a directory's place; `filename` is its name."""


class MalformedError(Exception):
    """The file does not have the structure that its format prescribes."""


class TooManyPartsError(MalformedError):
    """The file has more parts (segments, chunks) than are looked at."""


class UneditableError(CsearchError):
    """The metadata in the file can't be read for editing, or changed, without a risk of damage; the
    text is a clause about the file ("it is truncated or damaged")."""


class XmpError(CsearchError):
    """The XMP packet can't be read or changed safely; the text is a clause about its file."""


# Tags


class TagsError(ReasonedError):
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
    """A request that can't be met: a code of the protocol, why, and other fields of the reply."""

    def __init__(self, code: str, reason: Reason | str, **fields: object) -> None:
        super().__init__(reason)
        self.code = code
        self.fields = fields

    def to_message(self) -> dict[str, Any]:
        """Returns the fields of an `error` reply that say what is wrong."""
        reason = {"reason": self.reason.to_message()} if self.reason else {}
        return {"code": self.code, "message": str(self), **reason, **self.fields}


class Superseded(RequestError):
    """The same sender has asked for something newer."""

    def __init__(self) -> None:
        super().__init__("cancelled", "a newer search of the same program took its place")


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
