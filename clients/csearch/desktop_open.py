"""Opens a picture or a folder with the desktop's program for it."""

from __future__ import annotations

import shutil
import subprocess

from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import printable

_OPENERS = (("xdg-open",), ("gio", "open"))


def open_path(path: bytes) -> None:
    """Starts the program and returns at once. Raises ClientError if no opener is installed."""
    for program, *arguments in _OPENERS:
        if found := shutil.which(program):
            opener = subprocess.Popen(
                [found, *arguments, path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            opener.returncode = 0  # so that Popen doesn't warn that it is still running
            return
    raise ClientError(
        f"{printable(path)}: nothing opens it here: install xdg-utils (xdg-open), or gio"
    )
