"""Runs a program that the kernel ends with the process that started it.

    python -I -S attached.py PID PROGRAM ARGUMENT…

PID is the process to end with. Run as a file: `subprocess` may not run Python of ours between fork
and exec where there are threads, and importing more than this takes long.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() == int(sys.argv[1]):  # else it has ended already
        os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
