"""Requests about past queries, and of shells while a query is typed."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from csearchd import limits
from csearchd.validation import Name, Request


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


class HistoryRequest(Request, frozen=True, kw_only=True):
    """`history`: lists the past queries that are offered for completion.

    Result: {queries: [str], keeps: bool}: the latest first; whether queries are kept at all.
    """

    op: ClassVar[str] = "history"


class HistoryClearRequest(Request, frozen=True, kw_only=True):
    """`history-clear`: forgets all past queries. Result: {queries: int}: how many there were."""

    op: ClassVar[str] = "history-clear"
