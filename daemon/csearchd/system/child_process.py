"""What makes a process a quiet child: low priority, first to be killed, gone with its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import time

FIRST, LOWEST = 5, 19  # nice(2)
# So few new pictures are read soon, even on battery: the user wants a screenshot at once.
SMALL_BATCH = 5
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_TRIES, _PAUSE = 10, 0.1  # seconds, in which the kernel takes one change of any autogroup


def enter_background(keep: int, quiet: bool) -> None:
    """Closes all descriptors but 0, 1, 2 and `keep`, and lets the kernel end this process with its
    parent. If `quiet`, lowers the priority, but not to the lowest: where all processors are busy,
    nice 19 gets a hundredth of one, so that starting alone takes minutes, and somebody may wait
    for a single new picture. A process with many pictures calls `use_lowest_priority` soon.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started the daemon
    os.closerange(3, keep)
    os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))
    if quiet:
        os.nice(FIRST)
        _write("/proc/self/autogroup", str(FIRST))  # where sessions share the processor
        try:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        except OSError:
            pass
    _write("/proc/self/oom_score_adj", "1000")
    end_with_parent()


def use_lowest_priority() -> None:
    """Gives all threads of this process, and those they start, the lowest priority.

    Nice 19 with SCHED_BATCH rather than SCHED_IDLE: it yields to everything that people wait for,
    yet where all cores are busy with other background work it still gets a share, so that a
    picture's time limit measures the picture and not the machine. The kernel derives the lowest
    best-effort priority for the disk from it.
    """
    for _ in range(2):  # some are started meanwhile
        for thread in os.listdir("/proc/self/task"):
            try:
                os.setpriority(os.PRIO_PROCESS, int(thread), LOWEST)
            except ProcessLookupError:
                pass  # it has just ended
    _write("/proc/self/autogroup", str(LOWEST))


def end_with_parent() -> None:
    """Lets the kernel kill this process when the one that started it has gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _write(path: str, text: str) -> None:
    """Writes a setting of the kernel's, where it has that. Opened as it is: Landlock, which lets us
    write to such a file, doesn't let us empty it."""
    for _ in range(_TRIES):
        try:
            with open(path, "r+") as file:
                file.write(text)
            return
        except BlockingIOError:
            time.sleep(_PAUSE)
        except OSError:
            return
