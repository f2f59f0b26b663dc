"""Forgets a file, or a directory and all below it, with everything that nothing else needs."""

from __future__ import annotations

import sqlite3

from csearchd.library import contents, listings
from csearchd.library.library import Library
from csearchd.library.listings import roots_among
from csearchd.library.metadata import stored_labels
from csearchd.library.tree import TOP
from csearchd.library.volumes import unmounted

_FILES = 2000  # that a step removes
_DIRECTORIES = 500  # the same
_ROUNDS = 2  # what has come while the first was under way goes, too

_File = tuple[int, int, bytes, int | None]  # id, directory, name, content


class Forgetting:
    """The removal of what is known of a path, in steps. One thread at a time uses it.

    A step is a short transaction, so that whoever else writes waits no longer. Roots remain roots;
    those below the directory were added on their own, and keep their files.
    """

    def __init__(self, library: Library, path: bytes) -> None:
        self.files = 0  # removed so far
        self.known = False  # something was known of the path
        self.kept: list[bytes] = []  # the roots below the directory
        self._library = library
        self._path = path
        self._left: list[int] = []  # directories that are still to be removed, the next one last
        self._rounds = 0

    def step(self) -> list[bytes] | None:
        """Removes some files and directories. Returns the files' paths; None once all are gone.

        Raises LibraryError.
        """
        with self._library.write() as database:
            if not self._left:
                if self._rounds >= _ROUNDS:
                    return None
                self._rounds += 1
                if not self._find(database):
                    return self._remove_file(database)
            files: list[_File] = []
            emptied: list[int] = []
            while self._left and len(files) < _FILES and len(emptied) < _DIRECTORIES:
                if not self._is_inside(self._left[-1]):
                    self._left.pop()  # moved or removed meanwhile, and its id may be another's
                    continue
                files += database.execute(
                    "SELECT id, directory, name, content FROM files WHERE directory = ? LIMIT ?",
                    (self._left[-1], _FILES - len(files)),
                )
                if len(files) < _FILES:
                    emptied.append(self._left.pop())
            paths = self._paths(files)
            self._remove_files(database, files)
            spared = self._above_roots(database)
            for directory in emptied:
                self._remove_directory(database, directory, directory in spared)
            return paths

    def finish(self) -> None:
        """Removes what was there on an unmounted disk, and words that nothing has any more; to be
        called after the last `step`. Raises LibraryError."""
        library = self._library
        with library.write() as database:
            tops = unmounted.directories_at(database, self._path)
            held = unmounted.contents_of(database, tops)
            self.files += sum(unmounted.remove_unmounted(library, database, top) for top in tops)
            self.known |= bool(tops)
            if not self.known and (file := unmounted.file_at(database, self._path)):
                listings.remove_files(library, database, [file])
                self.files, self.known, held = 1, True, {file[1]} if file[1] else set()
            contents.delete(library, database, contents.without_file(database, held))
            stored_labels.delete_unused(library, database)
        forgotten = False
        while not forgotten:
            with library.write() as database:
                forgotten = library.words.forget_unused_words(database)
        library.texts.unused_words.forget()
        library.vacuum()

    def _find(self, database: sqlite3.Connection) -> bool:
        """Looks for directories to remove. Returns whether the path is one."""
        tree = self._library.tree
        directory = tree.find(self._path)
        if directory is None:
            return False
        below = tree.below(directory)
        roots = roots_among(database, below) - {directory}
        kept = {inner for root in roots for inner in tree.below(root)}
        self.kept = sorted(tree.path(root) for root in roots)
        self.known = True
        self._left = [each for each in below if each not in kept]
        return True

    def _is_inside(self, directory: int) -> bool:
        """Whether a directory is still at or below the path."""
        tree = self._library.tree
        top = tree.find(self._path)
        return top is not None and directory in tree and top in tree.ancestors(directory)

    def _above_roots(self, database: sqlite3.Connection) -> set[int]:
        """The roots, and directories above them: their rows stay."""
        tree = self._library.tree
        roots = [row[0] for row in database.execute("SELECT directory FROM roots")]
        return {TOP, *(above for root in roots if root in tree for above in tree.ancestors(root))}

    def _remove_file(self, database: sqlite3.Connection) -> list[bytes] | None:
        """Removes the file at the path. Returns its path, or None if there is no such file."""
        parent, _, name = self._path.rpartition(b"/")
        directory = self._library.tree.find(parent or b"/")
        file: _File | None = database.execute(
            "SELECT id, directory, name, content FROM files WHERE directory = ? AND name = ?",
            (directory, name),
        ).fetchone()
        if file is None:
            return None
        self._remove_files(database, [file])
        self.known = True
        # So that the next listing is compared again.
        database.execute("UPDATE directories SET listing = NULL WHERE id = ?", (directory,))
        return [self._path]

    def _paths(self, files: list[_File]) -> list[bytes]:
        places = self._library.tree.paths({file[1] for file in files})
        return [places[directory] + name for _, directory, name, _ in files if directory in places]

    def _remove_files(self, database: sqlite3.Connection, files: list[_File]) -> None:
        """Removes files, and contents that no other file has."""
        listings.delete_files(self._library, database, [file[0] for file in files])
        held = {file[3] for file in files if file[3]}
        contents.delete(self._library, database, contents.without_file(database, held))
        self.files += len(files)

    def _remove_directory(
        self, database: sqlite3.Connection, directory: int, keep_row: bool
    ) -> None:
        tree = self._library.tree
        if keep_row or tree.children(directory):  # some have come meanwhile
            database.execute(
                "UPDATE directories SET listing = NULL, covered = NULL, failure = NULL "
                "WHERE id = ?",
                (directory,),
            )
            return
        database.execute("DELETE FROM directories WHERE id = ?", (directory,))
        with self._library.memory_lock:
            tree.remove(directory)


def forget_path(library: Library, path: bytes) -> int | None:
    """Forgets a file or directory in one go. Returns the number of removed files; None if the path
    is unknown. Raises LibraryError."""
    forgetting = Forgetting(library, path)
    while forgetting.step() is not None:
        pass
    forgetting.finish()
    return forgetting.files if forgetting.known else None
