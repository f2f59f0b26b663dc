"""Detaches the directories of a disk that was unmounted, and attaches them when it is mounted
again, wherever that is.

Detached directories stay in the database with their files, marked `absent`, and are removed from
memory. No picture is read again when they are attached.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from csearchd.library.library import Library
from csearchd.library.listings import directory_row, remove_tree, roots_among
from csearchd.library.saved.store import carry_paths
from csearchd.library.volumes.unmounted import below, remove_unmounted
from csearchd.library.volumes.volumes import Place, Volumes

_UNREAD = -1  # in place of a size: the file must be read once its disk is mounted again


def reconcile(library: Library, volumes: Volumes, enters: Callable[[bytes], bool]) -> list[bytes]:
    """Updates the library for what is mounted now.

    `enters` tells whether a scan of the roots would enter a directory. Returns the paths of
    directories that must be scanned. Raises LibraryError.
    """
    with library.write() as database:
        _record_new_roots(library, database, volumes, enters)
        scan = _detach_unmounted(library, database, volumes)
        scan |= _check_mount_points(library, database, volumes, enters)
        scan |= _attach_mounted(library, database, volumes, enters)
        for directory, path in _present(library, database).items():
            database.execute(
                "UPDATE disks SET path = ? WHERE directory = ? AND path != ?",
                (path, directory, path),
            )
    return sorted(scan)


def _record_new_roots(
    library: Library,
    database: sqlite3.Connection,
    volumes: Volumes,
    enters: Callable[[bytes], bool],
) -> None:
    """Records the places of new roots, and of mounts below them."""
    tree = library.tree
    rows = database.execute(
        "SELECT directory FROM roots WHERE directory NOT IN (SELECT directory FROM disks)"
    ).fetchall()
    new = [row[0] for row in rows if row[0] in tree]
    for directory in new:
        _record_place(
            database, directory, volumes.place(tree.path(directory)), tree.path(directory)
        )
        inside = tree.path(directory).rstrip(b"/") + b"/"
        for point in volumes.points():
            if point.startswith(inside) and enters(point):
                row = directory_row(library, database, point)
                _record_place(database, row, volumes.place(point), point)


def _detach_unmounted(
    library: Library, database: sqlite3.Connection, volumes: Volumes
) -> set[bytes]:
    """Detaches directories whose place has changed, the innermost first."""
    scan = set()
    present = _present(library, database)
    for directory, path in sorted(present.items(), key=lambda item: item[1], reverse=True):
        before, now = _recorded_place(database, directory), volumes.place(path)
        if before == now:
            continue
        scan.add(path)
        rolled_back = before.volume == now.volume and volumes.has_subvolumes(path)
        if before.volume is None or (rolled_back and not volumes.find(before)):
            _record_place(database, directory, now, path)
        else:
            _detach(library, database, directory)
    return scan


def _check_mount_points(
    library: Library,
    database: sqlite3.Connection,
    volumes: Volumes,
    enters: Callable[[bytes], bool],
) -> set[bytes]:
    """Records new mounts below roots, and detaches the directories that they hide. Forgets mounts
    that no longer exist."""
    tree, scan = library.tree, set()
    points = dict.fromkeys(point for point in volumes.points() if enters(point))
    recorded = set(_present(library, database).values())
    for point in points:
        now, directory = volumes.place(point), tree.find(point)
        if point in recorded or (directory and _place_of(library, database, directory) == now):
            continue
        if directory:
            place = _place_of(library, database, directory)
            if place.volume is None or roots_among(database, tree.below(directory)):
                continue
            _record_place(database, directory, place, point)
            _detach(library, database, directory)
        _record_place(database, directory_row(library, database, point), now, point)
        scan.add(point)
    for directory, path in _present(library, database).items():
        if path not in points and not roots_among(database, [directory]):
            database.execute("DELETE FROM disks WHERE directory = ?", (directory,))
    return scan


def _attach_mounted(
    library: Library,
    database: sqlite3.Connection,
    volumes: Volumes,
    enters: Callable[[bytes], bool],
) -> set[bytes]:
    """Attaches detached directories at the paths where they can be reached now."""
    scan = set()
    rows = database.execute(
        "SELECT directory, volume, inside, path FROM disks JOIN directories ON id = directory "
        "WHERE absent IS NOT NULL AND parent IS NULL AND volume IS NOT NULL ORDER BY path"
    ).fetchall()
    for directory, volume, inside, last in rows:
        is_root = bool(roots_among(database, [directory]))
        found = volumes.find(Place(volume, inside))
        reachable = [path for path in found if path != b"/" and (is_root or enters(path))]
        if not reachable:
            continue
        path = last if last in reachable else reachable[0]
        scan.add(path)
        existing = library.tree.find(path)
        if existing and roots_among(database, library.tree.below(existing)):
            # The user has added the directory again: its new entries replace the detached ones.
            remove_unmounted(library, database, directory, with_roots=True)
            continue
        if existing:
            remove_tree(library, database, existing, keep_roots=False)
        _attach(library, database, directory, path)
        if path != last:
            carry_paths(database, last, path)
    return scan


def _present(library: Library, database: sqlite3.Connection) -> dict[int, bytes]:
    """The paths of attached directories with a recorded place, by id."""
    tree = library.tree
    rows = database.execute("SELECT directory FROM disks").fetchall()
    return {row[0]: tree.path(row[0]) for row in rows if row[0] in tree}


def _recorded_place(database: sqlite3.Connection, directory: int) -> Place:
    """The place that was recorded for a directory itself."""
    row = database.execute(
        "SELECT volume, inside FROM disks WHERE directory = ?", (directory,)
    ).fetchone()
    return Place(*row)


def _place_of(library: Library, database: sqlite3.Connection, directory: int) -> Place:
    """The place of a directory, derived from what is recorded for it or for one above it."""
    path = library.tree.path(directory)
    for above in library.tree.ancestors(directory):
        row = database.execute(
            "SELECT volume, inside FROM disks WHERE directory = ?", (above,)
        ).fetchone()
        if row:
            rest = path[len(library.tree.path(above)) :]
            return Place(row[0], (row[1].rstrip(b"/") + rest) or b"/")
    return Place(None, path)


def _record_place(database: sqlite3.Connection, directory: int, place: Place, path: bytes) -> None:
    database.execute("INSERT OR REPLACE INTO disks VALUES (?, ?, ?, ?)", (directory, *place, path))


def _detach(library: Library, database: sqlite3.Connection, top: int) -> None:
    """Detaches a directory with a recorded place, and all below it."""
    tree, now = library.tree, int(time.time())
    inside = tree.below(top)
    for root in roots_among(database, inside):
        path = tree.path(root)
        if database.execute("SELECT 1 FROM disks WHERE directory = ?", (root,)).fetchone():
            database.execute("UPDATE disks SET path = ? WHERE directory = ?", (path, root))
        else:
            _record_place(database, root, _place_of(library, database, root), path)
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
    """Attaches a detached directory, and all below it, at `path`."""
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
