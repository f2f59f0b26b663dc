"""What the ledger holds of one file and carrier; a part of it is mirrored beside the words."""

from __future__ import annotations

import errno
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from csearchd.errors import SkippedFile

_MAX_MIRROR = 64 << 10  # bytes; a larger one isn't ours


FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "its owner's disk quota is used up"}
_PASSING = (*FULL, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ESTALE)


def skipped_by(error: OSError, what: str = "it can't be changed") -> SkippedFile:
    """Why a file was left alone, where the system says no: `what` couldn't be done."""
    if error.errno == errno.ELOOP:
        return SkippedFile("it is a symbolic link")
    number = error.errno or 0
    reason = FULL.get(number) or f"{what}: {error.strerror or error}"
    return SkippedFile(reason, is_transient=number in _PASSING)


@dataclass(frozen=True)
class Record:
    """The words that we wrote, and the way back.

    `digest` is SHA-256 of what we left, b"" where that can't be restored exactly; `original` leads
    from there to what was there before (csearchd.tags.delta), None: nothing was there.
    """

    mark: str  # names this write, in the mirror too; "": the words were taken back
    root: str
    words: tuple[str, ...]
    removed: tuple[str, ...]  # by the user: never to be written again
    model: str
    written: int  # seconds since 1970
    digest: bytes = b""
    original: bytes | None = None

    @classmethod
    def new(cls, root: str, words: Sequence[str], removed: Sequence[str], model: str) -> Record:
        """A write that is to come."""
        return cls(
            secrets.token_hex(8), root, tuple(words), tuple(removed), model, int(time.time())
        )

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Record:
        """Raises KeyError where a field is missing."""
        values: dict[str, Any] = {field.name: message[field.name] for field in fields(cls)}
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**values)

    def to_message(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    def without_words(self) -> Record:
        """What is left to know after an undo: what the user doesn't want."""
        return replace(self, mark="", words=(), digest=b"", original=None)

    def mirror(self) -> bytes:
        """The part that is written beside the words, as JSON."""
        return json.dumps(
            {
                "mark": self.mark,
                "root": self.root,
                "words": self.words,
                "removed": self.removed,
                "model": self.model,
                "written": self.written,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()


def read_mirror(data: bytes | str | None) -> Record | None:
    """The record that a mirror holds, without the way back; None where it isn't one of ours."""
    if not data or len(data) > _MAX_MIRROR:
        return None
    try:
        found = json.loads(data)
        texts = [found["mark"], found["root"], found["model"], *found["words"], *found["removed"]]
        if not all(isinstance(text, str) for text in texts):
            return None
        return Record(
            found["mark"],
            found["root"],
            tuple(found["words"]),
            tuple(found["removed"]),
            found["model"],
            int(found["written"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
