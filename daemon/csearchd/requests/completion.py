"""Requests about past queries, and of shells while a query is typed."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from csearchd import limits
from csearchd.validation import Count, Name, Request


class CompleteRequest(Request, frozen=True, kw_only=True):
    """`complete`: tells what may complete the text that a user has typed. It may be the first
    request of a connection, without `hello`.

    Fields: what (str): "queries" (past ones, the latest first), "filters", "roots", "models"
    (installed ones), "recommended" (models), "concepts", "taught" (what concepts are called in
    queries), "saved" (searches) or a filter's name: values of it that pictures have, or that are
    worth knowing; prefix (str): what is typed, case ignored.

    Result: {values: [str]}, at most 50.
    """

    op: ClassVar[str] = "complete"

    what: Name
    prefix: Annotated[str, Meta(max_length=limits.VALUE)] = ""


class SuggestRequest(Request, frozen=True, kw_only=True):
    """`suggest`: tells what may take the place of parts of a query while it is typed.

    Fields: query (str); position (int): where the cursor is, in characters.

    Result: {suggestions: [{kind: str, text: str, start: int, end: int}]}, at most 8: `text` for
    what is at `start` to `end` of the query. kind: "query" (a past one), "filter" (its name and a
    colon), or a filter's name (a filter with its value, quoted where it must be).
    """

    op: ClassVar[str] = "suggest"

    query: Annotated[str, Meta(max_length=limits.QUERY)]
    position: Count


class ChoicesRequest(Request, frozen=True, kw_only=True):
    """`choices`: tells which values of a filter there are to choose from, and how many pictures
    each would find.

    Fields: what (str): a filter's name as for `complete`, or "months"; prefix (str): what the
    values begin with, case ignored.

    Result: {choices: [{value: str, word: str, count: int}]}: at most 50 values with the filter as
    it is written in a query; or all months, the earliest first, in which pictures were taken.
    """

    op: ClassVar[str] = "choices"

    what: Name
    prefix: Annotated[str, Meta(max_length=limits.VALUE)] = ""


class HistoryRequest(Request, frozen=True, kw_only=True):
    """`history`: lists the past queries that are offered for completion.

    Result: {queries: [str], keeps: bool}: the latest first; whether queries are kept at all.
    """

    op: ClassVar[str] = "history"


class HistoryClearRequest(Request, frozen=True, kw_only=True):
    """`history-clear`: forgets all past queries. Result: {queries: int}: how many there were."""

    op: ClassVar[str] = "history-clear"
