"""Requests about words in pictures."""

from __future__ import annotations

from typing import ClassVar

from csearchd.validation import AbsolutePath, Request


class TextRequest(Request, frozen=True, kw_only=True):
    """`text`: tells what is written in a picture, whose open file comes along. One that is known is
    answered at once, another once it is read.

    Fields: path (bin): the picture's.

    Progress: {phase: "text", done: 0, total: 1} while it is read. Result: {lines: [{text, box,
    confidence, script}]}: as in the hits of `search`, in reading order.
    """

    op: ClassVar[str] = "text"

    path: bytes


class TextForgetRequest(Request, frozen=True, kw_only=True):
    """`text-forget`: deletes the words of a picture, or of all below a directory. They aren't read
    again until `text-read`.

    Fields: path (bin, or nil for all). Result: {pictures: int}: that had words.
    """

    op: ClassVar[str] = "text-forget"

    path: AbsolutePath | None = None


class TextReadRequest(Request, frozen=True, kw_only=True):
    """`text-read`: lets words be read that were forgotten, or couldn't be read.

    Fields: path (bin, or nil for all): of a picture, or a directory. Result: {pictures: int}.
    """

    op: ClassVar[str] = "text-read"

    path: AbsolutePath | None = None
