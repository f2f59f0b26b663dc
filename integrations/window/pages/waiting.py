"""What is said only after a while: that an answer takes long, and what is wrong with half a word.

Whoever types would else see the page flip with every key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from timer import Timer

if TYPE_CHECKING:
    from collections.abc import Callable

_LONG = 1000  # milliseconds


class Waiting:
    def __init__(self, pause: int, long: Callable[[], object]) -> None:
        """`pause`: milliseconds after which nobody types; `long()`: an answer takes long."""
        self._pause = pause
        self._long = long
        self._timer = Timer()

    def begin(self) -> None:
        self._timer.start(_LONG, self._long)

    def then(self, act: Callable[[], object]) -> None:
        """Calls `act()` unless something else is typed."""
        self._timer.start(self._pause, act)

    def end(self) -> None:
        self._timer.stop()
