"""What was done last in a window, and what takes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gio

from selection.notice import Notice
from texts import ngettext, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gi.repository import Gtk

_SHOWN = 3  # failures that a notice names


class Undoing:
    """A notice for the window to show, and its action `undo`, as long as the notice is there."""

    def __init__(self, window: Gtk.ApplicationWindow) -> None:
        self.notice = Notice(self._over)
        self._take_back: Callable[[], object] | None = None
        self._final: Callable[[], object] | None = None
        self._action = Gio.SimpleAction.new("undo", None)
        self._action.set_enabled(False)
        self._action.connect("activate", lambda *_: self._undo())
        window.add_action(self._action)

    def told(self, text: str) -> None:
        """Tells what cannot be taken back; what was done before still can."""
        self.notice.tell(text)

    def failed(self, failures: Sequence[str]) -> None:
        """Tells what went wrong; what was done before can still be taken back."""
        self.told(with_failures("", failures))

    def done(
        self,
        text: str,
        take_back: Callable[[], object],
        failures: Sequence[str] = (),
        final: Callable[[], object] | None = None,
    ) -> None:
        """`take_back()` is called if somebody wants that, else `final()` once nobody can any
        more."""
        self.settle()
        self.notice.tell(with_failures(text, failures), undo=True)
        self._take_back, self._final = take_back, final
        self._action.set_enabled(True)

    def settle(self) -> None:
        """What was done last stays so."""
        final, self._final = self._final, None
        if final:
            final()

    def _undo(self) -> None:
        take_back, self._final = self._take_back, None
        self.notice.close()
        if take_back:
            take_back()

    def _over(self) -> None:
        self._take_back = None
        self._action.set_enabled(False)
        self.settle()


def with_failures(text: str, failures: Sequence[str]) -> str:
    """What was done, and what went wrong below it."""
    lines = [text] if text else []
    lines += failures[:_SHOWN]
    more = len(failures) - _SHOWN
    if more > 0:
        lines.append(ngettext("and {n} more", "and {n} more", more).format(n=number(more)))
    return "\n".join(lines)
