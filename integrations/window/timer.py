"""Something that is done once, later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GLib

if TYPE_CHECKING:
    from collections.abc import Callable


class Timer:
    def __init__(self) -> None:
        self._source = 0

    @property
    def runs(self) -> bool:
        return bool(self._source)

    def start(self, milliseconds: int, act: Callable[[], object]) -> None:
        """Calls `act()` then, in place of what was to be called before."""

        def run() -> bool:
            self._source = 0
            act()
            return bool(GLib.SOURCE_REMOVE)

        self.stop()
        self._source = GLib.timeout_add(milliseconds, run)

    def stop(self) -> None:
        if self._source:
            GLib.source_remove(self._source)
            self._source = 0
