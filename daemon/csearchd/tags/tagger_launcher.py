"""Starts the tagger: as a unit of its own if systemd runs the daemon, else as a child process.

A child would be in the sandbox of the daemon's unit, which can't write to the user's files.
"""

from __future__ import annotations

import os
import subprocess
import sys

UNIT = "csearchd-tagger.service"
_SECONDS = 10.0


def start_tagger() -> subprocess.Popen[bytes] | None:
    """Starts the tagger; returns its process, or None if systemd runs it. Raises OSError."""
    if os.environ.get("SYSTEMD_EXEC_PID") == str(os.getpid()) and _start_unit():
        return None
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "csearchd.tags"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # so that Ctrl-C doesn't reach it with the daemon
    )


def _start_unit() -> bool:
    """Whether the tagger's unit exists and is being started."""
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
