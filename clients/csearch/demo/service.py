"""The search service of a demo, from the side of the client that uses it."""

from __future__ import annotations

import os
import sys

from csearch.connection import Connection
from csearch.protocol.errors import StartError
from csearch.protocol.system_errors import in_words

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    import subprocess

PHOTOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "photos")
_READY = b"listening at "


class DemoService:
    """A service with a temporary library, which knows nothing of the user's and leaves nothing.

    It runs below a process of its own, the keeper (csearch.demo.__main__), whose standard input is
    a pipe from this one: when this process closes it, or ends in whatever way, the keeper ends the
    service and deletes its files.
    """

    def __init__(self) -> None:
        self._keeper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> DemoService:
        return self

    def __exit__(self, *_: object) -> None:
        """Returns when the service has ended and its files are deleted."""
        if self._keeper:
            self._keeper.communicate()

    def connect(self) -> Connection:
        """Starts the service; a connection to it. Raises ClientError where it can't be started."""
        import subprocess

        try:
            self._keeper = subprocess.Popen(
                [sys.executable, "-P", "-m", "csearch.demo"],
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C for this process is not the keeper's
            )
        except OSError as error:
            raise StartError(f"the demo cannot be started: {in_words(error)}") from error
        assert self._keeper.stdout is not None
        told = self._keeper.stdout.readline()
        if not told.startswith(_READY):
            reason = (told + self._keeper.stdout.read()).decode(errors="replace").rstrip()
            raise StartError(f"the demo cannot be started: {reason or 'it ended'}")
        return Connection(start=False, address=told.removeprefix(_READY).rstrip(b"\n"))
