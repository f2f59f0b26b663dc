"""The request for what a window shows before anything is asked."""

from __future__ import annotations

from typing import ClassVar

from csearchd.validation import Flag, Request


class HomeRequest(Request, frozen=True, kw_only=True):
    """`home`: what to look at, and what to search for, before anything is asked.

    Fields: memories (bool): only where and when pictures were taken, for which a service that has
    just started reads all metadata; words (bool): only what pictures show most often, which takes
    seconds the first time.

    Result: {recent: [bin]: pictures that came last; queries: [str]: past ones, the latest first}.
    With `memories`: {days: [{year, paths: [bin]}]: pictures of this day in past years, the latest
    year first; places: [str]: where most pictures were taken}. With `words`: {words: [str]}, the
    most frequent first. Each may be empty.
    """

    op: ClassVar[str] = "home"

    memories: Flag = None
    words: Flag = None
