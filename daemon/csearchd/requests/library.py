"""Requests about what the library knows."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from csearchd import limits
from csearchd.validation import AbsolutePath, Flag, Request


class AddRequest(Request, frozen=True, kw_only=True):
    """`add`: makes a directory a root, which is watched from now on.

    Fields: path (bin). Result: {path: bin, images: int}: its real path; pictures known there. It
    comes when `status` shows the work that this causes.
    """

    op: ClassVar[str] = "add"

    path: AbsolutePath


class RemoveRequest(Request, frozen=True, kw_only=True):
    """`remove`: stops watching a root.

    Fields: path (bin). Result: {path: bin, images: int}, as of `add`.
    """

    op: ClassVar[str] = "remove"

    path: AbsolutePath


class RootsRequest(Request, frozen=True, kw_only=True):
    """`roots`: lists the roots, and what is known beside them.

    Result: {roots: [{path: bin, present, images, pending, failed, watch, reconciled, absent,
    waiting}], known: [{path: bin, images, pending, failed}]}, as in `status`.
    """

    op: ClassVar[str] = "roots"


class RescanRequest(Request, frozen=True, kw_only=True):
    """`rescan`: compares a directory, or all roots, with the disk.

    Fields: path (bin, or nil for all roots). Result: {directories: [bin]}: those that are compared.
    """

    op: ClassVar[str] = "rescan"

    path: AbsolutePath | None = None


class FailedRequest(Request, frozen=True, kw_only=True):
    """`failed`: lists what can't be read.

    Fields: retry (bool): tries again. Hits: [{path: bin, reason: str}]. Result: {count, retried,
    directories}: how many there are; how many pictures, and how many directories, are tried again.
    """

    op: ClassVar[str] = "failed"

    retry: Flag = None


class ForgetRequest(Request, frozen=True, kw_only=True):
    """`forget`: removes what is known of a file, or of a directory and all below it, and past
    queries that name it. No more of it is read, and nothing of it is found when this returns. Of
    very many files, what was known is deleted afterwards. Roots inside it are kept.

    Fields: path (bin). Progress: {phase: "forgetting", done, total}, in files. Result: {files: int,
    left: int, kept: [bin]}: how many are removed; of how many forgotten files what was known is
    still to be deleted; the roots inside.
    """

    op: ClassVar[str] = "forget"

    path: AbsolutePath


class DescribeRequest(Request, frozen=True, kw_only=True):
    """`describe`: tells what is known of files, and what pictures show.

    Fields: paths ([bin]); details (bool); places (bool), as of `search`; query (str): whose match
    is explained, with words alone; quick (bool): without `words`, which take seconds the first
    time. Result: {files: [{keywords: [str], words: [str], details, why: as in the hits of
    `search`}]}, in their order; empty where nothing is known.
    """

    op: ClassVar[str] = "describe"

    paths: Annotated[list[bytes], Meta(max_length=limits.DESCRIBED)]
    details: Flag = None
    places: Flag = None
    query: str = ""
    quick: Flag = None


class DupesRequest(Request, frozen=True, kw_only=True):
    """`dupes`: finds pictures that are the same, nearly the same, or of one burst.

    Fields: path (bin, or nil for everywhere): a directory to look below; exact (bool): only the
    same ones.

    Progress: as of `search`. Hits: groups [{kind, exact: bool, files: [{path: bin, likeness: float,
    pixels, size, mtime_ns, content: int, width, height, taken}]}]. The file to keep is the first:
    the largest picture, then the one of which most is known, one that isn't in Downloads, the
    oldest; files that lack a part of the picture are the last.

    - kind: "exact": the same pixels, and so `exact` is true; "near": copies that were changed;
      "burst": different pictures that look alike and were taken within seconds, in the order of
      time.
    - likeness: the correlation of its pixels with those of one of them, 0 to 1; of bursts nil.
    - content: the same number for the same pixels.

    Result: {groups, files: how many of copies; near, bursts: how many of the groups are that;
    spare: files without which every picture is still there, pixel by pixel; unsigned: files that
    are still to be read before near ones are found among them}. `groups` doesn't count bursts.
    """

    op: ClassVar[str] = "dupes"

    path: AbsolutePath | None = None
    exact: Flag = None
