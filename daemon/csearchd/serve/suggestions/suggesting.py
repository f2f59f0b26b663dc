"""What may follow what is typed: past queries, values of filters, and filters."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from csearch.protocol.wire import Message
from csearchd.search.query_language.grammar import FILTERS
from csearchd.search.query_language.typed_word import TypedWord, typed_word, written
from csearchd.serve.handlers.filter_values import FilterValues, Values

_MOST = 8
_PAST = 3  # queries among them
_OF_A_KIND = 2  # values that a word of the description may stand for
_TOLD_APART = 2  # characters from which on a word tells what is meant
_MEANT = ("person", "tag", "near", "camera")  # filters that a word may stand for


class Suggesting:
    """Used by several threads."""

    def __init__(self, filter_values: FilterValues, past_queries: Values) -> None:
        self._values = filter_values.by_name
        self._past_queries = past_queries

    def suggestions(self, query: str, position: int) -> list[Message]:
        """What may take the place of parts of `query` while the cursor is at `position`, likely
        things first. It may wait for the disk. Raises LibraryError."""
        found: list[Message] = []
        if position == len(query):
            past = (old for old in self._past_queries(query) if old != query.strip())
            most = _PAST if query.strip() else _MOST
            found += [_suggestion("query", old, 0, position) for old in islice(past, most)]
        if word := typed_word(query, position):
            found += [
                _suggestion(kind, text, word.start, word.end)
                for kind, text in self._for_word(word)
                if text != query[word.start : word.end]
            ]
        return found[:_MOST]

    def _for_word(self, word: TypedWord) -> Iterator[tuple[str, str]]:
        if word.name:
            values = self._values.get(word.name)
            for value in values(word.value) if values else ():
                yield word.name, written(word.name, value, word.negated)
        elif len(word.value) >= _TOLD_APART:
            for name in _MEANT:
                for value in self._values[name](word.value)[:_OF_A_KIND]:
                    yield name, written(name, value)
            for name in FILTERS:
                if name.startswith(word.value.lower()):
                    yield "filter", f"{name}:"


def _suggestion(kind: str, text: str, start: int, end: int) -> Message:
    return {"kind": kind, "text": text, "start": start, "end": end}
