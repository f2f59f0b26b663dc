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

    Result: {searches: [{name: bin, query, scopes, pictures, top, sort, min_confidence, reason}]}.
    All but the name are as of `search`, and left out where they weren't given. reason: why it can't
    be understood (a REASON of csearch.protocol.wire), left out while it can.
    """

    op: ClassVar[str] = "saved"

    name: bytes | None = None


class SavedAddRequest(Request, frozen=True, kw_only=True):
    """`saved-add`: gives a query a name.

    Fields: name (bin): what a file may be called; query, scopes, top, sort, min_confidence: as of
    `search`, scopes left out for all that is known; pictures ([{path, start, end}]): pictures in
    the query, by absolute paths; replace (bool): whether to replace one with the same name.

    Result: {}.
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
    min_confidence: Literal["weak", "fair", "strong"] | None = None
    replace: Flag = None

    def __post_init__(self) -> None:
        for picture in self.pictures or ():
            if not AbsolutePath.is_valid(picture.path):
                raise ValueError("pictures must have absolute paths (bin)")
            if not (picture.span and 0 <= picture.span.start < picture.span.end <= len(self.query)):
                raise ValueError("pictures must have a place in the query")


class SavedRenameRequest(Request, frozen=True, kw_only=True):
    """`saved-rename`: gives a saved search another name.

    Fields: name (bin), new (bin). Result: {}.
    """

    op: ClassVar[str] = "saved-rename"

    name: bytes
    new: bytes


class SavedRemoveRequest(Request, frozen=True, kw_only=True):
    """`saved-remove`: forgets a saved search. Fields: name (bin). Result: {}."""

    op: ClassVar[str] = "saved-remove"

    name: bytes
