"""Requests about tags that are written to pictures."""

from __future__ import annotations

from typing import ClassVar, Literal

from csearchd.validation import AbsolutePath, Request

Mode = Literal["xattr", "sidecar", "embedded"]


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
