"""Applies renames and moves that csearchd.watch.events observed: each updates one row.

No picture is read. Where a move was not observed, a scan finds a new file, and its identity
(csearchd.formats.identity) tells that its content is known and needn't be encoded again.
"""

from __future__ import annotations

import os
import sqlite3

from csearchd.library.library import Library
from csearchd.library.listings import (
    MOVED,
    directory_row,
    invalidate,
    let_be_read,
    remove_files,
    remove_tree,
    roots_among,
)
from csearchd.library.roots import is_below
from csearchd.library.saved.store import carry_paths
from csearchd.library.tree import TOP


def move_directory(library: Library, old: bytes, new: bytes) -> bool:
    """Moves the directory at `old`, with all below it, to `new`, and replaces what is there.

    Returns False, and changes nothing, if `old` is unknown, `new` is inside it, or a root is at or
    below one of them, since a root is bound to its path. Raises LibraryError.
    """
    with library.write() as database:
        tree = library.tree
        directory, target = tree.find(old), tree.find(new)
        if directory is None or directory == TOP or target == directory:
            return False
        below = tree.below(directory)
        replaced = tree.below(target) if target else []
        above = set(tree.ancestors(directory))
        if target in above or roots_among(database, [*below, *replaced]):
            return False
        parent = tree.find(os.path.dirname(new))
        if parent in below:
            return False
        if target:
            remove_tree(library, database, target, keep_roots=False)
        _move_tag_folders(database, old, new)
        carry_paths(database, old, new)
        carry_ledger(library, old, new)
        parent = directory_row(library, database, os.path.dirname(new))
        database.execute(
            "UPDATE directories SET parent = ?, name = ? WHERE id = ?",
            (parent, os.path.basename(new), directory),
        )
        invalidate(database, tree.parent(directory), parent)
        with library.memory_lock:
            tree.move(directory, parent, os.path.basename(new))
    return True


def move_file(library: Library, old: bytes, new: bytes, read_again: bool = False) -> bool:
    """Moves the file at `old` to `new`, and replaces what is there. Returns False if `old` is
    unknown.

    A move changes a file's ctime, which the next listing updates. With `read_again` that listing
    finds the file due, since its metadata depend on its name. Raises LibraryError.
    """
    with library.write() as database:
        row = _file(library, database, old)
        if row is None or old == new:
            return False
        if replaced := _file(library, database, new):
            remove_files(library, database, [(replaced[0], replaced[2])])
        parent = directory_row(library, database, os.path.dirname(new))
        file, directory, content = row
        database.execute(
            "UPDATE files SET directory = ?, name = ?, ctime_ns = ? WHERE id = ?",
            (parent, os.path.basename(new), MOVED, file),
        )
        if read_again:
            let_be_read(database, file)
        invalidate(database, directory, parent)
        with library.memory_lock:
            state = int(library.catalogue.state[file])
            library.catalogue.put(file, parent, content, state)
    return True


def swap(
    library: Library, one: bytes, other: bytes, directories: bool, read_again: bool = False
) -> bool:
    """Exchanges two directories, or two files, after a rename with RENAME_EXCHANGE.

    Readers see both at their old paths or both at their new ones. Returns False, and changes
    nothing, if one is unknown, or one directory is inside the other or contains a root. With
    `read_again`, files are due then, as in `move_file`. Raises LibraryError.
    """
    with library.write() as database:
        if directories:
            return _swap_directories(library, database, one, other)
        return _swap_files(library, database, one, other, read_again)


def _swap_directories(
    library: Library, database: sqlite3.Connection, one: bytes, other: bytes
) -> bool:
    tree = library.tree
    first, second = tree.find(one), tree.find(other)
    if first is None or second is None:
        return False
    if first in tree.ancestors(second) or second in tree.ancestors(first):
        return False
    if roots_among(database, [*tree.below(first), *tree.below(second)]):
        return False
    places = [(tree.parent(each), tree.name(each)) for each in (first, second)]
    between = one + b"/"  # a path that no directory has
    for old, new in ((one, between), (other, one), (between, other)):
        _move_tag_folders(database, old, new)
        carry_paths(database, old, new)
        carry_ledger(library, old, new)
    # (parent, name) is unique even inside a transaction, except for rows without a parent.
    database.execute("UPDATE directories SET parent = NULL WHERE id = ?", (first,))
    database.executemany(
        "UPDATE directories SET parent = ?, name = ? WHERE id = ?",
        [(*places[0], second), (*places[1], first)],
    )
    invalidate(database, places[0][0], places[1][0])
    with library.memory_lock:
        tree.swap(first, second)
    return True


def _swap_files(
    library: Library, database: sqlite3.Connection, one: bytes, other: bytes, read_again: bool
) -> bool:
    first, second = _file(library, database, one), _file(library, database, other)
    if first is None or second is None or first == second:
        return False
    # (directory, name) is unique even inside a transaction; nobody else sees the empty name.
    database.execute("UPDATE files SET name = x'' WHERE id = ?", (first[0],))
    database.executemany(
        "UPDATE files SET directory = ?, name = ?, ctime_ns = ? WHERE id = ?",
        [
            (first[1], os.path.basename(one), MOVED, second[0]),
            (second[1], os.path.basename(other), MOVED, first[0]),
        ],
    )
    if read_again:
        let_be_read(database, first[0], second[0])
    invalidate(database, first[1], second[1])
    with library.memory_lock:
        catalogue = library.catalogue
        for (file, _, content), (_, directory, _) in ((first, second), (second, first)):
            catalogue.put(file, directory, content, int(catalogue.state[file]))
    return True


def _file(
    library: Library, database: sqlite3.Connection, path: bytes
) -> tuple[int, int, int | None] | None:
    """The ids of the file at `path`, of its directory, and of its content; None if it is
    unknown."""
    row: tuple[int, int, int | None] | None = database.execute(
        "SELECT id, directory, content FROM files WHERE directory = ? AND name = ?",
        (library.tree.find(os.path.dirname(path)), os.path.basename(path)),
    ).fetchone()
    return row


def _move_tag_folders(database: sqlite3.Connection, old: bytes, new: bytes) -> None:
    """Gives folders at or below `old` that are kept tagged their new paths."""
    rows = database.execute("SELECT path FROM tag_folders").fetchall()
    for path in (row[0] for row in rows if is_below(row[0], old)):
        database.execute(
            "UPDATE OR REPLACE tag_folders SET path = ? WHERE path = ?",
            (new + path[len(old) :], path),
        )


def carry_ledger(library: Library, old: bytes, new: bytes) -> None:
    """Gives the tag ledger's entries of files at or below `old` their new paths.

    A sidecar doesn't move with its picture, so the entry of a single picture's sidecar is kept.
    Raises LibraryError.
    """
    with library.write() as database:
        database.execute(
            "UPDATE tag_ledger SET path = ? WHERE path = ? AND carrier <> 'sidecar'", (new, old)
        )
        database.execute(
            "UPDATE tag_ledger SET path = CAST(? || substr(path, ?) AS BLOB) "
            "WHERE path > ? AND path < ?",
            (new, len(old) + 1, old + b"/", old + b"0"),
        )
