"""The folders that are kept tagged, and their pictures that are due."""

from __future__ import annotations

from csearchd.library.library import Library
from csearchd.library.roots import is_below


def folders(library: Library) -> dict[bytes, str]:
    """Their modes by their paths, sorted."""
    with library.read() as database:
        return dict(database.execute("SELECT path, mode FROM tag_folders ORDER BY path"))


def keep(library: Library, path: bytes, mode: str) -> None:
    """Keeps the folder tagged from now on, or in another mode."""
    with library.write() as database:
        database.execute("INSERT OR REPLACE INTO tag_folders VALUES (?, ?)", (path, mode))


def leave(library: Library, path: bytes) -> list[bytes]:
    """Keeps the folder and those below it tagged no more. Returns which those were."""
    with library.write() as database:
        gone = [kept for kept in folders(library) if is_below(kept, path)]
        database.executemany("DELETE FROM tag_folders WHERE path = ?", [(one,) for one in gone])
    return gone


def above(library: Library, path: bytes) -> bytes | None:
    """The kept folder that `path` is in, itself excluded."""
    for kept in folders(library):
        if kept != path and is_below(path, kept):
            return kept
    return None


def due(library: Library, path: bytes, mode: str, edition: str) -> list[int]:
    """The files below a kept folder that weren't visited for what they are now.

    A folder inside that is kept in a mode of its own isn't part of it.
    """
    inner = [kept for kept in folders(library) if kept != path and is_below(kept, path)]
    with library.read() as database:
        rows = database.execute(
            "SELECT f.id, f.directory FROM files f JOIN contents c ON c.id = f.content "
            "LEFT JOIN tag_visits v ON v.file = f.id AND v.mode = ? "
            "WHERE NOT f.due AND f.failure IS NULL AND c.failure IS NULL AND "
            "(v.file IS NULL OR v.content IS NOT f.content OR v.edition <> ?) ORDER BY f.id",
            (mode, edition),
        ).fetchall()
    with library.memory:
        tree = library.tree
        scope = tree.mask(found for one in [path] if (found := tree.find(one)))
        for one in inner:
            if found := tree.find(one):
                scope[tree.below(found)] = False
    return [file for file, directory in rows if directory < len(scope) and scope[directory]]


def below(library: Library, path: bytes) -> list[int]:
    """All files below a directory; the file itself if it is one."""
    with library.memory:
        directory = library.tree.find(path)
        if directory is not None:
            inside = library.catalogue.inside(library.tree.mask([directory]))
            return [int(file) for file in inside.nonzero()[0]]
        parent, _, name = path.rpartition(b"/")
        directory = library.tree.find(parent or b"/")
    with library.read() as database:
        rows = database.execute(
            "SELECT id FROM files WHERE directory = ? AND name = ?", (directory, name)
        )
        return [row[0] for row in rows]
