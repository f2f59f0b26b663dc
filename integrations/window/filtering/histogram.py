"""Bars for numbers of pictures, of which a span is chosen by drawing over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gdk, Graphene, Gtk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HEIGHT = 72  # pixels
_WIDTH = 320
_LEAST = 2  # pixels of a bar with any picture
_UNCHOSEN = 0.35  # opacity


class Histogram(Gtk.Widget):
    """`chosen(first, last, done)` is told the span, `done` at its end. The keyboard has lists
    beside it for that."""

    __gtype_name__ = "CsearchHistogram"

    def __init__(self, chosen: Callable[[int, int, bool], object]) -> None:
        super().__init__(accessible_role=Gtk.AccessibleRole.IMG)
        self.set_size_request(_WIDTH, _HEIGHT)
        self._chosen = chosen
        self._counts: Sequence[int] = ()
        self._span = (0, 0)
        self._from = 0
        drag = Gtk.GestureDrag()
        drag.connect("drag-begin", self._begin)
        drag.connect("drag-update", lambda drag, x, _y: self._draw(drag, x, done=False))
        drag.connect("drag-end", lambda drag, x, _y: self._draw(drag, x, done=True))
        self.add_controller(drag)

    def set_counts(self, counts: Sequence[int]) -> None:
        self._counts = counts
        self.queue_draw()

    def select(self, first: int, last: int) -> None:
        self._span = (first, last)
        self.queue_draw()

    def do_snapshot(self, snapshot: Gtk.Snapshot) -> None:
        most = max(self._counts, default=0)
        if not most:
            return
        width, height = self.get_width() / len(self._counts), self.get_height()
        gap = 1 if width > 3 else 0
        for index, count in enumerate(self._counts):
            tall = max(height * count / most, _LEAST) if count else 0
            place = index if not self._is_mirrored else len(self._counts) - 1 - index
            bar = Graphene.Rect().init(place * width, height - tall, width - gap, tall)
            snapshot.append_color(self._colour(self._span[0] <= index <= self._span[1]), bar)

    def _colour(self, chosen: bool) -> Gdk.RGBA:
        own = (
            self.get_color() if hasattr(self, "get_color") else self.get_style_context().get_color()
        )
        colour = own.copy()
        colour.alpha *= 1 if chosen else _UNCHOSEN
        return colour

    @property
    def _is_mirrored(self) -> bool:
        return bool(self.get_direction() == Gtk.TextDirection.RTL)

    def _begin(self, _drag: Gtk.GestureDrag, x: float, _y: float) -> None:
        self._from = self._at(x)

    def _draw(self, drag: Gtk.GestureDrag, x: float, done: bool) -> None:
        if not self._counts:
            return
        to = self._at(drag.get_start_point()[1] + x)
        self._chosen(min(self._from, to), max(self._from, to), done)

    def _at(self, x: float) -> int:
        """The number of the bar there."""
        count = len(self._counts)
        index = int(x * count / max(self.get_width(), 1))
        index = max(0, min(index, count - 1))
        return count - 1 - index if self._is_mirrored else index
