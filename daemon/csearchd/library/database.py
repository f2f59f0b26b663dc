"""Opens the database file and migrates it, or says why it can't be used and what to do."""

from __future__ import annotations

import contextlib
import os
import shlex
import sqlite3
import threading
from functools import partial
from typing import Any
from urllib.parse import quote

from csearchd.errors import LibraryError
from csearchd.library.integrity import journal
from csearchd.library.schema import APPLICATION_ID, MIGRATIONS, VERSION
from csearchd.reasons import PATH, Reason, from_system
from csearchd.reasons import library as reasons
from csearchd.system.filesystem import network_filesystem


class Reader(sqlite3.Connection):
    """A read-only connection; its user must hold `lock`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lock = threading.RLock()


_SMALL_BYTES = 64 << 20  # of a database that is checked as a whole

# An invalid byte in a text is read as U+FFFD, so that it doesn't make all rows unreadable.
_as_text = partial(str, encoding="utf-8", errors="replace")


def open_database(path: str, remarks: list[Reason] | None = None) -> sqlite3.Connection:
    """Opens the database at `path`, which is created or migrated if necessary.

    The connection is in autocommit mode, and several threads may use it, one at a time. A remark on
    a damaged log is added to `remarks`. Raises LibraryError; it never changes a file that it can't
    use.
    """
    directory = os.path.dirname(path)
    if kind := network_filesystem(directory):
        raise LibraryError(reasons.NETWORK_FILE_SYSTEM(path=directory, kind=kind))
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        _require_file(path)
        committed = journal.committed_frames(path)
        database = _connect(path)
    except OSError as error:
        where = error.filename or directory
        raise LibraryError(PATH(path=where, reason=from_system(error))) from error
    except sqlite3.Error as error:
        raise explain(error, path) from error
    try:
        if not journal.is_whole(database, committed) and remarks is not None:
            remarks.append(reasons.LOG_DAMAGED(path=path))
        _migrate(database, path)
    except sqlite3.Error as error:
        database.close()
        raise explain(error, path) from error
    except LibraryError:
        database.close()
        raise
    return database


def open_reader(path: str) -> Reader:
    """Opens a read-only connection to a database that `open_database` has opened. Raises
    sqlite3.Error."""
    # mode=rw: SQLite must not create a file if the database has just been deleted.
    where = f"file:{quote(os.fsencode(path))}?mode=rw"
    reader: Reader = sqlite3.connect(
        where, uri=True, isolation_level=None, check_same_thread=False, factory=Reader
    )
    reader.text_factory = _as_text
    reader.execute("PRAGMA query_only = ON")
    return reader


def wrong_with(path: str) -> str | None:
    """Why the database at `path` can't be used, and what to do; None if it can, or isn't there.

    Nothing is changed, and a service may have it open. Damage is found in all of a small database,
    else where it is most likely: at the beginning.
    """
    if not os.path.lexists(path):
        return None
    try:
        _require_file(path)
        if not os.path.getsize(path):
            return None
        where = f"file:{quote(os.fsencode(path))}?mode=ro"
        with contextlib.closing(sqlite3.connect(where, uri=True)) as database:
            database.text_factory = _as_text
            _require_ours(database, path)
            tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
            for (table,) in database.execute(tables).fetchall():
                database.execute(f'SELECT * FROM "{table}" LIMIT 1').fetchall()
            if os.path.getsize(path) <= _SMALL_BYTES:
                (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok":
                    return str(damaged_message(path, found))
    except LibraryError as error:
        return str(error)
    except sqlite3.Error as error:
        return str(explain(error, path))
    return None


def _require_file(path: str) -> None:
    """Raises LibraryError if what is at `path` can't be opened as a file."""
    if not os.path.lexists(path):
        return
    if not os.path.isfile(path):
        away = shlex.join(["mv", path, f"{path}.old"])
        raise LibraryError(reasons.LIBRARY_NOT_A_FILE(path=path, command=away))
    if not os.access(path, os.R_OK | os.W_OK):
        yours = f"sudo chown {os.getuid()} {shlex.quote(path)}* && chmod u+rw {shlex.quote(path)}*"
        raise LibraryError(reasons.DENIED(path=path, command=yours))


def _require_ours(database: sqlite3.Connection, path: str) -> int:
    """The version of a database of csearch. Raises LibraryError, sqlite3.Error."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application != APPLICATION_ID:
        raise LibraryError(reasons.FOREIGN(path=path))
    if version > VERSION:
        raise LibraryError(reasons.NEWER(path=path, version=version, known=VERSION))
    return int(version)


def explain(error: sqlite3.Error, path: str) -> LibraryError:
    """The LibraryError for an error of SQLite: what is wrong with the database at `path`, and what
    the user can do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return LibraryError(damaged_message(path, str(error)))
    if code == sqlite3.SQLITE_FULL:
        return LibraryError(reasons.DISK_FULL(path=path))
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return LibraryError(reasons.NOT_WRITABLE(path=path, details=str(error)))
    return LibraryError(reasons.FAILED(path=path, details=str(error)))


def shrink_journal(database: sqlite3.Connection, error: sqlite3.Error) -> None:
    """Empties the write-ahead log into the database if `error` is that the disk is full.

    The log may be most of what csearch has on a small disk, and grows until it is moved.
    """
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        with contextlib.suppress(sqlite3.Error):  # there may be no room for this, either
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def damaged_message(path: str, what: str) -> Reason:
    """What the user can do about a damaged database, and what that costs."""
    away = shlex.quote(os.path.join(os.path.dirname(path), "damaged"))
    command = f"mkdir {away} && mv {shlex.quote(path)}* {away}"
    return reasons.DAMAGED(path=path, details=what, command=command)


def _connect(path: str) -> sqlite3.Connection:
    fresh = not os.path.exists(path) or os.path.getsize(path) == 0
    if fresh:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    database.text_factory = _as_text
    if fresh:  # these can be set only while it has no page
        database.execute("PRAGMA page_size = 16384")
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
    return database


def _migrate(database: sqlite3.Connection, path: str) -> None:
    version = _require_ours(database, path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA foreign_keys = ON")
    for number in range(version, VERSION):
        database.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[number]}; PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {number + 1}; COMMIT;"
        )
    # A file or disk that is read-only must be noticed now, not at the first picture.
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT OR REPLACE INTO settings VALUES ('opened', datetime())")
    database.execute("COMMIT")
