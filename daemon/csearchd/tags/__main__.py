"""The tagger process: `python -m csearchd.tags`. It asks the daemon for work until there is none.

A process of its own, since the daemon never writes to a user's file, and under systemd can't.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
import time
from queue import SimpleQueue

from csearch.connection import Connection
from csearch.errors import ClientError
from csearch.protocol.quoting import harmless
from csearch.protocol.wire import Message
from csearchd.logs import log_to_stderr
from csearchd.paths import standard_paths
from csearchd.tags.tagger import Tagger

_NICE = 10
_WAIT_SECONDS, _POLL_SECONDS = 130.0, 0.1  # exiftool may take 120 for a file


class _Work:
    """What the daemon says, heard by a thread of its own: it may want what is under way no more."""

    def __init__(self, connection: Connection) -> None:
        """A signal to end is heard like the daemon's word: the file in hand is finished."""
        self._connection = connection
        self._replies: SimpleQueue[Message | Exception | None] = SimpleQueue()
        self._stopped = threading.Event()
        self._ended = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        threading.Thread(target=self._listen, daemon=True).start()

    def next(self) -> Message | None:
        """The next reply; None at the end. Raises ClientError, or what ended the listening."""
        reply = self._replies.get()
        if isinstance(reply, Exception):
            raise reply
        return None if self._ended else reply

    def is_stopped(self) -> bool:
        """Whether nothing more is to be begun."""
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
        except Exception as error:  # who waits for the next reply would wait for ever
            self._stopped.set()
            self._replies.put(error)

    def _end(self, *_: object) -> None:
        self._ended = True
        self._replies.put(None)


def _wait_for_another(directory: str) -> None:
    """Lets a tagger of a service that was killed finish the file in hand: what came of it can't be
    told before. Nobody waits for one that a dead server holds."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # until this one ends
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(_POLL_SECONDS)


def _connection() -> Connection:
    return Connection(start=False, patient=True)  # what was written must be reported


def main() -> None:
    """Exits with 0 when there is nothing more to do or it is told to end; 1 if it can't ask."""
    os.umask(0o077)
    log_to_stderr("info", "csearchd.tags: %(message)s")
    os.nice(_NICE)
    try:
        work, reports = _Work(_connection()), _connection()
        tagger: Tagger | None = None
        while reply := work.next():
            if tagger is None:
                # Only now: another tagger's files are gone with it.
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
