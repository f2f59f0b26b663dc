"""csearchctl backup: copies the library into a file. The service may be running."""

from __future__ import annotations

import argparse
import contextlib
import os
import sqlite3
from urllib.parse import quote

from csearch.command import print_out
from csearch.directories import data_directory
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import printable
from csearch.protocol.system_errors import in_words
from csearch.show.numbers import size

EXAMPLES = """
csearchctl backup ~/library-2026-01-31.backup

To restore it:
csearchctl stop
rm -f ~/.local/share/csearch/library.sqlite*
cp ~/library-2026-01-31.backup ~/.local/share/csearch/library.sqlite
csearchctl start
"""

_APPLICATION_ID = 0x43534831  # csearchd.library.schema
_PAGES = 1024  # copied at a time; Ctrl-C takes effect between two parts
_SUFFIXES = ("", "-wal", "-shm", "-journal")  # of SQLite's files of a database
_BUSY_SECONDS = 10.0


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.description = (
        f"{options.description} The library holds the watched directories, what was read from all "
        "pictures, the words that were taught, and the record of written tags. The models and the "
        "configuration are not in it; models can be installed again. The copy has the state of the "
        "moment in which it begins. The service keeps running."
    )
    options.add_argument("file", metavar="FILE", help="a new file, readable by you alone")


def run(options: argparse.Namespace) -> int:
    library = os.path.join(data_directory(), "library.sqlite")
    target = os.path.abspath(options.file)
    _check(library, target)
    directory, name = os.path.split(target)
    temporary = os.path.join(directory, f".{name}.{os.getpid()}.new")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise ClientError(f"{printable(target)}: cannot be written: {in_words(error)}") from error
    try:
        _copy(library, temporary, target)
        _sync(temporary)
        if os.path.lexists(target):  # another program was faster
            raise _exists(target)
        os.rename(temporary, target)
        _sync(directory)
    except OSError as error:
        raise ClientError(f"{printable(target)}: cannot be written: {in_words(error)}") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    print_out(f"{printable(target)}: {size(os.path.getsize(target))}, the library as it is now.")
    return 0


def _check(library: str, target: str) -> None:
    """Raises ClientError if there is no library, or `target` exists or belongs to it."""
    if not os.path.exists(library):
        raise ClientError(
            f"there is no library at {printable(library)}, so there is nothing to copy"
        )
    if os.path.realpath(target) in [os.path.realpath(library) + end for end in _SUFFIXES]:
        raise ClientError(f"{printable(target)} is the library itself, or a part of it")
    if os.path.isdir(target):
        raise ClientError(f"{printable(target)} is a directory; name a new file in it")
    if os.path.lexists(target):
        raise _exists(target)


def _exists(target: str) -> ClientError:
    return ClientError(
        f"{printable(target)} exists already, and stays as it is; choose another name"
    )


def _copy(library: str, temporary: str, target: str) -> None:
    """Copies the library as it is at one moment. Raises ClientError."""
    with contextlib.ExitStack() as stack:
        try:
            source = stack.enter_context(contextlib.closing(_open(library)))
            source.execute("BEGIN")
            (application,) = source.execute("PRAGMA application_id").fetchone()
            # The read begins a transaction: what is written later is not in the copy.
            (tables,) = source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if application != _APPLICATION_ID or not tables:
                raise ClientError(f"{printable(library)} is empty, or is not a library of csearch")
        except sqlite3.Error as error:
            raise ClientError(
                f"{printable(library)} cannot be read ({error}); csearchctl doctor tells what to do"
            ) from error
        try:
            copy = stack.enter_context(contextlib.closing(sqlite3.connect(temporary)))
            copy.isolation_level = None
            copy.execute("PRAGMA journal_mode = OFF")  # an incomplete copy is deleted
            copy.execute("PRAGMA synchronous = OFF")  # it is synced once, at the end
            source.backup(copy, pages=_PAGES, progress=lambda *_: None, sleep=0.0)
            wrong = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
            copy.execute("PRAGMA journal_mode = DELETE")
            # By the time it is restored the cache will differ, and has to be made again.
            copy.execute("DELETE FROM derived")
        except sqlite3.Error as error:
            raise ClientError(_reason(error, library, target)) from error
    if wrong != "ok":
        raise ClientError(
            f"{printable(library)} is damaged ({wrong}); no copy was made; "
            "csearchctl doctor tells what to do"
        )


def _open(path: str) -> sqlite3.Connection:
    # Read and write, or the log that a killed service has left can't be read.
    where = f"file:{quote(os.fsencode(path))}?mode=rw"
    return sqlite3.connect(where, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)


def _reason(error: sqlite3.Error, library: str, target: str) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return f"{printable(target)}: its disk is full; make room there, or choose another disk"
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"{printable(library)} is damaged ({error}); no copy was made"
    return f"{printable(library)} cannot be copied to {printable(target)}: {error}"


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
