"""--window: starts the search window, which runs in the system's Python with its GTK."""

from __future__ import annotations

import os
import subprocess

from csearch.connection import Connection
from csearch.installation.items import share
from csearch.paths import absolute
from csearch.protocol.errors import ClientError
from csearch.protocol.system_errors import in_words
from csearch.search.joining import joined
from csearch.search.options import Options

PYTHON = "/usr/bin/python3"
NO_TOOLKIT = 69  # exit status of integrations/window
PACKAGES = "python3-gi and gir1.2-gtk-4.0 (Debian), python3-gobject and gtk4 (Fedora, Arch)"


def show(options: Options) -> int:
    """Runs the window as the options say; returns the exit status. Raises ClientError."""
    if len(options.directories) > 1:
        raise ClientError("the window searches below one directory; give --in once")
    arguments = []
    if options.saved is not None:
        if options.directories:
            raise ClientError("the window asks a saved search where it is to look; leave --in out")
        # An error now is one that the terminal shows.
        Connection(start=True).call("saved", name=os.fsencode(options.saved))
        arguments += ["--saved", options.saved]
    for path in options.directories:
        arguments += ["--in", os.fsdecode(absolute(path))]
    for path in options.like:
        arguments += ["--like", path if "://" in path else os.fsdecode(absolute(path))]
    query = [joined(options.query)] if options.query else []
    status = launch([*arguments, "--", *query])
    if status == NO_TOOLKIT:
        raise ClientError(f"the window needs {PACKAGES}; --folder needs a file manager only")
    return status


def launch(arguments: list[str]) -> int:
    """Runs the window until it is closed; returns its exit status. Raises ClientError."""
    Connection(start=True).close()  # the window talks to the service over D-Bus
    try:
        # -I: variables for this environment's Python don't apply to the system's.
        window = os.path.join(share(), "integrations", "window")
        return subprocess.run([PYTHON, "-I", window, *arguments]).returncode
    except OSError as error:
        raise ClientError(
            f"the window needs {PYTHON}, which can't be run: {in_words(error)}"
        ) from error
