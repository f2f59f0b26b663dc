"""Keywords: which file has which.

The pairs are in the database. In memory are the vocabulary and, of the keywords that were asked for
lately, the files that have them; both are read when they are needed first.
"""

from __future__ import annotations

import fnmatch
import re
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from csearchd.library.library import Library

_KEPT = 8 << 20  # files of all keywords together whose files are kept in memory
_LEVELS = 8  # of a keyword's path that can be asked for by themselves


class Keywords:
    """What is in memory of a library's keywords. Used by several threads at once."""

    def __init__(self) -> None:
        self._version = 0  # a commit changes it: what was read before may be old
        self._vocabulary: dict[str, list[int]] | None = None  # by what they can be asked for
        self._files: OrderedDict[int, NDArray[np.int32]] = OrderedDict()
        self._size = 0  # of all those together

    def mask(self, library: Library, text: str) -> NDArray[np.bool_]:
        """One bool for each file's id: whether it has the keyword. Of a length of its own, see
        csearchd.library.metadata.photo_metadata.

        A keyword `Places/Portugal/Lisbon` is met by its whole path, each part of it, and parts in a
        row; case is ignored; `*` and `?` are wildcards. Raises LibraryError.
        """
        vocabulary = self._words(library)
        wanted = text.casefold().strip("/")
        if "*" in wanted or "?" in wanted:
            pattern = re.compile(fnmatch.translate(wanted.replace("[", "[[]")))
            words = [word for word in list(vocabulary) if pattern.match(word)]
        else:
            words = [wanted]
        chosen = {keyword for word in words for keyword in vocabulary.get(word, ())}
        having = [self._having(library, keyword) for keyword in chosen]
        files = np.concatenate([np.zeros(0, np.int32), *having])
        mask = np.zeros(int(files.max(initial=-1)) + 1, np.bool_)
        mask[files] = True
        return mask

    def beginning(self, library: Library, text: str, most: int) -> list[str]:
        """Keywords that files have, or levels of them, that begin so. Raises LibraryError."""
        start = text.casefold()
        # LIKE ignores the case of ASCII alone.
        pattern = "".join(f"!{c}" if c in "%_!" else c if c.isascii() else "_" for c in text)
        with library.read() as database:
            rows = database.execute(
                "SELECT text FROM keywords WHERE (text LIKE ? ESCAPE '!' OR text LIKE ? ESCAPE '!')"
                " AND EXISTS (SELECT 1 FROM file_keywords WHERE keyword = keywords.id) "
                "ORDER BY text COLLATE NOCASE",
                (f"{pattern}%", f"%/{pattern}%"),
            )
            found: dict[str, None] = {}
            for (keyword,) in rows:
                names = [keyword, *keyword.split("/")[1:]]
                found.update((name, None) for name in names if name.casefold().startswith(start))
                if len(found) >= most:
                    break
        return list(found)[:most]

    def changed(self, keywords: Iterable[int], new: Mapping[int, str]) -> None:
        """After a commit, under `memory`: other files have these keywords now; some are new."""
        self._version += 1
        for keyword in keywords:
            self._size -= len(self._files.pop(keyword, ()))
        if self._vocabulary is not None:
            _index(self._vocabulary, new.items())

    def forget(self) -> None:
        """After a commit, under `memory`: files have gone, and perhaps keywords with them."""
        self._version += 1
        self._files.clear()
        self._size = 0
        self._vocabulary = None

    def _words(self, library: Library) -> dict[str, list[int]]:
        with (
            library.memory_lock
        ):  # so that what is committed meanwhile is told to `changed` afterwards
            if self._vocabulary is None:
                vocabulary: dict[str, list[int]] = {}
                with library.read() as database:
                    _index(vocabulary, database.execute("SELECT id, text FROM keywords"))
                self._vocabulary = vocabulary
            return self._vocabulary

    def _having(self, library: Library, keyword: int) -> NDArray[np.int32]:
        with library.memory_lock:
            version = self._version
            if (known := self._files.get(keyword)) is not None:
                self._files.move_to_end(keyword)
                return known
        with library.read() as database:
            rows = database.execute("SELECT file FROM file_keywords WHERE keyword = ?", (keyword,))
            files = np.fromiter((row[0] for row in rows), np.int32)
        with library.memory_lock:
            if version == self._version and keyword not in self._files:
                self._files[keyword] = files
                self._size += len(files)
                while self._size > _KEPT:
                    self._size -= len(self._files.popitem(last=False)[1])
        return files


def store(
    library: Library, database: sqlite3.Connection, file: int, keywords: Iterable[str]
) -> None:
    """Makes `keywords` all that a file has; inside a `write()`."""
    texts = dict.fromkeys(keywords)
    before = {
        row[0]
        for row in database.execute("SELECT keyword FROM file_keywords WHERE file = ?", (file,))
    }
    now: set[int] = set()
    new: dict[int, str] = {}
    for text in texts:
        row = database.execute("SELECT id FROM keywords WHERE text = ?", (text,)).fetchone()
        if row is None:
            row = database.execute(
                "INSERT INTO keywords (text) VALUES (?) RETURNING id", (text,)
            ).fetchone()
            new[row[0]] = text
        now.add(row[0])
    if now == before:
        return
    database.executemany(
        "DELETE FROM file_keywords WHERE file = ? AND keyword = ?",
        [(file, keyword) for keyword in before - now],
    )
    database.executemany(
        "INSERT INTO file_keywords VALUES (?, ?)", [(file, keyword) for keyword in now - before]
    )
    library.after_commit(lambda: library.keywords.changed(now ^ before, new))


def sweep(library: Library, database: sqlite3.Connection) -> None:
    """Deletes keywords that no file has; inside a `write()`."""
    database.execute(
        "DELETE FROM keywords WHERE NOT EXISTS "
        "(SELECT 1 FROM file_keywords WHERE keyword = keywords.id)"
    )
    library.after_commit(library.keywords.forget)


def _index(vocabulary: dict[str, list[int]], words: Iterable[tuple[int, str]]) -> None:
    for keyword, text in words:
        levels = text.casefold().split("/")
        count = len(levels)
        names = {text.casefold()}
        if count <= _LEVELS:
            names.update(
                "/".join(levels[begin:end])
                for begin in range(count)
                for end in range(begin + 1, count + 1)
            )
        for name in names:
            vocabulary.setdefault(name, []).append(keyword)
