"""The word of a query that is being typed, and filters as they are written in one."""

from __future__ import annotations

import re
from typing import NamedTuple

from csearchd.search.query_language.grammar import FILTERS

# The last word of a text, which may be a filter whose value is in quotes that are still open.
_LAST = re.compile(r'(?:^|(?<=\s))((?:[^\W\d_]+:)+"(?:[^"]|"")*|[^\s"]\S*)$')
_FILTER = re.compile(r"((?:not:)?)([^\W\d_]+):(?![:/])(.*)", re.IGNORECASE | re.DOTALL)
_LITERAL = re.compile(r'(?:^|\s)--(?:\s|$)|(?:^|\s)"(?:[^"]|"")*$')
_TO_QUOTE = re.compile(r'[\s"]')


class TypedWord(NamedTuple):
    """A word at `start` to `end` of the query; `value` of the filter `name`, which is "" for a word
    of the description."""

    start: int
    end: int
    value: str
    name: str = ""
    negated: bool = False


def typed_word(query: str, position: int) -> TypedWord | None:
    """The word that ends at `position`, where one is typed that has a meaning: none in the middle
    of a word, in a text in quotes, and behind `--`."""
    before, after = query[:position], query[position:]
    last = _LAST.search(before)
    if last is None or (after and not after[0].isspace()) or _LITERAL.search(before):
        return None
    word, start = last[1], last.start(1)
    if match := _FILTER.fullmatch(word):
        negation, name, value = match.groups()
        if name.lower() not in FILTERS:
            return None
        if value.startswith('"'):
            value = value[1:].replace('""', '"')
        return TypedWord(start, position, value, name.lower(), bool(negation))
    return TypedWord(start, position, word) if word.isalpha() else None


def written(name: str, value: str, negated: bool = False) -> str:
    """A filter as a word of a query."""
    if _TO_QUOTE.search(value):
        doubled = value.replace('"', '""')
        value = f'"{doubled}"'
    return f"{'not:' if negated else ''}{name}:{value}"
