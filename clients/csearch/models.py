"""Models, as the installed service knows them: asked and installed by processes of its own.

Clients import nothing of the service; what it prints is the interface between them.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

from csearch.errors import ClientError

_MANAGE = "csearchd.encode.manage"
_INSTALL = "csearchd.encode.install"


def catalogue() -> dict[str, Any]:
    """What is installed and what is recommended: see csearchd.encode.manage."""
    done = subprocess.run(_python(_MANAGE, "list"), stdin=subprocess.DEVNULL, capture_output=True)
    try:
        listed = json.loads(done.stdout)
    except ValueError:
        listed = None
    if done.returncode != 0 or not isinstance(listed, dict):
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ClientError(f"the models cannot be listed: {said[-1] if said else 'no reason given'}")
    return listed


def install(*arguments: str) -> int:
    """Runs the installer on this terminal; its exit status. It reports its errors itself."""
    # Ctrl-C is for the installer, which cleans up; the handler here only keeps this process alive.
    previous = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        return subprocess.run(_python(_INSTALL, *arguments)).returncode
    finally:
        signal.signal(signal.SIGINT, previous)


def remove(name: str) -> int:
    """Deletes an installed model; the exit status. An error has been reported."""
    return subprocess.run(_python(_MANAGE, "remove", name)).returncode


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", module, *arguments]
