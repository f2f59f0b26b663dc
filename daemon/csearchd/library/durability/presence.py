"""Whether the database's file is still where it was opened, and a copy of it if it isn't.

A deleted file lives on while it is open: SQLite writes to it without an error, and all is lost when
the service ends.
"""

from __future__ import annotations

import os
import sqlite3
import time

from csearchd.reasons import Reason
from csearchd.reasons import library as reasons

_BESIDE = ("-wal", "-shm")  # the log and its index


class Presence:
    """Of an open database's file, with the log and the log's index beside it."""

    def __init__(self, path: str) -> None:
        """`path` is the file's, which SQLite has open. Raises OSError."""
        self._path = path
        self._files: dict[str, int] = {}
        for one in (path, *(path + end for end in _BESIDE)):
            # O_PATH: closing another descriptor would end SQLite's locks (fcntl(2)).
            self._files[one] = os.open(one, os.O_PATH | os.O_CLOEXEC)
        self.rescued = False  # it was lost, and all of it is in a file again

    def close(self) -> None:
        """More than once is harmless."""
        while self._files:
            os.close(self._files.popitem()[1])

    def is_lost(self) -> bool:
        """Whether one of the files is at its path no more, though it is open, or another one is
        there. Cheap."""
        return not all(map(self._is_in_place, self._files))

    def _is_in_place(self, path: str) -> bool:
        ours = os.fstat(self._files[path])
        try:
            found = os.stat(path)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)

    def rescue(self, database: sqlite3.Connection) -> Reason:
        """Sees to it that all of `database`, which is lost, is in a file: where nothing is at its
        path now, in a new one there; else beside that, unless its own file has but been moved.

        Returns what happened, for the user. Raises sqlite3.Error, OSError.
        """
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if self._is_in_place(self._path):
            said = reasons.LOG_PUT_BACK(path=self._path)
        elif not os.path.lexists(self._path):
            self._copy(database, self._path)
            said = reasons.MADE_ANEW(path=self._path)
        else:
            said = reasons.REPLACED(path=self._path)
            if not os.fstat(self._files[self._path]).st_nlink:
                path = time.strftime(f"{self._path}.rescued-%Y%m%d-%H%M%S")
                self._copy(database, path)
                said = reasons.REPLACED_AND_RESCUED(path=self._path, copy=path)
        self.rescued = True
        return said

    @staticmethod
    def _copy(database: sqlite3.Connection, path: str) -> None:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        temporary = f"{path}.new"
        os.close(os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        try:
            database.execute("VACUUM INTO ?", (temporary,))
            os.rename(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
