"""The searches of a window, which Back and Forward walk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from query.pictures import Picture

_SETTLED = 2.0  # seconds after which a query isn't half-typed any more


class Limits(NamedTuple):
    """What is left out of what is found, as a saved search says."""

    top: int = 0  # at most so many; 0: all
    least: str = ""  # the least confidence


class Step(NamedTuple):
    """A search: all that the user has said of it."""

    query: str = ""
    pictures: tuple[Picture, ...] = ()
    folders: tuple[bytes, ...] = ()  # none: everywhere
    sort: str = ""
    limits: Limits = Limits()

    @property
    def asks(self) -> bool:
        """An order alone asks for all pictures."""
        return bool(self.query.strip() or self.pictures or self.sort)


class Steps:
    """`changed(back, forward)` is told whether there is something in either direction."""

    def __init__(self, changed: Callable[[bool, bool], object]) -> None:
        self._changed = changed
        self._past: list[Step] = []
        self._future: list[Step] = []
        self._now = Step()
        self._since = 0.0

    def visit(self, step: Step) -> None:
        """What is searched for now. What was only typed on the way to it is no step."""
        if step == self._now:
            return
        if self._now.asks and time.monotonic() - self._since > _SETTLED:
            self._past.append(self._now)
        self._future.clear()
        self._now = step
        self._since = time.monotonic()
        self._tell()

    def settle(self) -> None:
        """The present search is one to come back to, however short it was there."""
        self._since = float("-inf")

    def back(self) -> Step | None:
        return self._walk(self._past, self._future)

    def forward(self) -> Step | None:
        return self._walk(self._future, self._past)

    def _walk(self, there: list[Step], behind: list[Step]) -> Step | None:
        if not there:
            return None
        if self._now.asks:
            behind.append(self._now)
        self._now = there.pop()
        self.settle()
        self._tell()
        return self._now

    def _tell(self) -> None:
        self._changed(bool(self._past), bool(self._future))
