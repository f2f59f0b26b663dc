"""The tagger process, `python -m csearchd.tags`: asks the daemon for work until there is none.

It is a process of its own since the daemon never writes to a user's file, and under systemd can't.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
import time
from queue import SimpleQueue

from csearch.protocol.connection import Connection
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import harmless
from csearch.protocol.wire import Message
from csearchd.logs import log_to_stderr
from csearchd.paths import standard_paths
from csearchd.tags.tagger import Tagger

_NICE = 10
_WAIT_SECONDS = 130.0  # for another tagger; exiftool may take 120 for a file
_POLL_SECONDS = 0.1


class _Work:
    """The daemon's messages, read by a thread, so that one to stop is noticed between files.

    SIGTERM and SIGINT are handled alike: the file that is being written is finished first.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._replies: SimpleQueue[Message | Exception | None] = SimpleQueue()
        self._stopped = threading.Event()
        self._ended = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        threading.Thread(target=self._listen, daemon=True).start()

    def next(self) -> Message | None:
        """The next message with work; None at the end. Raises what the thread raised."""
        reply = self._replies.get()
        if isinstance(reply, Exception):
            raise reply
        return None if self._ended else reply

    def is_stopped(self) -> bool:
        """Whether no further file is to be written."""
        return self._ended or self._stopped.is_set()

    def _listen(self) -> None:
        try:
            for reply in self._connection.request("tags-serve"):
                if reply.get("stop"):
                    self._stopped.set()
                    continue
                self._stopped.clear()
                self._replies.put(reply)
            self._replies.put(None)
        except Exception as error:  # `next` waits for it
            self._stopped.set()
            self._replies.put(error)

    def _end(self, *_: object) -> None:
        self._ended = True
        self._replies.put(None)


def _wait_for_another(directory: str) -> None:
    """Waits until the tagger of a killed daemon has finished its file, for a limited time.

    Only then can the state of that file be told. Such a tagger may hang on a dead file server.
    """
    os.makedirs(directory, mode=0o700, exist_ok=True)
    # Stays open, and so locked, until this process ends.
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(_POLL_SECONDS)


def _connection() -> Connection:
    return Connection(patient=True)  # waits, since what was written must be reported


def main() -> None:
    """Exits with 0 at the end of the work or on a signal, with 1 if the daemon isn't reached."""
    os.umask(0o077)
    log_to_stderr("info", "csearchd.tags: %(message)s")
    os.nice(_NICE)
    try:
        work, reports = _Work(_connection()), _connection()
        tagger: Tagger | None = None
        while reply := work.next():
            if tagger is None:
                # Not earlier, since this removes the temporary files of an earlier tagger.
                directory = os.path.join(standard_paths().cache, "tagger")
                _wait_for_another(directory)
                tagger = Tagger(reports.call, directory, reply.get("max_bytes", 0))
                for path, top in reply.get("sweep", ()):
                    tagger.sweep(path, top)
            items: list[Message] = reply.get("hits", [])
            if items:
                tagger.do(items, work.is_stopped)
        if tagger:
            tagger.close()
    except ClientError as error:
        sys.exit(f"csearchd.tags: {harmless(str(error))}")


if __name__ == "__main__":
    main()
