"""Opens a picture or a folder with the program that the desktop has for it."""

from __future__ import annotations

import shutil
import subprocess

from csearch.errors import ClientError
from csearch.protocol.quoting import printable

_OPENERS = (("xdg-open",), ("gio", "open"))


def open_path(path: bytes) -> None:
    """Returns at once; the program lives on without us. Raises ClientError where there is none."""
    for program, *arguments in _OPENERS:
        if found := shutil.which(program):
            opener = subprocess.Popen(
                [found, *arguments, path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            opener.returncode = 0  # nobody waits for it, and Popen needn't warn of that
            return
    raise ClientError(
        f"{printable(path)}: nothing opens it here: install xdg-utils (xdg-open), or gio"
    )
