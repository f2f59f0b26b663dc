"""Kept folders that got another name when nobody looked: found again by what they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from csearchd.library.library import Library

Identity = tuple[int, int]
Look = Callable[[bytes], Identity | None]
"""csearchd.system.inode_identity, of a path that may not answer: None then, too."""


class FolderTracker:
    """Used by one thread at a time."""

    def __init__(self, library: Library, look: Look) -> None:
        self._library = library
        self._look = look
        self.strange: frozenset[bytes] = frozenset()
        """Kept folders in whose place another directory is, which may have been moved there: it
        isn't to be tagged before that is known."""

    def follow(self, complete: bool) -> list[tuple[bytes, bytes]]:
        """The old and new paths of those that were found. `complete`: the library knows all
        directories that are there.

        One that is gone stays where it was, since it may come back, as another directory.
        """
        # Before anything is looked at: what is in its place now was not among these.
        with self._library.memory_lock:
            arrived = self._library.tree.take_arrived()
        with self._library.read() as database:
            rows = database.execute("SELECT path, inode, born FROM tag_folders").fetchall()
        known: dict[bytes, Identity] = {
            path: (inode, when) for path, inode, when in rows if isinstance(path, bytes)
        }
        seen = {path: self._look(path) for path in known}
        lost = {path for path in known if seen[path] != known[path] and known[path][1] is not None}
        there = self._identities(arrived) if lost else {}
        moved = [(path, there[known[path]]) for path in sorted(lost) if known[path] in there]
        left = lost.difference(path for path, _ in moved)
        strange = frozenset(path for path in left if seen[path])
        # Twice, since a move may have been made that the library is about to be told of.
        settled = strange & self.strange if complete else frozenset[bytes]()
        unknown = {path for path in known if known[path][1] is None and seen[path]}
        self._note([(*(seen[path] or ()), path) for path in settled | unknown], moved)
        self.strange = strange - settled
        return moved

    def _identities(self, directories: Iterable[int]) -> dict[Identity | None, bytes]:
        """The paths of directories that the library knows, by what is there now."""
        with self._library.memory_lock:
            tree = self._library.tree
            paths = [tree.path(directory) for directory in directories if directory in tree]
        return {self._look(path): path for path in paths}

    def _note(self, taken: list[tuple[int | bytes, ...]], moved: list[tuple[bytes, bytes]]) -> None:
        if not (taken or moved):
            return
        with self._library.write() as database:
            database.executemany("UPDATE tag_folders SET inode = ?, born = ? WHERE path = ?", taken)
            database.executemany(
                "UPDATE OR REPLACE tag_folders SET path = ? WHERE path = ?",
                [(new, old) for old, new in moved],
            )
