"""Finds tagged folders that were renamed while nothing watched them, by their inodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from csearchd.library.library import Library

Identity = tuple[int, int]
Identify = Callable[[bytes], Identity | None]
"""csearchd.system.inode_identity of a path; None also if its file system doesn't answer."""


class FolderTracker:
    """Keeps the paths of tagged folders up to date. Used by one thread at a time."""

    def __init__(self, library: Library, identify: Identify) -> None:
        self._library = library
        self._identify = identify
        self.unverified: frozenset[bytes] = frozenset()
        """Tagged folders at whose path another directory is. It may have been moved there by
        mistake, so nothing is tagged in it until `update` has decided."""

    def update(self, complete: bool) -> list[tuple[bytes, bytes]]:
        """Finds folders that were renamed; returns their old and new paths.

        A folder that is nowhere keeps its path, since it may come back, perhaps as a new directory.
        `complete`: the library knows all directories that exist. Raises LibraryError.
        """
        # Taken first: directories that arrive during this run are for the next one.
        with self._library.memory_lock:
            arrived = self._library.tree.take_added()
        with self._library.read() as database:
            rows = database.execute("SELECT path, inode, born FROM tag_folders").fetchall()
        known: dict[bytes, Identity] = {
            path: (inode, when) for path, inode, when in rows if isinstance(path, bytes)
        }
        found = {path: self._identify(path) for path in known}
        lost = {path for path in known if found[path] != known[path] and known[path][1] is not None}
        paths = self._paths_by_identity(arrived) if lost else {}
        moved = [(path, paths[known[path]]) for path in sorted(lost) if known[path] in paths]
        left = lost.difference(path for path, _ in moved)
        replaced = frozenset(path for path in left if found[path])
        # Only if it is the same twice: the library may be about to hear of a move.
        accepted = replaced & self.unverified if complete else frozenset[bytes]()
        unidentified = {path for path in known if known[path][1] is None and found[path]}
        self._note([(*(found[path] or ()), path) for path in accepted | unidentified], moved)
        self.unverified = replaced - accepted
        return moved

    def _paths_by_identity(self, directories: Iterable[int]) -> dict[Identity | None, bytes]:
        """The paths of directories that the library knows, by their identity on the disk."""
        with self._library.memory_lock:
            tree = self._library.tree
            paths = [tree.path(directory) for directory in directories if directory in tree]
        return {self._identify(path): path for path in paths}

    def _note(
        self, identified: list[tuple[int | bytes, ...]], moved: list[tuple[bytes, bytes]]
    ) -> None:
        if not (identified or moved):
            return
        with self._library.write() as database:
            database.executemany(
                "UPDATE tag_folders SET inode = ?, born = ? WHERE path = ?", identified
            )
            database.executemany(
                "UPDATE OR REPLACE tag_folders SET path = ? WHERE path = ?",
                [(new, old) for old, new in moved],
            )
