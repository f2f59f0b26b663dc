"""Work beside the main loop, which nothing may hold up: a file system can hang for ever."""

from __future__ import annotations

import threading
import time
import traceback
from queue import SimpleQueue
from typing import TYPE_CHECKING

from gi.repository import GLib

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias, TypeVar

    Result = TypeVar("Result")
    # What is to be done, what takes its result, and the number of the timer that says it is late.
    Job: TypeAlias = tuple[Callable[[], Any], Callable[[Any], object], int | None]

_STUCK = 2.0  # seconds after which a job counts as hanging, and another thread takes its place
_MOST = 32  # threads, most of them hanging
_LOOK = 500  # milliseconds between looks at jobs that wait
_LATE = 5  # seconds
_REMOVE: bool = GLib.SOURCE_REMOVE
_CONTINUE: bool = GLib.SOURCE_CONTINUE


class Workers:
    """A few threads. They are daemons: one that hangs must not keep the program from ending."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        # When each thread began with its job, None while it waits for one.
        self._begun: dict[threading.Thread, float | None] = {}
        self._looking = 0

    def run(
        self,
        work: Callable[[], Result],
        done: Callable[[Result], object],
        late: Callable[[], object] | None = None,
    ) -> None:
        """Calls `done(work())` later, in the main loop; before it `late()`, if that is long."""
        timer = late and GLib.timeout_add_seconds(_LATE, lambda: late())
        self._jobs.put((work, done, timer))
        self._staff()

    def _staff(self) -> None:
        """Starts a thread where jobs wait that no thread will take soon."""
        now = time.monotonic()
        hanging = [begun for begun in self._begun.values() if begun and now - begun > _STUCK]
        if len(self._begun) < min(self._threads + len(hanging), _MOST):
            thread = threading.Thread(target=self._work, daemon=True)
            self._begun[thread] = None
            thread.start()
        if not self._looking:
            self._looking = GLib.timeout_add(_LOOK, self._look)

    def _look(self) -> bool:
        if self._jobs.empty():
            self._looking = 0
            return _REMOVE
        self._staff()
        return _CONTINUE

    def _work(self) -> None:
        while True:
            self._do(*self._jobs.get())  # while it waits for the next one, it holds none

    def _do(self, work: Callable[[], Any], done: Callable[[Any], object], late: int | None) -> None:
        thread = threading.current_thread()
        self._begun[thread] = time.monotonic()
        try:
            GLib.idle_add(_end, done, work(), late)
        except Exception:  # the thread is for others' work too
            traceback.print_exc()
        self._begun[thread] = None


def _end(done: Callable[[Any], object], result: object, late: int | None) -> None:
    # Where it isn't there any more, it was late.
    if late and (timer := GLib.MainContext.default().find_source_by_id(late)):
        timer.destroy()
    done(result)
