"""The record of one write: what csearch wrote to a file, and how to take it back.

The ledger keeps it by file and carrier. A part of it, the mirror, is written beside the tags, so
that copies of the file can be told from files that others have tagged.
"""

from __future__ import annotations

import errno
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from csearch.protocol.system_errors import in_words
from csearchd.errors import SkippedFile

_MAX_MIRROR = 64 << 10  # bytes; csearch writes no larger one


FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "its owner's disk quota is used up"}
_TRANSIENT = (*FULL, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ESTALE)


def skipped_by(error: OSError, what: str = "it can't be changed") -> SkippedFile:
    """The reason to skip a file after a system call failed; `what` couldn't be done."""
    if error.errno == errno.ELOOP:
        return SkippedFile("it is a symbolic link")
    number = error.errno or 0
    reason = FULL.get(number) or f"{what}: {in_words(error)}"
    return SkippedFile(reason, is_transient=number in _TRANSIENT)


@dataclass(frozen=True)
class Record:
    """The tags that csearch wrote to one carrier of a file.

    `digest` is the SHA-256 of the carrier's content after the write; b"" if the content before it
    can't be restored exactly. `original` is the delta from the former to the latter
    (csearchd.tags.delta); None if there was no content before.
    """

    mark: str  # identifies this write, in the mirror too; "" once the tags were taken back
    root: str  # the configuration's tags.root at that time
    words: tuple[str, ...]
    removed: tuple[str, ...]  # by the user, and so never written again
    model: str  # its name
    written: int  # seconds since 1970
    digest: bytes = b""
    original: bytes | None = None
    given: tuple[str, ...] = ()  # those of `words` that the user chose; they have no root

    @classmethod
    def new(
        cls,
        root: str,
        words: Sequence[str],
        removed: Sequence[str],
        model: str,
        given: Sequence[str] = (),
    ) -> Record:
        """The record of a write that is about to begin."""
        return cls(
            secrets.token_hex(8),
            root,
            tuple(words),
            tuple(removed),
            model,
            int(time.time()),
            given=tuple(given),
        )

    def root_of(self, word: str) -> str:
        """The term above one of the words."""
        return "" if word in self.given else self.root

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
        """What to remember after an undo: the tags that the user has removed."""
        return replace(self, mark="", words=(), given=(), digest=b"", original=None)

    def mirror(self) -> bytes:
        """The part that is written beside the tags, as JSON."""
        values: dict[str, Any] = {
            "mark": self.mark,
            "root": self.root,
            "words": self.words,
            "removed": self.removed,
            "model": self.model,
            "written": self.written,
        }
        if self.given:
            values["given"] = self.given
        return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def read_mirror(data: bytes | str | None) -> Record | None:
    """The record in a mirror, without `digest` and `original`; None if csearch didn't write it."""
    if not data or len(data) > _MAX_MIRROR:
        return None
    try:
        found = json.loads(data)
        given = found.get("given", [])
        texts = [found["mark"], found["root"], found["model"]]
        texts += [*found["words"], *found["removed"], *given]
        if not all(isinstance(text, str) for text in texts):
            return None
        return Record(
            found["mark"],
            found["root"],
            tuple(found["words"]),
            tuple(found["removed"]),
            found["model"],
            int(found["written"]),
            given=tuple(given),
        )
    except (ValueError, KeyError, TypeError):
        return None
