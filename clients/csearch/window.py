"""`csearch --window`: the search window, a program of the desktop's own Python."""

from __future__ import annotations

import argparse
import os
import subprocess

from csearch.arguments import absolute
from csearch.connection import Connection
from csearch.errors import ClientError
from csearch.installing.items import share

PYTHON = "/usr/bin/python3"
_NO_TOOLKIT = 69  # exit status of integrations/window
_PACKAGES = "python3-gi and gir1.2-gtk-4.0 (Debian), python3-gobject and gtk4 (Fedora, Arch)"


def show(options: argparse.Namespace) -> int:
    """Opens it and waits for its end; the exit status. Raises ClientError."""
    if len(options.directories) > 1:
        raise ClientError("the window searches below one directory; give --in once")
    Connection(start=True).close()  # it joins the session bus, where the window asks it
    command = [PYTHON, "-I", os.path.join(share(), "integrations", "window")]
    for path in options.directories:
        command += ["--in", os.fsdecode(absolute(path))]
    for path in options.like:
        command += ["--like", os.fsdecode(absolute(path))]
    try:
        status = subprocess.run([*command, "--", *options.query]).returncode
    except OSError as error:
        raise ClientError(f"{PYTHON}: {error.strerror}") from error
    if status == _NO_TOOLKIT:
        raise ClientError(f"the window needs {_PACKAGES}; --folder needs a file manager only")
    return status
