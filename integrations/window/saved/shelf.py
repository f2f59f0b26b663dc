"""The saved searches that the service has, and what is done with them."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from gi.repository import GLib

from bus import commands
from bus.service import explained
from saved.search import Saved, options

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from bus.service import Failure, Service, Values

    # Called with "" when all is well, or what is wrong, and the code of that.
    Done: TypeAlias = Callable[[str, str], object]

_SECONDS = 5  # in which folders follow the library
_CONTINUE: bool = GLib.SOURCE_CONTINUE
_REMOVE: bool = GLib.SOURCE_REMOVE
EXISTS = "saved-search-exists"  # the code of what refuses a name that is taken


class Shelf:
    """`changed()` is called when `searches` are others."""

    def __init__(self, service: Service, changed: Callable[[], object]) -> None:
        self.searches: list[Saved] = []
        self._service = service
        self._changed = changed
        self._timer = 0
        self._news = False  # since the last look
        self._listening = service.listen("Changed", lambda _status: self._hear())
        self._watching = service.watch(self.look)

    def close(self) -> None:
        self._service.unlisten(self._listening)
        self._service.unwatch(self._watching)
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0

    def look(self) -> None:
        """Asks for what is saved now."""
        self._service.ask("Saved", None, self._told)

    def save(self, name: bytes, fields: Values, done: Done) -> None:
        """`fields` are those of saved.search.described."""
        values = GLib.Variant("(aysa{sv})", (name, fields["query"], options(fields)))
        self._ask("SaveSearch", values, done)

    def rename(self, name: bytes, new: bytes, done: Done) -> None:
        values = GLib.Variant("(ayay)", (name, new))
        self._ask("RenameSaved", values, self._then_moved(name, new, done))

    def remove(self, name: bytes, done: Done) -> None:
        self._ask("RemoveSaved", GLib.Variant("(ay)", (name,)), done)

    def remove_bookmarks(self, search: Saved) -> None:
        """Removes those of a search that has been removed for good."""
        if all(one.name != search.name for one in self.searches):
            self._move_bookmarks(search.fields["folder"])

    def _then_moved(self, name: bytes, new: bytes, done: Done) -> Done:
        """What has bookmarks follow the folder of a search once it is renamed."""
        folders = [one.fields["folder"] for one in self.searches if one.name == name]

        def ended(failure: str, code: str) -> None:
            if not failure:
                for folder in folders:
                    self._move_bookmarks(folder, os.path.join(os.path.dirname(folder), new))
            done(failure, code)

        return ended

    def _move_bookmarks(self, *folders: bytes) -> None:
        arguments = ["csearch.installation.moved_bookmarks", *map(os.fsdecode, folders)]
        commands.run(self._service, arguments, lambda _output: None)

    def _ask(self, method: str, values: GLib.Variant, done: Done) -> None:
        self._service.ask(method, values, partial(self._answered, done))

    def _answered(self, done: Done, told: Values | None, failure: Failure | None) -> None:
        error = (told or {}).get("error")
        self.look()
        if error:
            done(explained(error), error.get("reason", {}).get("code", ""))
        else:
            done(str(failure) if failure else "", "")

    def _told(self, found: list[Values] | None, failure: Failure | None) -> None:
        if failure or found is None:  # what was there is better than nothing
            return
        searches = [Saved(fields["name"], fields) for fields in found]
        if searches != self.searches:
            self.searches = searches
            self._changed()

    def _hear(self) -> None:
        """The library has changed. Folders follow it a little later."""
        if self._timer:
            self._news = True
        else:
            self.look()
            self._timer = GLib.timeout_add_seconds(_SECONDS, self._look_again)

    def _look_again(self) -> bool:
        self.look()
        again, self._news = self._news, False
        if again:
            return _CONTINUE
        self._timer = 0
        return _REMOVE
