"""Runs a program that the kernel kills when the process that started it ends.

    python -I -S attached_process.py PID PROGRAM ARGUMENT…

PID is that of the starting process. This is a script of its own, since a process with threads must
not run Python code between fork and exec, and since it must start quickly.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() == int(sys.argv[1]):  # else the starting process has ended already
        os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
