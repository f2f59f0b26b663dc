"""Lists, installs and removes models by running programs of the installed service.

Clients import nothing of the service; the output of its programs is the interface.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import harmless

_MANAGE = "csearchd.models.manage"
_INSTALL = "csearchd.models.install"


def catalogue() -> dict[str, Any]:
    """The installed and the recommended models (csearchd.models.manage). Raises ClientError."""
    listed: dict[str, Any] = _manage("list")
    return listed


def seconds_per_picture(name: str) -> float:
    """About how long this machine takes to read a picture with the recommended model `name`.

    Raises ClientError.
    """
    return float(_manage("estimate", name)["seconds"])


def verify() -> dict[str, Any]:
    """The installed models, what is wrong with them after a check of all their files, and whether
    PyTorch is there (csearchd.models.manage). Raises ClientError."""
    verified: dict[str, Any] = _manage("verify")
    return verified


def _manage(action: str, *arguments: str) -> Any:
    command = _python(_MANAGE, action, *arguments)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = None
    if done.returncode != 0 or not isinstance(answer, dict):
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = harmless(said[-1]) if said else "no reason given"
        raise ClientError(
            f"the models cannot be listed ({reason}); csearchctl doctor tells what is wrong"
        )
    return answer


def install(*arguments: str) -> int:
    """Runs the installer on this terminal; returns its exit status. It prints its own errors."""
    # On Ctrl-C the installer cleans up. This process has a handler so that it waits for that.
    previous = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        return subprocess.run(_python(_INSTALL, *arguments)).returncode
    finally:
        signal.signal(signal.SIGINT, previous)


def remove(name: str) -> int:
    """Deletes an installed model; returns the exit status. Errors have been printed."""
    return subprocess.run(_python(_MANAGE, "remove", name)).returncode


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", module, *arguments]
