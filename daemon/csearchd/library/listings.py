"""Compares listings of directories with the library, and updates the library."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from csearchd.library.catalogue import DUE, FAILED
from csearchd.library.library import Library
from csearchd.library.tree import TOP

MOVED = 0  # in place of a ctime_ns: a move has changed it, and the next listing has the new one
MARKED = b"marked"  # the digest of a listing that is empty since the directory is excluded


class FileStat(NamedTuple):
    """A picture in a listing: its name and lstat(2), and a digest of its sidecars' lstat(2).

    In the digest of a raw file are those of JPEGs of the same name, too.
    """

    name: bytes
    size: int  # bytes
    mtime_ns: int
    ctime_ns: int  # 0 on network and cloud file systems
    inode: int  # 0 on file systems where inode numbers aren't stable
    sidecars: int = 0  # 0 without sidecars


class Listing(NamedTuple):
    """The pictures and subdirectories of a directory, as they are on the disk."""

    path: bytes
    files: Sequence[FileStat]
    directories: Sequence[bytes]  # names
    digest: bytes  # of `files` and `directories`
    failure: str | None = None  # why it can't be listed; then all others are empty
    marked: bool = False  # a file in it, such as .nosearch, excludes it: it is listed as empty
    contents: Sequence[bytes] = ()  # paths of what git-annex keeps of the files, there or not
    has_ignore_file: bool = False  # .csearchignore
    kept: Collection[bytes] = ()  # names of what isn't entered but leads to what a client asked for


def apply(library: Library, listing: Listing) -> bool:
    """Updates the library from `listing`, in one transaction.

    Roots below the directory are kept even if the listing doesn't have them, since they are scanned
    on their own. Returns whether anything had changed. Raises LibraryError.
    """
    with library.write() as database:
        directory = directory_row(library, database, listing.path)
        known, failure = database.execute(
            "SELECT listing, failure FROM directories WHERE id = ?", (directory,)
        ).fetchone()
        if listing.failure:
            if failure != listing.failure:
                database.execute(
                    "UPDATE directories SET failure = ?, listing = NULL WHERE id = ?",
                    (listing.failure, directory),
                )
            return False
        here = {*listing.directories, *listing.kept}
        # Even where nothing has changed since the last listing: a scan of a directory may have
        # begun before the directory was excluded.
        gone = [c for name, c in library.tree.children(directory).items() if name not in here]
        removed = [remove_tree(library, database, child, keep_roots=True) for child in gone]
        if known == listing.digest:
            return any(removed)
        _compare_files(library, database, directory, listing.files)
        database.execute(
            "UPDATE directories SET listing = ?, failure = NULL WHERE id = ?",
            (listing.digest, directory),
        )
    return True


def mark_scanned(library: Library, path: bytes) -> None:
    """Records that everything below `path` was listed now. Raises LibraryError."""
    with library.write() as database:
        directory = directory_row(library, database, path)
        now = int(time.time())
        database.execute("UPDATE directories SET covered = ? WHERE id = ?", (now, directory))


def was_scanned(library: Library, path: bytes) -> bool:
    """Whether the directory was listed as more than empty for being excluded, and it or one above
    it was once scanned completely. Raises LibraryError."""
    with library.memory_lock:
        directory = library.tree.find(path)
        if directory is None:
            return False
        above = list(library.tree.ancestors(directory))
    marks = ",".join("?" * len(above))
    with library.read() as database:
        # There is no row yet if the transaction that adds it to memory isn't committed.
        listed = database.execute(
            "SELECT 1 FROM directories WHERE id = ? "
            "AND (listing IS NOT NULL AND listing != ? OR failure IS NOT NULL)",
            (directory, MARKED),
        ).fetchone()
        covered = database.execute(
            f"SELECT 1 FROM directories WHERE id IN ({marks}) AND covered IS NOT NULL", above
        ).fetchone()
    return bool(listed and covered)


def remove(library: Library, path: bytes, keep_roots: bool = False) -> int:
    """Removes the file at `path`, or the directory with all below it. Raises LibraryError.

    Roots remain roots, but lose their files, unless `keep_roots`. Returns the number of removed
    files.
    """
    with library.write() as database:
        directory = library.tree.find(path)
        if directory is not None:
            return remove_tree(library, database, directory, keep_roots)
        parent, _, name = path.rpartition(b"/")
        directory = library.tree.find(parent or b"/")
        row = database.execute(
            "SELECT id, content FROM files WHERE directory = ? AND name = ?", (directory, name)
        ).fetchone()
        if row is None:
            return 0
        remove_files(library, database, [row])
        # So that the next listing is compared again.
        database.execute("UPDATE directories SET listing = NULL WHERE id = ?", (directory,))
    return 1


def directory_row(library: Library, database: sqlite3.Connection, path: bytes) -> int:
    """The id of the directory at `path`, inserted with its parents if necessary; inside a
    `write()`.
    """
    identifier = TOP
    for name in path.split(b"/"):
        if not name:
            continue
        child = library.tree.child(identifier, name)
        if child is None:
            cursor = database.execute(
                "INSERT INTO directories (parent, name) VALUES (?, ?)", (identifier, name)
            )
            child = int(cursor.lastrowid or 0)
            with library.memory_lock:
                library.tree.add(child, identifier, name)
        identifier = child
    return identifier


def _compare_files(
    library: Library, database: sqlite3.Connection, directory: int, files: Sequence[FileStat]
) -> None:
    rows = database.execute(
        "SELECT name, size, mtime_ns, ctime_ns, inode, sidecars, id, content, failure FROM files "
        "WHERE directory = ?",
        (directory,),
    )
    known = {row[0]: row for row in rows}
    changed: list[tuple[int, int | None]] = []
    for file in files:
        row = known.pop(file.name, None)
        if row is not None and not file.inode:
            row = (*row[:4], 0, *row[5:])  # the encoder stored the number that it had then
        if row is not None and not file.ctime_ns and row[3]:
            row = (*row[:3], 0, *row[4:])  # an older version stored it
            database.execute("UPDATE files SET ctime_ns = 0, inode = 0 WHERE id = ?", (row[6],))
        if row is None:
            cursor = database.execute(
                "INSERT INTO files (directory, name, size, mtime_ns, ctime_ns, inode, sidecars, "
                "due) VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
                (directory, *file),
            )
            changed.append((int(cursor.lastrowid or 0), None))
        elif row[3] == MOVED and file._replace(ctime_ns=MOVED) == row[:6] and row[8] is None:
            database.execute("UPDATE files SET ctime_ns = ? WHERE id = ?", (file.ctime_ns, row[6]))
        elif row[:6] != file:  # or it couldn't be read, and its mode may have changed, too
            database.execute(
                "UPDATE files SET size = ?, mtime_ns = ?, ctime_ns = ?, inode = ?, sidecars = ?, "
                "due = 1, failure = NULL, paired = 0 WHERE id = ?",
                (*file[1:], row[6]),
            )
            changed.append((row[6], row[7]))
    remove_files(library, database, [(row[6], row[7]) for row in known.values()])
    with library.memory_lock:
        for identifier, content in changed:
            library.catalogue.put(identifier, directory, content, DUE)


def remove_tree(
    library: Library, database: sqlite3.Connection, directory: int, keep_roots: bool
) -> int:
    """Removes a directory and all below it, with their files; inside a `write()`.

    The rows of roots, of those above them, and of "/" are kept; with `keep_roots` so are the roots'
    files. Returns the number of removed files.
    """
    tree = library.tree
    below = tree.below(directory)
    roots = roots_among(database, below)
    kept = {TOP, *(above for root in roots for above in tree.ancestors(root))}
    kept_below = {inner for root in roots for inner in tree.below(root)} if keep_roots else set()
    count = 0
    for current in reversed(below):
        if current in kept_below:
            continue
        rows = database.execute(
            "SELECT id, content FROM files WHERE directory = ?", (current,)
        ).fetchall()
        remove_files(library, database, rows)
        count += len(rows)
        if current in kept:
            database.execute(
                "UPDATE directories SET listing = NULL, covered = NULL, failure = NULL "
                "WHERE id = ?",
                (current,),
            )
            continue
        database.execute("DELETE FROM directories WHERE id = ?", (current,))
        with library.memory_lock:
            tree.remove(current)
    return count


def roots_among(database: sqlite3.Connection, directories: Iterable[int]) -> set[int]:
    """The ids among `directories` that are roots."""
    roots = {row[0] for row in database.execute("SELECT directory FROM roots")}
    return roots.intersection(directories)


def remove_files(
    library: Library, database: sqlite3.Connection, rows: Iterable[tuple[int, int | None]]
) -> None:
    """Removes files, given as (id, content's id or None); inside a `write()`."""
    rows = list(rows)
    delete_files(library, database, [row[0] for row in rows])
    mark_orphans(library, database, {row[1] for row in rows if row[1]})


def delete_files(library: Library, database: sqlite3.Connection, files: Sequence[int]) -> None:
    """Deletes the rows of files, whatever becomes of their contents; inside a `write()`."""
    database.execute(
        "DELETE FROM files WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(files),)
    )
    with library.memory_lock:
        library.catalogue.remove(files)
        library.photo_metadata.remove(files)
    library.after_commit(library.keywords.forget)
    library.after_commit(library.people.forget)


def mark_orphans(library: Library, database: sqlite3.Connection, contents: Iterable[int]) -> None:
    """Records the time for those of `contents` that have no file any more; inside a `write()`."""
    database.executemany(
        "UPDATE contents SET orphaned = ? WHERE id = ? AND orphaned IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM files WHERE content = contents.id)",
        [(library.clock.now(), content) for content in contents],
    )


def invalidate(database: sqlite3.Connection, *directories: int) -> None:
    """Lets the next listings of `directories` be compared, since the library has changed."""
    database.executemany(
        "UPDATE directories SET listing = x'' WHERE id = ? AND listing IS NOT NULL",
        [(directory,) for directory in directories],
    )


def let_be_read(database: sqlite3.Connection, *files: int) -> None:
    """Lets the next listing find that files have changed: no digest of sidecars is below 0."""
    database.executemany("UPDATE files SET sidecars = -1 WHERE id = ?", [(file,) for file in files])


def mark_failed(library: Library, file: int, reason: str) -> None:
    """Records that a file can't be read, and why; it is read again when it changes or on a retry.

    It keeps its content if it wasn't due. Raises LibraryError.
    """
    with library.write() as database:
        row = database.execute(
            "UPDATE files SET content = CASE WHEN due THEN NULL ELSE content END, due = 0, "
            "failure = ? WHERE id = ? RETURNING directory, content",
            (reason, file),
        ).fetchone()
        if row is None or row[0] not in library.tree:
            return
        directory, content = row
        library.after_commit(lambda: library.catalogue.put(file, directory, content, FAILED))


def retry_failed(library: Library) -> int:
    """Makes all files that failed due again. Returns their number. Raises LibraryError."""
    with library.write() as database:
        rows = database.execute(
            "SELECT f.id, f.directory, f.content FROM files f "
            "LEFT JOIN contents c ON c.id = f.content "
            "WHERE NOT f.due AND (f.failure IS NOT NULL OR c.failure IS NOT NULL)"
        ).fetchall()
        rows = [row for row in rows if row[1] in library.tree]  # not on unmounted disks
        database.executemany(
            "UPDATE files SET due = 1, failure = NULL WHERE id = ?", [(row[0],) for row in rows]
        )
        database.execute("UPDATE contents SET failure = NULL WHERE failure IS NOT NULL")
        with library.memory_lock:
            for identifier, directory, content in rows:
                library.catalogue.put(identifier, directory, content, DUE)
    return len(rows)


def failures(library: Library) -> list[tuple[bytes, str]]:
    """The paths of what can't be read or decoded, with the reason: files, then directories. Raises
    LibraryError."""
    with library.read() as database:
        files = database.execute(
            "SELECT f.directory, f.name, coalesce(f.failure, c.failure) FROM files f "
            "LEFT JOIN contents c ON c.id = f.content "
            "WHERE NOT f.due AND (f.failure IS NOT NULL OR c.failure IS NOT NULL)"
        ).fetchall()
        directories = database.execute(
            "SELECT id, failure FROM directories WHERE failure IS NOT NULL"
        ).fetchall()
        with library.memory_lock:
            tree = library.tree  # an uncommitted transaction may have removed directories from it
            found = [
                (tree.path(row[0]).rstrip(b"/") + b"/" + row[1], row[2])
                for row in files
                if row[0] in tree
            ]
            return sorted(found) + sorted(
                (tree.path(row[0]), row[1]) for row in directories if row[0] in tree
            )


def directories_with_inodes(library: Library, inodes: Iterable[int]) -> list[bytes]:
    """The paths of directories with files that have one of `inodes`: they may be hard links. Raises
    LibraryError."""
    numbers = list(inodes)
    with library.read() as database:
        rows = database.execute(
            f"SELECT DISTINCT directory FROM files WHERE inode IN ({','.join('?' * len(numbers))})",
            numbers,
        ).fetchall()
        with library.memory_lock:
            return [library.tree.path(row[0]) for row in rows if row[0] in library.tree]


def directory_failure(library: Library, path: bytes) -> str | None:
    """Why the directory at `path` can't be listed; None if it can. Raises LibraryError."""
    with library.read() as database:
        row = database.execute(
            "SELECT failure FROM directories WHERE id = ?", (library.tree.find(path),)
        ).fetchone()
    return row[0] if row else None


def file_at(library: Library, path: bytes) -> int | None:
    """The id of the file at `path`; None if it is unknown. Raises LibraryError."""
    directory, _, name = path.rpartition(b"/")
    with library.memory_lock:
        parent = library.tree.find(directory)
    with library.read() as database:
        row = database.execute(
            "SELECT id FROM files WHERE directory = ? AND name = ?", (parent, name)
        ).fetchone()
    return row[0] if row else None
