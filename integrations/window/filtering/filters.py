"""The filters of the query as the service has read them, and how they are changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from typing import Any

    from query.field import Field


class Filter(NamedTuple):
    """A filter, and where it stands in the query, in characters."""

    name: str
    value: str
    negated: bool
    start: int
    end: int


class Filters:
    """`changed()` is called whenever others are known; `before()` before one is written."""

    def __init__(
        self, field: Field, changed: Callable[[], object], before: Callable[[], object]
    ) -> None:
        self._field = field
        self._changed = changed
        self._before = before
        self._query = ""
        self._known: list[Filter] = []
        self._waiting: Callable[[], object] | None = None

    def told(self, query: str, filters: Iterable[dict[str, Any]]) -> None:
        """What the service has found in the query."""
        self._take(
            query,
            [
                Filter(one["name"], one["value"], one["negated"], one["start"], one["end"])
                for one in filters
            ],
        )

    def refused(self, query: str, start: int | None, end: int | None) -> None:
        """The query can't be read, because of what is at `start` to `end` of it. What stands where
        it stood is known still."""
        same = [
            one
            for one in self._known
            if one.start != start and _word(query, one) == _word(self._query, one)
        ]
        if start is not None and end is not None:
            name, colon, value = query[start:end].partition(":")
            same += [Filter(name.lower(), value, False, start, end)] if colon else []
        self._take(query, same)

    def _take(self, query: str, filters: list[Filter]) -> None:
        self._query, self._known = query, filters
        self._changed()
        waiting, self._waiting = self._waiting, None
        if waiting and query == self._field.get_text():
            waiting()

    @property
    def known(self) -> list[Filter]:
        """Those of the query that is in the field."""
        return self._known if self._query == self._field.get_text() else []

    @property
    def words(self) -> list[tuple[Filter, str]]:
        """The known filters, and how they are written."""
        return [(one, _word(self._query, one)) for one in self.known]

    def value(self, names: Collection[str]) -> str:
        """What the filters with these names ask for, "" where there is none."""
        asked = [one.value for one in self.known if one.name in names and not one.negated]
        return ", ".join(asked)

    def put(self, names: Collection[str], word: str) -> None:
        """Writes `word` ("" for nothing) in place of the filters with these names."""
        query = self._field.get_text()
        if query.strip() and query != self._query:  # the answer on it is under way
            self._waiting = lambda: self.put(names, word)
            return
        old = [one for one in self.known if one.name in names and not one.negated]
        self._write(old, word)

    def remove(self, filter: Filter) -> None:
        self._write([filter], "")

    def _write(self, old: list[Filter], word: str) -> None:
        query = self._field.get_text()
        for one in sorted(old, key=lambda one: -one.start):
            query = f"{query[: one.start].rstrip()} {query[one.end :].lstrip()}"
        query = query.strip()
        literal = "--" in query.split()  # whose words are no filters
        both = (word, query) if literal else (query, word)
        self._before()
        self._field.set_text(" ".join(filter(None, both)))
        self._field.set_position(-1)


def _word(query: str, filter: Filter) -> str:
    return query[filter.start : filter.end]
