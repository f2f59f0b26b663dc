"""Requests about saved searches: queries that the user has given a name, to ask them again."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csearchd import limits
from csearchd.search.request import QueryPicture
from csearchd.validation import AbsolutePath, Flag, Request


class SavedRequest(Request, frozen=True, kw_only=True):
    """`saved`: lists the saved searches, sorted by name.

    Fields: name (bin): that one alone.

    Result: {searches: [{name: bin, query, scopes, pictures, top, sort, reverse, min_confidence,
    folder: bin, links, reason}]}. From query on to min_confidence they are as of `search`, and left
    out where they weren't given. folder: the directory that is kept filled with links to what is
    found, in its order; links (int): how many there are, left out while it hasn't been filled;
    reason: why it can't be understood, or the folder not be filled (a REASON of
    csearch.protocol.wire), left out while all is well.
    """

    op: ClassVar[str] = "saved"

    name: bytes | None = None


class SavedAddRequest(Request, frozen=True, kw_only=True):
    """`saved-add`: gives a query a name, and keeps a folder of links to what it finds.

    Fields: name (bin): what a file may be called; query, scopes, top, sort, reverse,
    min_confidence: as of `search`, scopes left out for all that is known; pictures ([{path, start,
    end}]): pictures in the query, by absolute paths; replace (bool): whether to replace one with
    the same name; restored (bool): it was saved before, and is taken as it was, also where a
    directory has gone or the query can't be understood.

    Result: {folder: bin}.
    """

    op: ClassVar[str] = "saved-add"

    name: bytes
    query: str
    scopes: Annotated[list[AbsolutePath], Meta(min_length=1, max_length=limits.SCOPES)] | None = (
        None
    )
    pictures: Annotated[list[QueryPicture], Meta(max_length=limits.SAVED_PICTURES)] | None = None
    top: Annotated[int, Meta(ge=1)] | None = None
    sort: Literal["score", "date", "name", "size"] | None = None
    reverse: Flag = None
    min_confidence: Literal["weak", "fair", "strong"] | None = None
    replace: Flag = None
    restored: Flag = None

    def __post_init__(self) -> None:
        for picture in self.pictures or ():
            if not AbsolutePath.is_valid(picture.path):
                raise ValueError("pictures must have absolute paths (bin)")
            if not (picture.span and 0 <= picture.span.start < picture.span.end <= len(self.query)):
                raise ValueError("pictures must have a place in the query")


class SavedRenameRequest(Request, frozen=True, kw_only=True):
    """`saved-rename`: gives a saved search, and its folder, another name.

    Fields: name (bin), new (bin). Result: {folder: bin}.
    """

    op: ClassVar[str] = "saved-rename"

    name: bytes
    new: bytes


class SavedRemoveRequest(Request, frozen=True, kw_only=True):
    """`saved-remove`: forgets a saved search, and removes its links.

    Fields: name (bin). Result: {folder: bin, kept: bool}: whether the folder stays, since something
    else is in it.
    """

    op: ClassVar[str] = "saved-remove"

    name: bytes
