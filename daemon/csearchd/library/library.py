"""The library: a database, and the data that is kept in memory for searches.

A change is made inside `write()`, a transaction: to the database and, while holding `memory_lock`,
to the data in memory. If the transaction fails, memory is read again from the database. Searches
hold `memory_lock` for a moment, read the database through their own connections, and never wait for
a transaction. Nothing reads or writes a file of the cache while holding `memory_lock`.
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
from csearchd.library import model_rows
from csearchd.library.cache_token import Cache
from csearchd.library.catalogue import Catalogue
from csearchd.library.clock import Clock
from csearchd.library.database import Reader, explain, open_database, open_reader, shrink_journal
from csearchd.library.integrity import rows
from csearchd.library.integrity.presence import Presence
from csearchd.library.metadata.labels import KEYWORDS, PEOPLE, Labels
from csearchd.library.metadata.photo_metadata import PhotoMetadata
from csearchd.library.texts.store import Texts
from csearchd.library.tree import DirectoryTree
from csearchd.library.vectors.table import VectorTable, forget_other_changes
from csearchd.library.words.index import WordIndex
from csearchd.reasons import PATH, Reason, from_system
from csearchd.reasons import library as reasons

log = logging.getLogger(__name__)

_VACUUM_PAGES = 4096  # of 16 KB at a time: it takes less than a second
_CLOSE_SECONDS = 1.0  # to wait for a transaction, and for reading connections
_PROBE_BYTES = 64 << 10  # more than the free space that a page may have
_MAX_CHANGES = 1000  # that a start has to apply to the files in the cache


class Library:
    """What the daemon knows of pictures.

    In memory, guarded by `memory_lock`: `tree` (directories), `catalogue` (files), for filters
    `photo_metadata`, `keywords` and `people`, and `counters`. `clock` is the library's own time.
    """

    tree: DirectoryTree
    catalogue: Catalogue
    counters: dict[str, int]
    photo_metadata: PhotoMetadata
    keywords: Labels
    people: Labels

    def __init__(self, path: str, cache: str | None = None, thorough: bool = False) -> None:
        """Opens the database at `path`, or creates it. Raises LibraryError.

        `cache` is the directory of files that are derived from the database; without one they are
        kept in memory. Damaged rows of a large library are looked for only if `thorough`.
        """
        self.path = path
        self.remarks: list[Reason] = []  # for the user: damage that was found and repaired
        self.last_error: Reason | None = None  # why it can't be written to the disk, at present
        self.report_failure: Callable[[str, Exception], object] = _log_failure
        self.cache = Cache(cache)
        self.words = WordIndex()
        self.texts = Texts(self)
        self._tables: dict[int, VectorTable] = {}  # by the model's row
        self._database = open_database(path, self.remarks)
        try:
            self._presence = Presence(path)
        except OSError as error:
            self._database.close()
            raise LibraryError(
                PATH(path=error.filename or path, reason=from_system(error))
            ) from error
        self._write_lock = threading.RLock()
        self._writer: int | None = None  # the thread that is in a transaction
        # What is to be done after the commit: without and, then, with `memory_lock`
        self._file_actions: list[Callable[[], None]] = []
        self._memory_actions: list[Callable[[], None]] = []
        self._memory_is_stale = False  # it differs from the database and must be read again
        self._listeners: list[Callable[[], None]] = []
        self._local = threading.local()  # holds each thread's reading connection
        self._readers: weakref.WeakSet[Reader] = weakref.WeakSet()  # all reading connections
        self._loading = threading.Lock()
        self.memory_lock = threading.RLock()
        try:
            self.unchecked = not thorough and rows.is_large(self._database)
            self.remarks += rows.repair(self._database, path, not self.unchecked)
            self._load_memory()
            self.clock = Clock(self.setting("clock"))
        except sqlite3.Error as error:
            self._database.close()
            raise explain(error, path) from error

    def _load_memory(self) -> None:
        """Reads the data in memory from the database; meanwhile searches use the previous data."""
        self._memory_is_stale = True
        tree = DirectoryTree(
            self._database.execute("SELECT id, parent, name FROM directories WHERE absent IS NULL")
        )
        catalogue = Catalogue(self._database, self.cache)
        counters = dict(self._database.execute("SELECT name, value FROM counters"))
        with self.memory_lock:
            self.tree, self.catalogue, self.counters = tree, catalogue, counters
            self.photo_metadata = PhotoMetadata()
            self.keywords, self.people = (
                Labels(kind, self.memory_lock, self.read) for kind in (KEYWORDS, PEOPLE)
            )
        self._memory_is_stale = False

    # Transactions

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction, for the `with` block; a nested one joins the outer one.

        It is rolled back if the block raises. Raises LibraryError if nothing was committed: what
        fails after the commit is reported, not raised.
        """
        with self._write_lock:
            if self._writer is not None:  # this thread, since it has the lock
                yield self._database
                return
            self.require_in_place()
            self._writer = threading.get_ident()
            try:
                try:
                    self._database.execute("BEGIN IMMEDIATE")
                    if self._memory_is_stale:
                        self._load_memory()
                    yield self._database
                    self.words.update(self._database)
                    self._database.execute("COMMIT")
                except BaseException as error:
                    self._roll_back()
                    if isinstance(error, sqlite3.Error):
                        shrink_journal(self._database, error)
                        raise explain(error, self.path) from error
                    raise
                self._run_actions()
            finally:
                self._file_actions.clear()
                self._memory_actions.clear()
                self._writer = None

    def after_commit(self, action: Callable[[], None]) -> None:
        """Inside a `write()`: calls `action`, which must not touch a file, after the commit,
        holding `memory_lock`."""
        self._memory_actions.append(action)

    def write_after_commit(self, action: Callable[[], None]) -> None:
        """Inside a `write()`: calls `action`, which may write files, after the commit.

        It comes before what `after_commit` was given, without `memory_lock`: no search waits for
        it.
        """
        self._file_actions.append(action)

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Calls `listener`, which must be quick, after every transaction, in the writing thread."""
        self._listeners.append(listener)

    def _run_actions(self) -> None:
        """Runs all actions after a commit. The failure of one is reported and stops no other."""
        for action in self._file_actions:
            self._attempt(action)
        with self.memory_lock:
            done = [self._attempt(action) for action in self._memory_actions]
        if not all(done):
            self._memory_is_stale = not self._attempt(self._load_memory)
        for listener in self._listeners:
            self._attempt(listener)

    def _attempt(self, action: Callable[[], None]) -> bool:
        """Calls `action`. Returns whether it succeeded; a failure is reported."""
        try:
            action()
        except Exception as error:
            self.report_failure("following a commit", error)
            return False
        return True

    def _roll_back(self) -> None:
        """Rolls back, and loads memory, which the transaction may have changed, again."""
        try:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            self._load_memory()
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with: it sees what is committed and, inside a `write()`, its
        changes.

        It never waits for another thread's transaction: each thread has its own connection. Raises
        LibraryError.
        """
        try:
            if self._writer == threading.get_ident():
                yield self._database
                return
            reader: Reader | None = getattr(self._local, "reader", None)
            if reader is None:
                self.require_in_place()
                reader = self._local.reader = open_reader(self.path)
                self._readers.add(reader)
            with reader.lock:
                yield reader
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    # Photo metadata, counters, settings

    def load_photo_metadata(self) -> PhotoMetadata:
        """`photo_metadata` once it is complete; the first call reads it from the database.

        Must not be called inside a `write()`. Raises LibraryError.
        """
        with self._loading:
            while not self.photo_metadata.complete:  # a failed transaction replaces it by a new one
                with self.read() as database:
                    self.photo_metadata.load(database, self.memory_lock)
            return self.photo_metadata

    def add_to_counter(self, name: str, by: int) -> None:
        """Adds `by` to the counter `name`; inside a `write()`."""
        self._database.execute("UPDATE counters SET value = value + ? WHERE name = ?", (by, name))
        self.counters[name] += by

    def setting(self, name: str) -> str | None:
        """The setting `name`; None if it isn't set. Raises LibraryError."""
        with self.read() as database:
            row = database.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set(self, name: str, value: str | None) -> None:
        """Sets the setting `name`, or deletes it if `value` is None. Raises LibraryError."""
        with self.write() as database:
            if value is None:
                database.execute("DELETE FROM settings WHERE name = ?", (name,))
            else:
                database.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    # Models and their vectors

    def model_row(
        self, fingerprint: str, name: str, dimensions: int, image_fingerprint: str = ""
    ) -> int:
        """The id of a model's row in the table `models`, inserted if it is new
        (library.model_rows). Raises LibraryError."""
        names = [one for one in (image_fingerprint, fingerprint) if one]
        with self.write() as database:
            unused = not self._tables  # the service is starting
            return model_rows.row_of(database, names, name, dimensions, merge=unused)

    def has_vectors(self, fingerprint: str) -> bool:
        """Whether there are vectors of the model with this fingerprint. Raises LibraryError."""
        with self.read() as database:
            return model_rows.has_vectors(database, fingerprint)

    def load_vectors(self, model: int, dimensions: int) -> VectorTable:
        """The table of a model's vectors, which is kept up to date until `unload_vectors`.

        `model` is the model's row. The vectors are kept as codes in the cache. Raises LibraryError.
        """
        with self.write() as database:
            (fingerprint,) = database.execute(
                "SELECT fingerprint FROM models WHERE id = ?", (model,)
            ).fetchone()
            if model not in self._tables:
                name = f"vectors-{fingerprint[:16]}"
                table = VectorTable.load(database, model, dimensions, self.cache, name)
                self._tables[model] = table
                self.write_after_commit(table.flush(database, model))
                self._note_damage(database, table)
        return self._tables[model]

    def unload_vectors(self, model: int) -> None:
        """Closes a model's table of vectors and deletes its codes from the cache. Raises
        LibraryError."""
        with self.write():
            if (table := self._tables.pop(model, None)) is not None:
                table.discard()

    def _note_damage(self, database: sqlite3.Connection, table: VectorTable) -> bool:
        """Whether damaged vectors were found in the database since the last call; adds a remark."""
        found = rows.damaged_vectors(database, list(table.damaged))
        table.damaged.clear()
        self.remarks += found
        return bool(found)

    @property
    def tables(self) -> dict[int, VectorTable]:
        """The loaded tables of vectors, by the model's row.

        Tables are added and removed only inside a `write()`, so that inside another one, and in the
        actions after its commit, this is complete.
        """
        return dict(self._tables)

    # Upkeep

    def verify_vectors(self) -> bool:
        """Finds and repairs damage to the loaded tables' codes in the cache.

        Returns whether vectors in the database were damaged too, so that pictures must be encoded
        again. Takes half a second of processor time for a million vectors. Raises LibraryError.
        """
        must_encode = False
        with self.write() as database:
            for model, table in self._tables.items():
                if reason := table.verify(database, model):
                    self.cache.report(table.place, reason)
                    must_encode |= self._note_damage(database, table)
        return must_encode

    def flush_caches(self) -> None:
        """Writes changes to the files in the cache, if they are so many that they would delay the
        next start. Raises LibraryError."""
        with self.read() as database:
            (changes,) = database.execute(
                "SELECT (SELECT count(*) FROM changed_vectors) + "
                "(SELECT count(*) FROM changed_files)"
            ).fetchone()
        stale = any(table.stale for table in self.tables.values())
        if changes >= _MAX_CHANGES or not self.catalogue.cached or stale:
            self._flush_caches()

    def _flush_caches(self) -> None:
        with self.write() as database:
            self.write_after_commit(self.catalogue.flush(database))
            for model, table in self._tables.items():
                self.write_after_commit(table.flush(database, model))
                self._note_damage(database, table)
            forget_other_changes(database, self._tables)

    def checkpoint(self) -> None:
        """Moves the write-ahead log's content into the database's file. Raises LibraryError.

        It blocks nobody: what is still read, or being written, stays in the log.
        """
        with self.read() as database:
            database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def vacuum(self) -> None:
        """Returns some free pages to the file system. Raises LibraryError."""
        with self._write_lock:
            try:
                # `execute` would free one page: it makes only the first step of the statement.
                self._database.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES});")
                self._database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            except sqlite3.Error as error:
                raise explain(error, self.path) from error

    def probe(self) -> None:
        """Raises LibraryError if the database can't be written.

        Unlike a failed `write()`, it doesn't load memory again.
        """
        with self._write_lock:
            self.require_in_place()
            try:
                self._database.execute(
                    "INSERT OR REPLACE INTO settings VALUES ('probe', ?)", ("x" * _PROBE_BYTES,)
                )
                self._database.execute("DELETE FROM settings WHERE name = 'probe'")
            except sqlite3.Error as error:
                raise explain(error, self.path) from error

    def has_damage(self) -> bool:
        """Whether rows of an `unchecked` library are damaged; takes seconds. Raises
        LibraryError."""
        with self.read() as database:
            return rows.has_damage(database)

    def is_lost(self) -> bool:
        """Whether the database's file was deleted, moved or replaced, so that changes would be
        lost.
        """
        return self._presence.is_lost()

    def require_in_place(self) -> None:
        """Raises LibraryError if the library `is_lost`."""
        if self._presence.is_lost():
            raise LibraryError(reasons.LOST(path=self.path))

    def rescue(self) -> Reason:
        """Writes the content of a library that `is_lost` to a file; the service must then restart.

        Returns what happened, for the user. Raises LibraryError or OSError.
        """
        with self._write_lock:
            try:
                return self._presence.rescue(self._database)
            except sqlite3.Error as error:
                raise explain(error, self.path) from error

    def close(self) -> None:
        """Closes the database, with everything that is committed in its own file.

        A transaction under way isn't waited for long, and rolled back when the process ends."""
        if self._write_lock.acquire(timeout=_CLOSE_SECONDS):
            with contextlib.suppress(LibraryError):  # then the next start applies the changes
                self._flush_caches()
            while self._tables:
                self._tables.popitem()[1].close()
            if self.is_lost() and not self._presence.rescued:
                self._rescue_before_close()
            self._close_readers()
            with contextlib.suppress(sqlite3.Error):
                self._database.execute(f"PRAGMA busy_timeout = {int(_CLOSE_SECONDS * 1000)}")
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._database.close()
            self._presence.close()
            self._write_lock.release()
        else:
            with contextlib.suppress(LibraryError):
                self.checkpoint()

    def _rescue_before_close(self) -> None:
        try:
            log.error("%s", self.rescue())
        except (LibraryError, OSError) as error:
            log.error("%s is lost: it was deleted, and cannot be made anew: %s", self.path, error)

    def _close_readers(self) -> None:
        """Closes the connections of all threads, since SQLite removes the log with the last one.

        One that is in use is interrupted, and left open if it isn't released in time.
        """
        deadline = time.monotonic() + _CLOSE_SECONDS
        for reader in list(self._readers):
            reader.interrupt()
            if reader.lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
                reader.close()
                self._readers.discard(reader)
                reader.lock.release()


def _log_failure(name: str, error: Exception) -> None:
    log.error("%s failed", name, exc_info=error)
