"""Requests about tags that are written to pictures."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csearchd import limits
from csearchd.validation import AbsolutePath, Request

Mode = Literal["xattr", "sidecar", "embedded"]
# Programs separate keywords and their levels by what is left out.
Word = Annotated[
    str, Meta(max_length=limits.NAME, pattern=r"^[^\s,;|/\x00-\x1f][^,;|/\x00-\x1f]*$")
]


class TagsWriteRequest(Request, frozen=True, kw_only=True):
    """`tags-write`: tags all pictures below a directory, once they are read. A connection that
    closes ends it.

    Fields: path (bin); mode ("xattr", "sidecar" or "embedded").

    Progress: that of `search`, then {phase: "tagging", done, total, failed}. Hits:
    [{path: bin, reason: str}]: files that were left alone. Result: {files, written, left}.
    """

    op: ClassVar[str] = "tags-write"

    path: AbsolutePath
    mode: Mode


class TagsGiveRequest(Request, frozen=True, kw_only=True):
    """`tags-give`: writes words that the user chose as keywords of some pictures, and takes others
    of ours back. `tags-write` leaves them there; `tags-undo` takes them back, too.

    Fields: paths ([bin]); mode, as of `tags-write`; add, take ([str]).

    Progress, hits: as of `tags-write`. Result: {files, written, left, paths: [bin]}: the pictures
    whose words are others now.
    """

    op: ClassVar[str] = "tags-give"

    paths: Annotated[list[AbsolutePath], Meta(max_length=limits.GIVEN)]
    mode: Mode
    add: tuple[Word, ...] = ()
    take: tuple[Word, ...] = ()


class TagsPreviewRequest(Request, frozen=True, kw_only=True):
    """`tags-preview`: tells what `tags-write` would write, besides the keywords that pictures have
    already.

    Fields: path (bin). Progress: that of `search`. Hits: [{path: bin, tags: [[word, confidence]]}],
    a word as "animal/dog", the surest first. Result: {files, tagged}.
    """

    op: ClassVar[str] = "tags-preview"

    path: AbsolutePath


class TagsOnRequest(Request, frozen=True, kw_only=True):
    """`tags-on`: keeps a directory tagged from now on.

    Fields: path (bin); mode, as of `tags-write`. Result: {path: bin, added: bool}: whether it was
    made a root for that.
    """

    op: ClassVar[str] = "tags-on"

    path: AbsolutePath
    mode: Mode


class TagsOffRequest(Request, frozen=True, kw_only=True):
    """`tags-off`: ends that for a directory and those below it.

    Fields: path (bin). Result: {paths: [bin]}: directories that are not kept tagged any more.
    """

    op: ClassVar[str] = "tags-off"

    path: AbsolutePath


class TagsUndoRequest(Request, frozen=True, kw_only=True):
    """`tags-undo`: takes back our words in a directory, or in a file. What was tagged there and has
    been moved since is found.

    Fields: path (bin, or nil for everything). Progress, hits: as of `tags-write`, with the phase
    "undoing"; what is found nowhere is among the hits with its last path. Result: {files, written,
    left, folders: [bin]}: the last are not kept tagged any more.
    """

    op: ClassVar[str] = "tags-undo"

    path: AbsolutePath | None = None
