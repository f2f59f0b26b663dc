"""Whether the pictures that are shown are still there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from background import Workers
    from grid.results import Results


class Presence:
    """Looks at the disk beside the main loop. `missing` have gone, and are looked for again."""

    def __init__(self, results: Results, workers: Workers) -> None:
        self._results = results
        self._workers = workers
        self._looking = False
        self.missing: set[bytes] = set()

    def forget(self) -> None:
        """Other pictures are shown."""
        self.missing = set()

    def look(self, back: Callable[[set[bytes]], object]) -> None:
        """Takes what has gone out of the results. Calls `back(paths)` where some are there again,
        which are not shown any more."""
        if self._looking:
            return
        self._looking = True
        shown = {item.path for item in self._results.store}
        missing = set(self.missing)

        def looked(there: set[bytes]) -> None:
            self._looking = False
            if gone := shown - there:
                self._results.remove(gone)
            if returned := missing & there:
                back(returned)
            self.missing = (self.missing | gone) - returned

        self._workers.run(lambda: {path for path in shown | missing if _is_there(path)}, looked)

    def check(
        self, path: bytes, told: Callable[[bool], object], late: Callable[[], object]
    ) -> None:
        """Calls `told(there)` later, and before it `late()`, if that is long."""

        def looked(there: bool) -> None:
            if not there:
                self.missing.add(path)
                self._results.remove({path})
            told(there)

        self._workers.run(lambda: _is_there(path), looked, late)


def _is_there(path: bytes) -> bool:
    """Whether a file is there; one that may not be looked at counts, too."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass
    return True
