"""The library: one database and what is kept in memory of it.

Changes are made inside `write()`, to the database and, under `memory`, to what is in memory; where
a transaction fails, memory is read anew. Searches take only `memory`, never wait for a transaction,
and read the database through connections of their own. Nobody reads or writes a file of the cache
while holding `memory`.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from csearchd.errors import LibraryError
from csearchd.library.cache_token import Cache
from csearchd.library.catalogue import Catalogue
from csearchd.library.clock import Clock
from csearchd.library.database import Reader, explain, open_database, open_reader
from csearchd.library.durability import rows
from csearchd.library.durability.presence import Presence
from csearchd.library.metadata.keywords import Keywords
from csearchd.library.metadata.photo_metadata import PhotoMetadata
from csearchd.library.tree import DirectoryTree
from csearchd.library.vectors.table import VectorTable, forget_other_changes
from csearchd.reasons import PATH, Reason, from_system
from csearchd.reasons import library as reasons

log = logging.getLogger(__name__)

_PAGES = 4096  # of 16 KB: a transaction of less than a second
_CLOSE_SECONDS = 1.0
_PROBE = 64 << 10  # bytes: more than what may be left of a page
_NOTED = 1000  # changes, that a start may have to catch up with


class Library:
    """What the daemon knows. Raises LibraryError where the database can't be opened or written."""

    def __init__(self, path: str, cache: str | None = None, thorough: bool = False) -> None:
        """`cache` is a directory for files that repeat the database; None is memory. A large
        library is checked for damaged rows only if `thorough`."""
        self.path = path
        self.remarks: list[Reason] = []  # for the user: what was damaged when it was opened
        self.last_error: Reason | None = None  # why it can't be kept on the disk, while that is so
        self.cache = Cache(cache)
        self._tables: dict[int, VectorTable] = {}  # by model's row: those that are kept up to date
        self._database = open_database(path, self.remarks)
        try:
            self._presence = Presence(path)
        except OSError as error:
            self._database.close()
            raise LibraryError(PATH(path=error.filename, reason=from_system(error))) from error
        self._writing = threading.RLock()
        self._writer: int | None = None  # the thread that is in a transaction
        self._files: list[Callable[[], None]] = []  # what is done once it is committed, first,
        self._committed: list[Callable[[], None]] = []  # and then, under `memory`
        self._behind = False  # memory isn't what the database has: it must be read anew
        self._listeners: list[Callable[[], None]] = []
        self._local = threading.local()  # a reading connection for each thread
        self._readers: weakref.WeakSet[Reader] = weakref.WeakSet()  # all of those
        self._loading = threading.Lock()
        self.memory_lock = threading.RLock()
        try:
            self.unchecked = not thorough and rows.is_large(self._database)
            self.remarks += rows.mend(self._database, path, not self.unchecked)
            self._read()
            self.clock = Clock(self.setting("clock"))
        except sqlite3.Error as error:
            self._database.close()
            raise explain(error, path) from error

    def _read(self) -> None:
        """Builds what is in memory from the database; searches go on with what there was."""
        self._behind = True
        tree = DirectoryTree(
            self._database.execute("SELECT id, parent, name FROM directories WHERE absent IS NULL")
        )
        catalogue = Catalogue(self._database, self.cache)
        counters = dict(self._database.execute("SELECT name, value FROM counters"))
        with self.memory_lock:
            self.tree, self.catalogue, self.counters = tree, catalogue, counters
            self.photo_metadata, self.keywords = PhotoMetadata(), Keywords()
        self._behind = False

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction; nested ones join the outer one. Raises LibraryError.

        What it raises was not committed: nothing that comes after the commit makes it fail.
        """
        with self._writing:
            if self._writer is not None:  # this thread's own, since it has the lock
                yield self._database
                return
            self.expect_in_place()
            self._writer = threading.get_ident()
            try:
                try:
                    self._database.execute("BEGIN IMMEDIATE")
                    if self._behind:
                        self._read()
                    yield self._database
                    self._database.execute("COMMIT")
                except BaseException as error:
                    self._undo()
                    if isinstance(error, sqlite3.Error):
                        raise explain(error, self.path) from error
                    raise
                self._follow()
            finally:
                self._files.clear()
                self._committed.clear()
                self._writer = None

    def after_commit(self, action: Callable[[], None]) -> None:
        """Inside a `write()`: `action` is called, under `memory`, once it is committed. It must not
        touch a file."""
        self._committed.append(action)

    def write_after_commit(self, action: Callable[[], None]) -> None:
        """Inside a `write()`: `action`, which may write to files and take its time, is called once
        it is committed, before anything that `after_commit` was given. No search waits for it."""
        self._files.append(action)

    def on_commit(self, listener: Callable[[], None]) -> None:
        """`listener` is called after every transaction, in the thread that made it; briefly."""
        self._listeners.append(listener)

    def _follow(self) -> None:
        """Does what follows a commit, each for itself. An error is logged: the write is done."""
        for action in self._files:
            _attempt(action)
        with self.memory_lock:
            done = [_attempt(action) for action in self._committed]
        if not all(done):
            self._behind = not _attempt(self._read)
        for listener in self._listeners:
            _attempt(listener)

    def _undo(self) -> None:
        """Rolls back, and brings memory, which may be ahead, to what was committed."""
        try:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            self._read()
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """The database as the latest `write()` left it; inside one, as it is. Raises LibraryError.

        Never waits for a transaction: each thread has a reading connection of its own.
        """
        try:
            if self._writer == threading.get_ident():
                yield self._database
                return
            reader: Reader | None = getattr(self._local, "reader", None)
            if reader is None:
                self.expect_in_place()
                reader = self._local.reader = open_reader(self.path)
                self._readers.add(reader)
            with reader.lock:
                yield reader
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    def load_photo_metadata(self) -> PhotoMetadata:
        """The facts of all files, read from the database where that hasn't been done yet.

        Not inside a `write()`. Raises LibraryError.
        """
        with self._loading:
            while not self.photo_metadata.complete:  # they are begun anew where a transaction fails
                with self.read() as database:
                    self.photo_metadata.load(database, self.memory_lock)
            return self.photo_metadata

    def shrink(self) -> None:
        """Gives free pages back to the file system, a few at a time. Raises LibraryError."""
        with self._writing:
            try:
                # By `execute` one page would go: it takes the statement's first step alone.
                self._database.executescript(f"PRAGMA incremental_vacuum({_PAGES});")
                self._database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            except sqlite3.Error as error:
                raise explain(error, self.path) from error

    def count(self, name: str, by: int) -> None:
        """Adds to a counter; inside a `write()`."""
        self._database.execute("UPDATE counters SET value = value + ? WHERE name = ?", (by, name))
        self.counters[name] += by

    def setting(self, name: str) -> str | None:
        with self.read() as database:
            row = database.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set(self, name: str, value: str | None) -> None:
        with self.write() as database:
            if value is None:
                database.execute("DELETE FROM settings WHERE name = ?", (name,))
            else:
                database.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def model(self, fingerprint: str, name: str, dimensions: int) -> int:
        """The row of a model, made if it is new."""
        with self.write() as database:
            database.execute(
                "INSERT INTO models (fingerprint, name, dimensions) VALUES (?, ?, ?) "
                "ON CONFLICT (fingerprint) DO UPDATE SET name = excluded.name",
                (fingerprint, name, dimensions),
            )
            row = database.execute(
                "SELECT id FROM models WHERE fingerprint = ?", (fingerprint,)
            ).fetchone()
        return int(row[0])

    def vectors(self, model: int, dimensions: int) -> VectorTable:
        """A model's vectors, kept as codes in the cache. Raises LibraryError."""
        with self.write() as database:
            (fingerprint,) = database.execute(
                "SELECT fingerprint FROM models WHERE id = ?", (model,)
            ).fetchone()
            if model not in self._tables:
                name = f"vectors-{fingerprint[:16]}"
                table = VectorTable.load(database, model, dimensions, self.cache, name)
                self._tables[model] = table
                self.write_after_commit(table.flush(database, model))
                self._tell_damage(database, table)
        return self._tables[model]

    def _tell_damage(self, database: sqlite3.Connection, table: VectorTable) -> bool:
        """Whether vectors in the database were damaged since this was asked last."""
        found = rows.damaged_vectors(database, list(table.damaged))
        table.damaged.clear()
        self.remarks += found
        return bool(found)

    @property
    def tables(self) -> dict[int, VectorTable]:
        """The tables of vectors that are kept up to date, by model; inside a `write()`, and in
        what is called after its commit, they are all there are."""
        return dict(self._tables)

    def verify(self) -> bool:
        """Finds out whether vectors in the cache were damaged since they were loaded, and repairs
        them: half a second of processor time for a million. Raises LibraryError.

        Returns whether pictures must be encoded again, since the database's vectors were damaged.
        """
        lacking = False
        with self.write() as database:
            for model, table in self._tables.items():
                if reason := table.verify(database, model):
                    self.cache.report(table.place, reason)
                    lacking |= self._tell_damage(database, table)
        return lacking

    def release(self, model: int) -> None:
        """A model's vectors are searched no more: their codes go."""
        with self.write():
            if (table := self._tables.pop(model, None)) is not None:
                table.discard()

    def flush_caches(self) -> None:
        """Clears the notes of changes, once the files in the cache have what changed.

        Does nothing while there are few and the next start is quick. Raises LibraryError.
        """
        with self.read() as database:
            (noted,) = database.execute(
                "SELECT (SELECT count(*) FROM changed_vectors) + "
                "(SELECT count(*) FROM changed_files)"
            ).fetchone()
        behind = any(table.behind for table in self.tables.values())
        if noted >= _NOTED or not self.catalogue.copied or behind:
            self._flush_caches()

    def _flush_caches(self) -> None:
        with self.write() as database:
            self.write_after_commit(self.catalogue.flush(database))
            for model, table in self._tables.items():
                self.write_after_commit(table.flush(database, model))
                self._tell_damage(database, table)
            forget_other_changes(database, self._tables)

    def checkpoint(self) -> None:
        """Moves what is in the log into the database's own file, on the disk. Raises LibraryError.

        What somebody still reads, or writes meanwhile, stays in the log; nobody waits for this.
        """
        with self.read() as database:
            database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def probe(self) -> None:
        """Tries whether the database can be written. Raises LibraryError.

        Unlike a `write()` that fails it costs nothing of what is in memory.
        """
        with self._writing:
            self.expect_in_place()
            try:
                self._database.execute(
                    "INSERT OR REPLACE INTO settings VALUES ('probe', ?)", ("x" * _PROBE,)
                )
                self._database.execute("DELETE FROM settings WHERE name = 'probe'")
            except sqlite3.Error as error:
                raise explain(error, self.path) from error

    def has_damage(self) -> bool:
        """Whether rows of an `unchecked` library are damaged; takes long. Raises LibraryError."""
        with self.read() as database:
            return rows.has_damage(database)

    def is_lost(self) -> bool:
        """Whether the database's file isn't at its path any more, so that nothing new is kept."""
        return self._presence.is_lost()

    def expect_in_place(self) -> None:
        """Raises LibraryError where the library `is_lost`: nothing that is written would last."""
        if self._presence.is_lost():
            raise LibraryError(reasons.LOST(path=self.path))

    def rescue(self) -> Reason:
        """Puts all of a library that is lost into a file again, for a service that then restarts.

        Returns what happened, for the user. Raises LibraryError, OSError.
        """
        with self._writing:
            try:
                return self._presence.rescue(self._database)
            except sqlite3.Error as error:
                raise explain(error, self.path) from error

    def close(self) -> None:
        """Closes the database; all that is committed is in its own file then.

        A transaction under way is rolled back, when the process ends, since nobody who ends the
        daemon wants to wait for it.
        """
        if self._writing.acquire(timeout=_CLOSE_SECONDS):
            with contextlib.suppress(LibraryError):  # the next start catches up instead
                self._flush_caches()
            while self._tables:
                self._tables.popitem()[1].close()
            if self.is_lost() and not self._presence.rescued:
                self._rescue_at_last()
            self._close_readers()
            with contextlib.suppress(sqlite3.Error):
                self._database.execute(f"PRAGMA busy_timeout = {int(_CLOSE_SECONDS * 1000)}")
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._database.close()
            self._presence.close()
            self._writing.release()
        else:
            with contextlib.suppress(LibraryError):
                self.checkpoint()

    def _rescue_at_last(self) -> None:
        try:
            log.error("%s", self.rescue())
        except (LibraryError, OSError) as error:
            log.error("%s is lost: it was deleted, and cannot be made anew: %s", self.path, error)

    def _close_readers(self) -> None:
        """Closes the connections of threads that wait for work: only the last connection that is
        closed takes the log away. One in use is told to end, and left if it doesn't."""
        deadline = time.monotonic() + _CLOSE_SECONDS
        for reader in list(self._readers):
            reader.interrupt()
            if reader.lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
                reader.close()
                self._readers.discard(reader)
                reader.lock.release()


def _attempt(action: Callable[[], None]) -> bool:
    """Calls `action`; where that fails, logs it and returns False."""
    try:
        action()
    except Exception:
        log.exception("what follows a commit failed")
        return False
    return True
