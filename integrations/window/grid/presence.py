"""Whether the pictures that are shown are still there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gi.repository import GLib

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from background import Workers
    from bus.service import Hit
    from grid.results import Results

_AGAIN, _SELDOM = 2, 60  # seconds between looks at what has gone: more and more


class Presence:
    """Looks at the disk beside the main loop. What has gone is taken out of the results, and looked
    for until something else is shown."""

    def __init__(self, results: Results, workers: Workers, back: Callable[[], object]) -> None:
        """`back()` is called where something is there again, which isn't shown any more."""
        self._results = results
        self._workers = workers
        self._back = back
        self.lost = False  # something has gone since this was asked
        self._missing: set[bytes] = set()
        self._looking = False
        self._timer = 0
        self._pause = _AGAIN

    def forget(self) -> None:
        """Something else is asked."""
        self.lost, self._missing = False, set()
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0

    def miss(self, hits: Sequence[Hit]) -> None:
        """The same was asked again; what has gone from the answer may come back."""
        found = {path for path, _score, _fields in hits}
        found.update(path for *_hit, fields in hits for path in fields.get("alike") or ())
        self._miss({item.path for item in self._results.shown} - found)

    def look(self) -> None:
        """At all that is shown, and at what had gone."""
        self._look({item.path for item in self._results.shown})

    def _look(self, shown: set[bytes]) -> None:
        missing = set(self._missing)
        if self._looking or not shown | missing:
            return
        self._looking = True

        def looked(there: set[bytes]) -> None:
            self._looking = False
            self.take_out(shown - there)
            if returned := missing & there & self._missing:
                self._missing -= returned
                self._back()

        self._workers.run(lambda: {path for path in shown | missing if _is_there(path)}, looked)

    def check(
        self, path: bytes, told: Callable[[bool], object], late: Callable[[], object]
    ) -> None:
        """Calls `told(there)` later, and before it `late()`, if that is long."""

        def looked(there: bool) -> None:
            if not there:
                self.take_out({path})
            told(there)

        self._workers.run(lambda: _is_there(path), looked, late)

    def take_out(self, gone: set[bytes]) -> None:
        """Files have gone, for now."""
        if gone:
            self._results.remove(gone)
        self._miss(gone)

    def _miss(self, gone: set[bytes]) -> None:
        if gone:
            self._missing |= gone
            self.lost = True
            self._pause = _AGAIN
        self._wait()

    def _wait(self) -> None:
        if self._missing and not self._timer:
            self._timer = GLib.timeout_add_seconds(self._pause, self._look_again)
            self._pause = min(2 * self._pause, _SELDOM)

    def _look_again(self) -> bool:
        self._timer = 0
        self._look(set())
        self._wait()
        return bool(GLib.SOURCE_REMOVE)


def _is_there(path: bytes) -> bool:
    """Whether a file is there; one that may not be looked at counts, too."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass
    return True
