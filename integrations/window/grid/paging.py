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
    most: int = 0  # hits that are wanted; 0: all

    def same(self, other: Question | None) -> bool:
        """Whether it is the same, however many pictures are wanted."""
        return other is not None and self._asked() == other._asked()

    def _asked(self) -> tuple[object, ...]:
        names = ("scopes", "sort", "reverse", "min_confidence")
        return (*self[:3], self.most, *map(self.options.get, names))

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
        self._complete = False  # they are all that match
        self._page = 0  # hits that are asked for, after those
        results.connect("ending", lambda _results: GLib.idle_add(self._more))

    def stop(self) -> None:
        """Another question is asked."""
        self._question = None

    def again(self, least: int, reading: bool) -> int:
        """How many hits to ask for anew: all that are there, or, while pictures are being read and
        the next answer is another one, those up to what is in sight."""
        wanted = self._results.in_sight if reading else self._shown
        return min(max(wanted, least), _GROUPED)

    def begin(self, question: Question, hits: Sequence[Hit], top: int, again: bool) -> None:
        """The first `top` hits are shown; where the same was asked `again`, with those that had
        been shown behind them."""
        kept = again and len(hits) == top and len(hits) < self._shown
        self._shown = self._shown if kept else len(hits)
        if len(hits) < top or is_weak(hits[-1]):
            self._question, self._complete = None, True
            return
        self._question, self._complete = question, kept and self._complete
        self._ask({"count": GLib.Variant("b", True)}, self._count)

    def _count(self, _hits: list[Hit], result: Values, failure: Failure | None) -> None:
        if not failure:
            self._counted(result["count"])
            self._more_months()

    def _more(self) -> bool:
        question = self._question
        if question and not self._asking.under_way:
            self._page = min(_PAGE, question.most - self._shown) if question.most else _PAGE
            if self._page <= 0:
                return bool(GLib.SOURCE_REMOVE)
            grouped = self._shown + self._page <= _GROUPED
            alike = sum(len(item.alike) for item in self._results.shown)
            offset = self._shown if grouped else self._shown + alike
            options = {"offset": GLib.Variant("u", offset), "group": GLib.Variant("b", grouped)}
            options["top"] = GLib.Variant("u", self._page)
            self._ask(options, self._add)
        return bool(GLib.SOURCE_REMOVE)

    def _ask(
        self,
        more: Options,
        answer: Callable[[list[Hit], Values, Failure | None], object],
    ) -> None:
        question = self._question
        if question:
            options = {**question.options, **more}
            self._asking.ask(question.query, question.pictures, question.fetched, options, answer)

    def _add(self, hits: list[Hit], _result: Values, failure: Failure | None) -> None:
        if failure or len(hits) < self._page or is_weak(hits[-1]):
            self._question, self._complete = None, not failure
        if hits:
            self._shown += len(hits)
            self._results.append(hits)
            self._more_months()

    def _more_months(self) -> None:
        if self._shown < _ALL and not self._complete and self._results.months():
            GLib.idle_add(self._more, priority=GLib.PRIORITY_LOW)


def is_weak(hit: Hit) -> bool:
    """Whether it hardly matches."""
    fields = hit[2]
    return fields.get("confidence") == "weak" and not fields.get("by_name")
