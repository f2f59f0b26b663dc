"""What is mounted where: entries go away with their disk and come back with it, unread.

Directories of a disk that is away are cut off from the tree: they, their files and what is known of
those stay in the database, marked absent, and nothing of it is in memory.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from csearchd.library.library import Library
from csearchd.library.listings import directory_row, remove_tree, roots_among
from csearchd.library.volumes.unmounted import below, remove_unmounted
from csearchd.library.volumes.volumes import Place, Volumes

_UNREAD = -1  # in place of a size: the file must be read when it is there again


def reconcile(library: Library, volumes: Volumes, enters: Callable[[bytes], bool]) -> list[bytes]:
    """Makes the library agree with what is mounted; `enters`: whether scans come to a directory.

    Returns the directories that are to be scanned. Raises LibraryError.
    """
    with library.write() as database:
        _check_roots(library, database, volumes, enters)
        scan = _check_known(library, database, volumes)
        scan |= _check_points(library, database, volumes, enters)
        scan |= _bring_back(library, database, volumes, enters)
        for directory, path in _present(library, database).items():
            database.execute(
                "UPDATE disks SET path = ? WHERE directory = ? AND path != ?",
                (path, directory, path),
            )
    return sorted(scan)


def _check_roots(
    library: Library,
    database: sqlite3.Connection,
    volumes: Volumes,
    enters: Callable[[bytes], bool],
) -> None:
    """Notes where new roots are, with what is mounted below them."""
    tree = library.tree
    rows = database.execute(
        "SELECT directory FROM roots WHERE directory NOT IN (SELECT directory FROM disks)"
    ).fetchall()
    new = [row[0] for row in rows if row[0] in tree]
    for directory in new:
        _note(database, directory, volumes.place(tree.path(directory)), tree.path(directory))
        inside = tree.path(directory).rstrip(b"/") + b"/"
        for point in volumes.points():
            if point.startswith(inside) and enters(point):
                row = directory_row(library, database, point)
                _note(database, row, volumes.place(point), point)


def _check_known(library: Library, database: sqlite3.Connection, volumes: Volumes) -> set[bytes]:
    """Cuts off what isn't where it was, the innermost first."""
    scan = set()
    present = _present(library, database)
    for directory, path in sorted(present.items(), key=lambda item: item[1], reverse=True):
        before, now = _noted(database, directory), volumes.place(path)
        if before == now:
            continue
        scan.add(path)
        rolled_back = before.volume == now.volume and volumes.has_subvolumes(path)
        if before.volume is None or (rolled_back and not volumes.find(before)):
            _note(database, directory, now, path)
        else:
            _cut_off(library, database, directory)
    return scan


def _check_points(
    library: Library,
    database: sqlite3.Connection,
    volumes: Volumes,
    enters: Callable[[bytes], bool],
) -> set[bytes]:
    """Notes what is mounted below roots, and cuts off what it hides; forgets what isn't there."""
    tree, scan = library.tree, set()
    points = dict.fromkeys(point for point in volumes.points() if enters(point))
    noted = set(_present(library, database).values())
    for point in points:
        now, directory = volumes.place(point), tree.find(point)
        if point in noted or (directory and _derived(library, database, directory) == now):
            continue
        if directory:
            place = _derived(library, database, directory)
            if place.volume is None or roots_among(database, tree.below(directory)):
                continue
            _note(database, directory, place, point)
            _cut_off(library, database, directory)
        _note(database, directory_row(library, database, point), now, point)
        scan.add(point)
    for directory, path in _present(library, database).items():
        if path not in points and not roots_among(database, [directory]):
            database.execute("DELETE FROM disks WHERE directory = ?", (directory,))
    return scan


def _bring_back(
    library: Library,
    database: sqlite3.Connection,
    volumes: Volumes,
    enters: Callable[[bytes], bool],
) -> set[bytes]:
    """Puts what was away to where it can be reached now."""
    scan = set()
    rows = database.execute(
        "SELECT directory, volume, inside, path FROM disks JOIN directories ON id = directory "
        "WHERE absent IS NOT NULL AND parent IS NULL AND volume IS NOT NULL ORDER BY path"
    ).fetchall()
    for directory, volume, inside, last in rows:
        is_root = bool(roots_among(database, [directory]))
        found = volumes.find(Place(volume, inside))
        spots = [path for path in found if path != b"/" and (is_root or enters(path))]
        if not spots:
            continue
        path = last if last in spots else spots[0]
        scan.add(path)
        there = library.tree.find(path)
        if there and roots_among(database, library.tree.below(there)):
            # The user has made it a root again: what it holds now is what counts.
            remove_unmounted(library, database, directory, with_roots=True)
            continue
        if there:
            remove_tree(library, database, there, keep_roots=False)
        _attach(library, database, directory, path)
    return scan


def _present(library: Library, database: sqlite3.Connection) -> dict[int, bytes]:
    """The directories whose place is noted and that are there, with their paths."""
    tree = library.tree
    rows = database.execute("SELECT directory FROM disks").fetchall()
    return {row[0]: tree.path(row[0]) for row in rows if row[0] in tree}


def _noted(database: sqlite3.Connection, directory: int) -> Place:
    row = database.execute(
        "SELECT volume, inside FROM disks WHERE directory = ?", (directory,)
    ).fetchone()
    return Place(*row)


def _derived(library: Library, database: sqlite3.Connection, directory: int) -> Place:
    """Where a directory is according to what is noted of itself or of those above it."""
    path = library.tree.path(directory)
    for above in library.tree.ancestors(directory):
        row = database.execute(
            "SELECT volume, inside FROM disks WHERE directory = ?", (above,)
        ).fetchone()
        if row:
            rest = path[len(library.tree.path(above)) :]
            return Place(row[0], (row[1].rstrip(b"/") + rest) or b"/")
    return Place(None, path)


def _note(database: sqlite3.Connection, directory: int, place: Place, path: bytes) -> None:
    database.execute("INSERT OR REPLACE INTO disks VALUES (?, ?, ?, ?)", (directory, *place, path))


def _cut_off(library: Library, database: sqlite3.Connection, top: int) -> None:
    """Takes a directory, whose place is noted, and all below it out of the tree."""
    tree, now = library.tree, int(time.time())
    inside = tree.below(top)
    for root in roots_among(database, inside):
        path = tree.path(root)
        if database.execute("SELECT 1 FROM disks WHERE directory = ?", (root,)).fetchone():
            database.execute("UPDATE disks SET path = ? WHERE directory = ?", (path, root))
        else:
            _note(database, root, _derived(library, database, root), path)
    files: list[int] = []
    for directory in inside:
        rows = database.execute(
            "SELECT id, due OR failure IS NOT NULL FROM files WHERE directory = ?", (directory,)
        ).fetchall()
        files.extend(row[0] for row in rows)
        unread = [(_UNREAD, row[0]) for row in rows if row[1]]
        database.executemany(
            "UPDATE files SET due = 0, failure = NULL, size = ? WHERE id = ?", unread
        )
        database.execute(
            "UPDATE directories SET absent = ?, failure = NULL, "
            "listing = CASE WHEN ? THEN x'' ELSE listing END WHERE id = ?",
            (now, bool(unread), directory),
        )
    database.execute("UPDATE directories SET parent = NULL WHERE id = ?", (top,))
    with library.memory_lock:
        library.catalogue.remove(files)
        for directory in reversed(inside):
            tree.remove(directory)


def _attach(library: Library, database: sqlite3.Connection, top: int, path: bytes) -> None:
    parent = directory_row(library, database, path.rpartition(b"/")[0])
    name = path.rpartition(b"/")[2]
    database.execute(
        "UPDATE directories SET parent = ?, name = ? WHERE id = ?", (parent, name, top)
    )
    database.execute(
        "UPDATE directories SET listing = x'' WHERE id = ? AND listing IS NOT NULL", (parent,)
    )
    inside = below(database, top)
    database.executemany(
        "UPDATE directories SET absent = NULL WHERE id = ?", [(row[0],) for row in inside]
    )
    with library.memory_lock:
        for row in inside:
            library.tree.add(*row)
        library.catalogue.read(database, [row[0] for row in inside])
