"""Adds a word to the keywords of pictures, or takes it back, through the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GLib

from bus.service import explained
from selection.tag_dialog import TagDialog
from texts import _, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bus.service import Failure, Service, Values
    from grid.item import Item
    from selection.undoing import Undoing
    from window import Window


class Tagging:
    def __init__(self, window: Window, service: Service, undoing: Undoing) -> None:
        self._window = window
        self._service = service
        self._undoing = undoing

    def choose(self, items: Sequence[Item]) -> None:
        if not items:
            return
        paths = [item.path for item in items]

        def chosen(word: str, mode: str, added: bool) -> None:
            self._write(paths, word, mode, added, lambda told: self._done(told, word, mode, added))

        TagDialog(self._window, len(paths), self._service, chosen).present()

    def _write(
        self,
        paths: list[bytes],
        word: str,
        mode: str,
        added: bool,
        done: Callable[[Values], object],
    ) -> None:
        """Calls `done(told)` later; a failure is told here."""
        options = {
            "mode": GLib.Variant("s", mode),
            "add" if added else "take": GLib.Variant("as", [word]),
        }

        def answered(told: Values | None, failure: Failure | None) -> None:
            if told and "error" in told:
                self._undoing.failed([_refusal(told["error"])])
            elif told is None:
                self._undoing.failed([str(failure) or _("The search service does not answer")])
            else:
                self._window.search_soon()
                done(told)

        self._service.ask("Tag", GLib.Variant("(aaya{sv})", (paths, options)), answered)

    def _done(self, told: Values, word: str, mode: str, added: bool) -> None:
        count, reasons = told["written"], told["reasons"]
        if not count:
            none = _("All of them have “{word}” already.")
            if not added:
                none = _("None of them has “{word}” from here.")
            self._undoing.failed(reasons or [none.format(word=word)])
            return
        if added:
            text = ngettext(
                "Added “{word}” to {n} picture", "Added “{word}” to {n} pictures", count
            )
        else:
            text = ngettext(
                "Removed “{word}” from {n} picture", "Removed “{word}” from {n} pictures", count
            )
        paths = told["paths"]
        self._undoing.done(
            text.format(word=word, n=number(count)),
            lambda: self._write(paths, word, mode, not added, self._taken_back),
            reasons,
        )

    def _taken_back(self, told: Values) -> None:
        if told["reasons"]:
            self._undoing.failed(told["reasons"])


def _refusal(error: Values) -> str:
    """Why nothing was written; the service names options of the terminal's command."""
    if error.get("reason", {}).get("code") == "exiftool-missing":
        return _(
            "exiftool is needed to write into pictures and is not installed; choose files beside "
            "them"
        )
    return explained(error)
