"""Notices that the database's file was deleted, moved or replaced while it is open, and saves its
content.

A deleted file exists until it is closed: SQLite writes to it without an error, and everything would
be lost when the service ends.
"""

from __future__ import annotations

import os
import sqlite3
import time

from csearchd.reasons import Reason
from csearchd.reasons import library as reasons

_SUFFIXES = ("", "-wal", "-shm")  # of the database, its log, and the log's index


class Presence:
    """The files of an open database: whether they are still at their paths."""

    def __init__(self, path: str) -> None:
        """`path`: of a database that SQLite has opened. Raises OSError."""
        self._path = path
        self._files: dict[str, int] = {}
        for name in (path + suffix for suffix in _SUFFIXES):
            # O_PATH: closing any other descriptor would release SQLite's locks (fcntl(2)).
            self._files[name] = os.open(name, os.O_PATH | os.O_CLOEXEC)
        self.rescued = False  # `rescue` has succeeded

    def close(self) -> None:
        """Closes the descriptors; may be called more than once."""
        while self._files:
            os.close(self._files.popitem()[1])

    def is_lost(self) -> bool:
        """Whether one of the files is not at its path any more, or another file is there. Cheap."""
        return not all(map(self._is_in_place, self._files))

    def _is_in_place(self, path: str) -> bool:
        ours = os.fstat(self._files[path])
        try:
            found = os.stat(path)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)

    def rescue(self, database: sqlite3.Connection) -> Reason:
        """Saves the content of `database`, whose file is lost.

        It goes to a new file at its path if nothing is there; else to a file beside that path,
        unless its own file was only moved. Returns what happened, for the user. Raises
        sqlite3.Error or OSError.
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
