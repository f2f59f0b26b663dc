"""Starting the tagger: its unit where systemd runs the daemon, whose sandbox it must not share."""

from __future__ import annotations

import os
import subprocess
import sys

UNIT = "csearchd-tagger.service"
_SECONDS = 10.0


def start_tagger() -> subprocess.Popen[bytes] | None:
    """The process; None where systemd looks after it. Raises OSError."""
    if os.environ.get("SYSTEMD_EXEC_PID") == str(os.getpid()) and _start_unit():
        return None
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "csearchd.tags"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C meant for the daemon is not the tagger's
    )


def _start_unit() -> bool:
    """Whether there is such a unit, and it starts."""
    try:
        done = subprocess.run(
            ["systemctl", "--user", "start", "--no-block", UNIT],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
