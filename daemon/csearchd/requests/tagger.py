"""Requests that the tagger (csearchd.tags) sends; the service takes them from any client of the
user."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from csearchd.validation import Flag, Name, Request, Stored


class RecordFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of csearchd.tags.record.Record."""

    mark: str
    root: str
    words: list[str]
    removed: list[str]
    model: str
    written: Stored
    digest: bytes
    original: bytes | None = None
    given: list[str] = []


class Intention(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be written."""

    item: Stored
    record: RecordFields
    row: Stored | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of an item. "gone" with a reason: another picture is in its place."""

    item: Stored
    outcome: Literal["written", "unchanged", "left", "gone", "dropped"]
    row: Stored | None = None
    record: RecordFields | None = None
    reason: str | None = None
    passing: Flag = None

    def __post_init__(self) -> None:
        if self.outcome == "left" and self.reason is None:
            raise ValueError("an entry that was left needs a reason")


class TagsServeRequest(Request, frozen=True, kw_only=True):
    """`tags-serve`: gives the tagger its work.

    Progress: first {sweep: [[bin, bin]], max_bytes}: directories where a killed tagger may have
    left temporary files, each with its top; the size of the largest picture. Later {stop: true}:
    begin none of the items that aren't begun.

    Hits: items of work [{item: int, kind: "write", "give", "undo" or "settle" (writes nothing),
    path: bin, top: bin (the directory below which no symbolic link is followed), scored: what the
    library has read there or nil, {stat: [size, mtime_ns, ctime_ns, inode] or nil, scheme,
    identity, orientation}, carrier: "xattr", "sidecar" or "embedded", row: int or nil, record,
    intended, probe: bool; to write also words: [str], root: str, model: str; to give also add:
    [str], take: [str], root: str}]. The next ones come when all have been reported. A record is a
    map of RecordFields, or nil.

    Result: {}: there is nothing more to do.
    """

    op: ClassVar[str] = "tags-serve"


class TagsIntendRequest(Request, frozen=True, kw_only=True):
    """`tags-intend`: notes what is about to be written.

    Fields: entries ([{item, row, record}]). Result: {rows: [int]}.
    """

    op: ClassVar[str] = "tags-intend"

    entries: list[Intention]

    def __post_init__(self) -> None:
        _check_items(self.entries)


class TagsDoneRequest(Request, frozen=True, kw_only=True):
    """`tags-done`: notes what is true now.

    Fields: entries ([{item, outcome: "written", "unchanged", "left", "gone" or "dropped", reason:
    str or nil, passing: bool, row, record}]). Result: {}.
    """

    op: ClassVar[str] = "tags-done"

    entries: list[Report]

    def __post_init__(self) -> None:
        _check_items(self.entries)


class TagsKnownRequest(Request, frozen=True, kw_only=True):
    """`tags-known`: tells what the ledger knows of another write.

    Fields: mark (str). Result: {row: int or nil, record}.
    """

    op: ClassVar[str] = "tags-known"

    mark: Name


def _check_items(entries: list[Intention] | list[Report]) -> None:
    if len({entry.item for entry in entries}) < len(entries):
        raise ValueError("two entries are of the same item")
