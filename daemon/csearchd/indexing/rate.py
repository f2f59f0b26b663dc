"""Measures the number of pictures read per second."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_SECONDS = 5.0  # over which the rate is averaged


class Rate:
    """The rate over the last seconds of work; idle times don't count.

    One thread calls `begin` and `add`; any thread may read `value`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque(
            [(clock(), 0)]
        )  # when, and how many until then

    def begin(self) -> None:
        """Must be called when work begins, perhaps after an idle time."""
        (last, total), now = self._marks[-1], self._clock()
        if now - last > _SECONDS:
            self._marks = deque([(now, total)])

    def add(self, count: int) -> None:
        """Adds `count` pictures that were read."""
        marks, now = self._marks, self._clock()
        marks.append((now, marks[-1][1] + count))
        while len(marks) > 2 and now - marks[1][0] > _SECONDS:
            marks.popleft()

    @property
    def value(self) -> float:
        """Pictures per second; 0 if none was read lately."""
        marks, now = self._marks, self._clock()
        (then, before), (last, total) = marks[0], marks[-1]
        return 0.0 if now - last > _SECONDS else (total - before) / max(now - then, 0.1)
