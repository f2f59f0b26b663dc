"""Forgets a file, or a directory and all below it.

What is known of them is put aside in one transaction, after which nothing finds it, and deleted
step by step (csearchd.library.removal.purging), since that takes long for very many files. Put
aside are directories: their rows have no parent and count as absent, so that they aren't in memory.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Mapping

import numpy as np

from csearchd.library.library import Library
from csearchd.library.listings import roots_among
from csearchd.library.removal import purging
from csearchd.library.tree import TOP
from csearchd.library.volumes import unmounted

_NAME = b"forgotten"  # of a directory into which files are put
# A disk's directory is compared again when it is mounted, others when they are listed.
_COMPARED_AGAIN = "CASE WHEN absent IS NULL THEN NULL ELSE x'' END"


class Forgetting:
    """Forgets one path, and what comes there meanwhile."""

    def __init__(self, library: Library, path: bytes) -> None:
        self.files = 0  # put aside
        self.known = False  # something was known of the path
        self.kept: list[bytes] = []  # the roots below the directory
        self._library = library
        self._path = path

    def put_aside(self) -> int:
        """Puts aside what is known of the path, also on an unmounted disk. Roots remain roots;
        those below the directory were added on their own, and keep their files. Returns the number
        of files. Raises LibraryError."""
        before = self.files
        with self._library.write() as database:
            directory = self._library.tree.find(self._path)
            if directory is not None:
                self._put_directory_aside(database, directory)
            elif file := self._file(database):
                self._put_file_aside(database, *file)
            tops = unmounted.directories_at(database, self._path)
            for top in tops:
                self._put_unmounted_aside(database, top)
            self.known |= bool(tops)
            if not self.known and (found := unmounted.file_at(database, self._path)):
                self._put_file_aside(database, *found[:2])
            if self.known:
                purging.must_run(self._library)
        return self.files - before

    def _put_directory_aside(self, database: sqlite3.Connection, directory: int) -> None:
        library, tree = self._library, self._library.tree
        below = tree.below(directory)
        roots = roots_among(database, below)
        above = {TOP, *(each for root in roots for each in tree.ancestors(root))}
        inner = {each for root in roots - {directory} for each in tree.below(root)}
        self.kept = sorted(tree.path(root) for root in roots - {directory})
        self.known = True
        chosen = [each for each in below if each not in inner]
        mask = np.zeros(max(chosen) + 1, np.bool_)
        mask[chosen] = True
        files = np.flatnonzero(library.catalogue.files_in(mask)).tolist()
        places = tree.paths(chosen)
        self._put_aside(database, {each: places[each] for each in chosen}, above)
        with library.memory_lock:
            library.catalogue.remove(files)
            library.photo_metadata.remove(files)
            for each in reversed(chosen):
                if each not in above:
                    tree.remove(each)

    def _put_unmounted_aside(self, database: sqlite3.Connection, top: int) -> None:
        rows = unmounted.below(database, top)
        parents = {directory: parent for directory, parent, _ in rows}
        above: set[int] = set()
        for root in roots_among(database, parents):
            current: int | None = root
            while current is not None and current not in above:
                above.add(current)
                current = parents.get(current)
        self._put_aside(database, unmounted.paths(database, top), above)

    def _put_aside(
        self, database: sqlite3.Connection, paths: Mapping[int, bytes], above: Collection[int]
    ) -> None:
        """Puts directories aside, given with their paths, which end with "/". Of those in `above`,
        which are roots or above roots, only the files."""
        spared = [each for each in paths if each in above]
        aside = {each: path for each, path in paths.items() if each not in above}
        for each in spared:
            if database.execute("SELECT 1 FROM files WHERE directory = ?", (each,)).fetchone():
                new = _new_directory(database)
                database.execute("UPDATE files SET directory = ? WHERE directory = ?", (new, each))
                aside[new] = paths[each]
        database.execute(
            f"UPDATE directories SET covered = NULL, failure = NULL, listing = {_COMPARED_AGAIN} "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(spared),),
        )
        database.executemany("INSERT INTO forgotten VALUES (?, ?)", aside.items())
        numbers = json.dumps(list(aside))
        database.execute(
            "UPDATE directories SET parent = NULL, absent = coalesce(absent, ?), failure = NULL "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (int(time.time()), numbers),
        )
        database.execute(
            "DELETE FROM disks WHERE directory IN (SELECT value FROM json_each(?))", (numbers,)
        )
        self._detach_files(database, numbers)

    def _put_file_aside(self, database: sqlite3.Connection, file: int, directory: int) -> None:
        new = _new_directory(database)
        place = self._path[: self._path.rfind(b"/") + 1]
        database.execute("INSERT INTO forgotten VALUES (?, ?)", (new, place))
        database.execute("UPDATE files SET directory = ? WHERE id = ?", (new, file))
        database.execute(
            f"UPDATE directories SET listing = {_COMPARED_AGAIN} WHERE id = ?", (directory,)
        )
        self.known = True
        self._detach_files(database, json.dumps([new]))
        with self._library.memory_lock:
            self._library.catalogue.remove([file])
            self._library.photo_metadata.remove([file])

    def _detach_files(self, database: sqlite3.Connection, directories: str) -> None:
        """Counts the files in directories that were put aside, ids in JSON, and lets entries of
        written tags refer to them by their paths alone: the files may come back."""
        inside = "directory IN (SELECT value FROM json_each(?))"
        (count,) = database.execute(
            f"SELECT count(*) FROM files WHERE {inside}", (directories,)
        ).fetchone()
        self.files += count
        database.execute(
            "UPDATE tag_ledger SET file = NULL WHERE EXISTS "
            f"(SELECT 1 FROM files WHERE id = tag_ledger.file AND {inside})",
            (directories,),
        )

    def _file(self, database: sqlite3.Connection) -> tuple[int, int] | None:
        """The ids of the file at the path, and of its directory."""
        parent, _, name = self._path.rpartition(b"/")
        found: tuple[int, int] | None = database.execute(
            "SELECT id, directory FROM files WHERE directory = ? AND name = ?",
            (self._library.tree.find(parent or b"/"), name),
        ).fetchone()
        return found


def _new_directory(database: sqlite3.Connection) -> int:
    """The id of a new directory for files that are put aside."""
    cursor = database.execute(
        "INSERT INTO directories (parent, name, absent) VALUES (NULL, ?, ?)",
        (_NAME, int(time.time())),
    )
    return int(cursor.lastrowid or 0)


def forget_path(library: Library, path: bytes) -> int | None:
    """Forgets a file or directory in one go. Returns the number of removed files; None if the path
    is unknown. Raises LibraryError."""
    forgetting = Forgetting(library, path)
    forgetting.put_aside()
    while (files := purging.next_files(library)) is not None:
        purging.delete(library, files)
    purging.finish(library)
    return forgetting.files if forgetting.known else None
