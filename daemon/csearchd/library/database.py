"""The database file: opened with care, migrated, or refused with what to do."""

from __future__ import annotations

import os
import sqlite3

from csearchd.library.filesystem import network_filesystem
from csearchd.library.schema import APPLICATION_ID, MIGRATIONS, VERSION


class LibraryError(Exception):
    """The library can't be used; the text says what happened, to which file, and what to do."""


def open_database(path: str) -> sqlite3.Connection:
    """The database at `path`, created or migrated where needed.

    The connection begins no transactions by itself and may be used by several threads, one at a
    time. Raises LibraryError; a file that can't be used is left as it is.
    """
    directory = os.path.dirname(path)
    if kind := network_filesystem(directory):
        raise LibraryError(
            f"{directory} is on a network file system ({kind}), where a database can be damaged; "
            "set XDG_DATA_HOME to a directory on a local disk"
        )
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        database = _connect(path)
    except OSError as error:
        raise LibraryError(f"{error.filename or directory}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise explain(error, path) from error
    try:
        _migrate(database, path)
    except sqlite3.Error as error:
        database.close()
        raise explain(error, path) from error
    except LibraryError:
        database.close()
        raise
    return database


def open_reader(path: str) -> sqlite3.Connection:
    """A second connection that can only read, for use beside the first (write-ahead log)."""
    reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    reader.execute("PRAGMA query_only = ON")
    return reader


def explain(error: sqlite3.Error, path: str) -> LibraryError:
    """`error` in words for the user: what is wrong with the database at `path`, what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return LibraryError(
            f"{path} is damaged ({error}); restore it from a backup, or move it away "
            f"(mv '{path}' '{path}.damaged') and start again: your pictures are untouched and "
            "will be read anew"
        )
    if code == sqlite3.SQLITE_FULL:
        return LibraryError(f"the disk with {path} is full; free some space on it")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return LibraryError(
            f"{path} cannot be written ({error}); check the permissions of the file and of its "
            "directory, and whether the disk is mounted read-only"
        )
    return LibraryError(f"{path}: {error}")


def _connect(path: str) -> sqlite3.Connection:
    fresh = not os.path.exists(path) or os.path.getsize(path) == 0
    if fresh:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    if fresh:  # both can be set only while there is no page
        database.execute("PRAGMA page_size = 16384")
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
    return database


def _migrate(database: sqlite3.Connection, path: str) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application != APPLICATION_ID:
        raise LibraryError(f"{path} is a database of another program; move it away")
    if version > VERSION:
        raise LibraryError(
            f"{path} was written by a newer csearch (its format is {version}, this one knows "
            f"{VERSION}); install that version again, or set XDG_DATA_HOME to another directory"
        )
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA foreign_keys = ON")
    for number in range(version, VERSION):
        database.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[number]}; PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {number + 1}; COMMIT;"
        )
    # A read-only file or disk must be noticed now, not at the first picture.
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT OR REPLACE INTO settings VALUES ('opened', datetime())")
    database.execute("COMMIT")
