"""How many pictures are read a second, lately."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_SECONDS = 5.0  # what the rate is averaged over


class Rate:
    """Times without work don't count. One thread says what was done, any may ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque([(clock(), 0)])  # when, how many until then

    def begin(self) -> None:
        """There is something to do, perhaps after a time without."""
        (last, total), now = self._marks[-1], self._clock()
        if now - last > _SECONDS:
            self._marks = deque([(now, total)])

    def add(self, count: int) -> None:
        """So many have been read."""
        marks, now = self._marks, self._clock()
        marks.append((now, marks[-1][1] + count))
        while len(marks) > 2 and now - marks[1][0] > _SECONDS:
            marks.popleft()

    @property
    def value(self) -> float:
        marks, now = self._marks, self._clock()
        (then, before), (last, total) = marks[0], marks[-1]
        return 0.0 if now - last > _SECONDS else (total - before) / max(now - then, 0.1)
