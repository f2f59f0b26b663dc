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

CATALOGUE = "csearchd.encode.catalogue"
INSTALL = "csearchd.encode.install"


def catalogue() -> dict[str, Any]:
    """What is installed and what is recommended: {default: NAME, models: [{name, …}]}."""
    done = subprocess.run(_python(CATALOGUE), stdin=subprocess.DEVNULL, capture_output=True)
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
        return subprocess.run(_python(INSTALL) + list(arguments)).returncode
    finally:
        signal.signal(signal.SIGINT, previous)


def _python(module: str) -> list[str]:
    return [sys.executable, "-P", "-m", module]
