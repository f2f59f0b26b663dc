"""Makes a process a background child: low priority, first to be killed, and killed with its
parent."""

from __future__ import annotations

import ctypes
import os
import signal
import time

INITIAL_NICENESS, LOWEST_NICENESS = 5, 19  # nice(2)
# So few new pictures are read soon, even on battery: the user wants a screenshot at once.
SMALL_BATCH = 5
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_TRIES, _PAUSE = 10, 0.1  # seconds: the kernel accepts one change of an autogroup in 0.1 s


def enter_background(keep: int, quiet: bool) -> None:
    """Closes all descriptors but 0, 1, 2 and `keep`, and lets the kernel end this process with its
    parent. If `quiet`, lowers the priority, but not to the lowest: where all processors are busy,
    nice 19 gets a hundredth of one, so that starting alone takes minutes, and somebody may wait
    for a single new picture. A process with many pictures calls `use_lowest_priority` soon.
    """
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is meant for the client that started the daemon
    os.closerange(3, keep)
    os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))
    if quiet:
        os.nice(INITIAL_NICENESS)
        _write("/proc/self/autogroup", str(INITIAL_NICENESS))  # if sessions share the processor
        try:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        except OSError:
            pass
    _write("/proc/self/oom_score_adj", "1000")
    end_with_parent()


def use_lowest_priority() -> None:
    """Gives all threads of this process, and those that they start, the lowest priority.

    It is nice 19 with SCHED_BATCH rather than SCHED_IDLE: it yields to everything that users wait
    for, but still gets a share if all processors are busy with other background work, so that the
    time limit of a picture isn't exceeded by the load of the machine. The kernel derives the lowest
    best-effort I/O priority from it.
    """
    for _ in range(2):  # threads may be started meanwhile
        for thread in os.listdir("/proc/self/task"):
            try:
                os.setpriority(os.PRIO_PROCESS, int(thread), LOWEST_NICENESS)
            except ProcessLookupError:
                pass  # the thread has ended
    _write("/proc/self/autogroup", str(LOWEST_NICENESS))


def end_with_parent() -> None:
    """Lets the kernel kill this process when its parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _write(path: str, text: str) -> None:
    """Writes a setting of the kernel, if it has it. The file isn't opened for truncation, which
    Landlock forbids."""
    for _ in range(_TRIES):
        try:
            with open(path, "r+") as file:
                file.write(text)
            return
        except BlockingIOError:
            time.sleep(_PAUSE)
        except OSError:
            return
