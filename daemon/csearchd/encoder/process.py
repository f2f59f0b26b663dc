"""How the processes that decode pictures are started, and how they have ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from csearchd.reasons import Reason
from csearchd.reasons import pictures as reasons

_KILL_SECONDS = 5.0  # a process that waits for a file system may not end when it is killed


def start(module: str, fd: int, urgent: bool = False) -> subprocess.Popen[bytes]:
    """Starts the process of `module` that has the descriptor `fd` as its end of a socketpair."""
    # -P: modules in the working directory must not be imported
    command = [sys.executable, "-P", "-m", module, str(fd)]
    command += ["urgent"] if urgent else []
    return subprocess.Popen(
        command,
        pass_fds=[fd],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,  # a Ctrl-C meant for the daemon is not this process's
    )


def end(process: subprocess.Popen[bytes], grace: float = 0.0) -> int:
    """Waits for the end of a process whose socket is closed, and kills it after `grace` seconds.
    Its exit status."""
    try:
        return process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
    try:
        return process.wait(_KILL_SECONDS)
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL


def ending(code: int) -> Reason | str:
    """What the exit status `code` of subprocess says."""
    if code >= 0:
        return reasons.EXIT_STATUS(status=code)
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _environment() -> dict[str, str]:
    """The daemon's environment, without the service manager's variables; offline."""
    private = {"NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_USEC"}
    private.add("OPENBLAS_NUM_THREADS")  # PyTorch may use that library too
    kept = {name: value for name, value in os.environ.items() if name not in private}
    return kept | {"HF_HUB_OFFLINE": "1"}
