"""Work beside the main loop, which nothing may hold up: a file system can hang for ever."""

import threading
import time
import traceback
from queue import SimpleQueue

from gi.repository import GLib

_STUCK = 2.0  # seconds after which a job counts as hanging, and another thread takes its place
_MOST = 32  # threads, most of them hanging
_LOOK = 500  # milliseconds between looks at jobs that wait
_LATE = 5  # seconds


class Workers:
    """A few threads. They are daemons: one that hangs must not keep the program from ending."""

    def __init__(self, threads):
        self._threads = threads
        self._jobs = SimpleQueue()
        self._begun = {}  # when each thread began with its job, None while it waits for one
        self._looking = 0

    def run(self, work, done, late=None):
        """Calls `done(work())` later, in the main loop; before it `late()`, if that is long."""
        timer = late and GLib.timeout_add_seconds(_LATE, lambda: late())
        self._jobs.put((work, done, timer))
        self._staff()

    def _staff(self):
        """Starts a thread where jobs wait that no thread will take soon."""
        now = time.monotonic()
        hanging = [begun for begun in self._begun.values() if begun and now - begun > _STUCK]
        if len(self._begun) < min(self._threads + len(hanging), _MOST):
            thread = threading.Thread(target=self._work, daemon=True)
            self._begun[thread] = None
            thread.start()
        if not self._looking:
            self._looking = GLib.timeout_add(_LOOK, self._look)

    def _look(self):
        if self._jobs.empty():
            self._looking = 0
            return GLib.SOURCE_REMOVE
        self._staff()
        return GLib.SOURCE_CONTINUE

    def _work(self):
        thread = threading.current_thread()
        while True:
            work, done, late = self._jobs.get()
            self._begun[thread] = time.monotonic()
            try:
                GLib.idle_add(_end, done, work(), late)
            except Exception:  # the thread is for others' work too
                traceback.print_exc()
            self._begun[thread] = None


def _end(done, result, late):
    # Where it isn't there any more, it was late.
    if late and (timer := GLib.MainContext.default().find_source_by_id(late)):
        timer.destroy()
    done(result)
