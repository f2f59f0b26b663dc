"""How many pictures match, and the ones after the first: fetched when the grid nears their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gi.repository import GLib

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bus.service import Asking, Failure, Hit, Options, Values
    from grid.results import Results
    from query.pictures import Picture

_PAGE = 100
_ALL = 10_000  # pictures up to which all months are fetched, to choose between
_GROUPED = 1000  # pictures up to which the service groups those that are nearly the same


class Question(NamedTuple):
    query: str
    pictures: Sequence[Picture]
    fetched: Mapping[str, Picture]
    options: Options

    def same(self, other: Question | None) -> bool:
        """Whether it is the same, however many pictures are wanted."""
        return other is not None and self._asked() == other._asked()

    def _asked(self) -> tuple[object, ...]:
        return (*self[:3], *(self.options.get(name) for name in ("scopes", "sort", "reverse")))

    def why(self) -> Question:
        """Which of its filters leave how many pictures?"""
        more = {"why": GLib.Variant("b", True), "top": GLib.Variant("u", 1)}
        return self._replace(options={**self.options, **more})


class Paging:
    def __init__(self, results: Results, asking: Asking, counted: Callable[[int], object]) -> None:
        """`counted(matching)` is called where the service had to be asked how many match."""
        self._results = results
        self._asking = asking
        self._counted = counted
        self._question: Question | None = None
        self._shown = 0  # hits up to now
        results.connect("ending", lambda _results: GLib.idle_add(self._more))

    def stop(self) -> None:
        """Another question is asked."""
        self._question = None

    def again(self, least: int) -> int:
        """How many hits to ask for so that those that are shown are among them."""
        return min(max(self._shown, least), _GROUPED)

    def begin(self, question: Question, hits: Sequence[Hit], top: int, again: bool) -> None:
        """The first `top` hits are shown; where the same was asked `again`, with those that had
        been shown behind them."""
        self._shown = max(len(hits), self._shown if again and len(hits) == top else 0)
        if len(hits) < top or is_weak(hits[-1]):
            self._question = None
            return
        self._question = question
        self._ask({"count": GLib.Variant("b", True)}, self._count)

    def _count(self, _hits: list[Hit], result: Values, failure: Failure | None) -> None:
        if not failure:
            self._counted(result["count"])
            self._more_months()

    def _more(self) -> bool:
        if self._question and not self._asking.under_way:
            grouped = self._shown + _PAGE <= _GROUPED
            alike = sum(len(item.alike) for item in self._results.shown)
            offset = self._shown if grouped else self._shown + alike
            options = {"offset": GLib.Variant("u", offset), "group": GLib.Variant("b", grouped)}
            self._ask(options, self._add)
        return bool(GLib.SOURCE_REMOVE)

    def _ask(
        self,
        more: Options,
        answer: Callable[[list[Hit], Values, Failure | None], object],
    ) -> None:
        question = self._question
        if question:
            options = {**question.options, "top": GLib.Variant("u", _PAGE), **more}
            self._asking.ask(question.query, question.pictures, question.fetched, options, answer)

    def _add(self, hits: list[Hit], _result: Values, failure: Failure | None) -> None:
        if failure or len(hits) < _PAGE or is_weak(hits[-1]):
            self._question = None
        if hits:
            self._shown += len(hits)
            self._results.append(hits)
            self._more_months()

    def _more_months(self) -> None:
        if self._shown < _ALL and self._results.months():
            GLib.idle_add(self._more, priority=GLib.PRIORITY_LOW)


def is_weak(hit: Hit) -> bool:
    """Whether it hardly matches."""
    fields = hit[2]
    return fields.get("confidence") == "weak" and not fields.get("by_name")
