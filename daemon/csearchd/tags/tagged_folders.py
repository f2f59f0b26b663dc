"""The folders that are kept tagged (`csearchctl tags on`), and the files in them to tag next.

The table tag_visits notes which files were handled, for which content and edition of the tags.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from csearchd.library.library import Library
from csearchd.library.roots import is_below
from csearchd.system.inode_identity import inode_identity
from csearchd.tags.ledger import CARRIERS

_MODES = [mode.encode() for mode in CARRIERS]


def read(library: Library) -> dict[bytes, str]:
    """The modes of all tagged folders by path, sorted. Damaged rows are left out."""
    with library.read() as database:
        rows = database.execute("SELECT path, CAST(mode AS BLOB) FROM tag_folders ORDER BY path")
        return {
            path: mode.decode() for path, mode in rows if isinstance(path, bytes) and mode in _MODES
        }


def add(library: Library, path: bytes, mode: str) -> None:
    """Keeps a folder tagged from now on, or changes its mode."""
    inode, when = inode_identity(path) or (None, None)
    with library.write() as database:
        database.execute(
            "INSERT OR REPLACE INTO tag_folders (path, mode, inode, born) VALUES (?, ?, ?, ?)",
            (path, mode, inode, when),
        )


def remove(library: Library, path: bytes) -> list[bytes]:
    """Stops keeping a folder and those below it tagged. Returns their paths."""
    with library.write() as database:
        gone = [kept for kept in read(library) if is_below(kept, path)]
        database.executemany("DELETE FROM tag_folders WHERE path = ?", [(one,) for one in gone])
    return gone


def enclosing(library: Library, path: bytes) -> bytes | None:
    """The tagged folder that contains `path`; not `path` itself."""
    for kept in read(library):
        if kept != path and is_below(path, kept):
            return kept
    return None


def due_files(library: Library, path: bytes, mode: str, edition: str) -> list[int]:
    """The ids of files below a tagged folder to tag: those without a visit for their content now.

    Folders inside that are kept tagged themselves are left out.
    """
    inner = [kept for kept in read(library) if kept != path and is_below(kept, path)]
    with library.memory_lock:
        tree = library.tree
        top, *others = (
            tree.below(found) if (found := tree.find(one)) else [] for one in (path, *inner)
        )
        directories = set(top).difference(*others)
    with library.read() as database:
        rows = database.execute(
            "SELECT f.id FROM json_each(?) d CROSS JOIN files f ON f.directory = d.value "
            "JOIN contents c ON c.id = f.content "
            "LEFT JOIN tag_visits v ON v.file = f.id AND v.mode = ? "
            "WHERE NOT f.due AND f.failure IS NULL AND c.failure IS NULL AND "
            "(v.file IS NULL OR v.content IS NOT f.content OR v.edition <> ?) ORDER BY f.id",
            (json.dumps(list(directories)), mode, edition),
        )
        return [row[0] for row in rows]


def count_skipped(library: Library, kept: Mapping[bytes, str]) -> dict[bytes, int]:
    """The number of pictures that were skipped, by tagged folder."""
    found = dict.fromkeys(kept, 0)
    if not kept:
        return found
    with library.read() as database:
        rows = database.execute(
            "SELECT CAST(v.mode AS BLOB), f.directory, count(*) FROM tag_visits v "
            "JOIN files f ON f.id = v.file WHERE v.failure IS NOT NULL GROUP BY v.mode, f.directory"
        ).fetchall()
    with library.memory_lock:
        tree = library.tree
        there = {tree.find(path): path for path in kept}
        for mode, directory, count in rows:
            above = tree.ancestors(directory) if directory in tree else ()
            for path in (there[one] for one in above if one in there):
                found[path] += count if kept[path].encode() == mode else 0
    return found


def files_below(library: Library, path: bytes) -> list[int]:
    """The ids of all files below a directory, or of the file at `path`."""
    with library.memory_lock:
        directory = library.tree.find(path)
        if directory is not None:
            inside = library.catalogue.files_in(library.tree.mask([directory]))
            return [int(file) for file in inside.nonzero()[0]]
        parent, _, name = path.rpartition(b"/")
        directory = library.tree.find(parent or b"/")
    with library.read() as database:
        rows = database.execute(
            "SELECT id FROM files WHERE directory = ? AND name = ?", (directory, name)
        )
        return [row[0] for row in rows]
