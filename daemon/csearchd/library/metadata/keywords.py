"""Keywords and the files that have them.

The pairs are in the database. Memory holds the vocabulary and, for keywords that were used in
recent queries, their files; both are read on first use.
"""

from __future__ import annotations

import fnmatch
import re
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

_CACHE_SIZE = 8 << 20  # file ids in memory, for all keywords together
_MAX_LEVELS = 8  # of a keyword's path, of which each part can be searched for


class Keywords:
    """The keywords in memory. Several threads may use it at once."""

    def __init__(
        self,
        memory_lock: AbstractContextManager[object],
        read: Callable[[], AbstractContextManager[sqlite3.Connection]],
    ) -> None:
        """`memory_lock` and `read` are those of the library."""
        self._memory_lock = memory_lock
        self._read = read
        self._version = 0  # counts changes, so that what was read before one isn't kept
        self._vocabulary: dict[str, list[int]] | None = None  # keyword ids by search term
        self._files: OrderedDict[int, NDArray[np.int32]] = OrderedDict()  # by keyword id
        self._size = 0  # file ids in `_files`

    def mask(self, text: str) -> NDArray[np.bool_]:
        """A mask over file ids: whether the file has a keyword that matches `text`.

        It may be shorter or longer than other masks (see photo_metadata.aligned). The keyword
        `Places/Portugal/Lisbon` matches its whole path, each part, and consecutive parts. Case is
        ignored; `*` and `?` are wildcards. Raises LibraryError.
        """
        vocabulary = self._load_vocabulary()
        wanted = text.casefold().strip("/")
        if "*" in wanted or "?" in wanted:
            pattern = re.compile(fnmatch.translate(wanted.replace("[", "[[]")))
            words = [word for word in list(vocabulary) if pattern.match(word)]
        else:
            words = [wanted]
        chosen = {keyword for word in words for keyword in vocabulary.get(word, ())}
        files_of_each = [self._files_with(keyword) for keyword in chosen]
        files = np.concatenate([np.zeros(0, np.int32), *files_of_each])
        mask = np.zeros(int(files.max(initial=-1)) + 1, np.bool_)
        mask[files] = True
        return mask

    def beginning(self, text: str, limit: int) -> list[str]:
        """Up to `limit` keywords of files, or ends of their paths, that begin with `text`. Raises
        LibraryError."""
        start = text.casefold()
        # LIKE ignores the case of ASCII letters only.
        pattern = "".join(f"!{c}" if c in "%_!" else c if c.isascii() else "_" for c in text)
        with self._read() as database:
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
                if len(found) >= limit:
                    break
        return list(found)[:limit]

    def changed(self, keywords: Iterable[int], new: Mapping[int, str]) -> None:
        """Updates memory after a commit, holding `memory_lock`: the files of `keywords` (ids) have
        changed, and `new` keywords (texts by id) were added."""
        self._version += 1
        for keyword in keywords:
            self._size -= len(self._files.pop(keyword, ()))
        if self._vocabulary is not None:
            _index(self._vocabulary, new.items())

    def forget(self) -> None:
        """Empties memory after a commit, holding `memory_lock`: files or keywords were removed."""
        self._version += 1
        self._files.clear()
        self._size = 0
        self._vocabulary = None

    def _load_vocabulary(self) -> dict[str, list[int]]:
        with self._memory_lock:  # so that `changed` is called for later commits only
            if self._vocabulary is None:
                vocabulary: dict[str, list[int]] = {}
                with self._read() as database:
                    _index(vocabulary, database.execute("SELECT id, text FROM keywords"))
                self._vocabulary = vocabulary
            return self._vocabulary

    def _files_with(self, keyword: int) -> NDArray[np.int32]:
        with self._memory_lock:
            version = self._version
            if (known := self._files.get(keyword)) is not None:
                self._files.move_to_end(keyword)
                return known
        with self._read() as database:
            rows = database.execute("SELECT file FROM file_keywords WHERE keyword = ?", (keyword,))
            files = np.fromiter((row[0] for row in rows), np.int32)
        with self._memory_lock:
            if version == self._version and keyword not in self._files:
                self._files[keyword] = files
                self._size += len(files)
                while self._size > _CACHE_SIZE:
                    self._size -= len(self._files.popitem(last=False)[1])
        return files


def _index(vocabulary: dict[str, list[int]], words: Iterable[tuple[int, str]]) -> None:
    """Adds keywords, given as (id, text), to `vocabulary` under each term that finds them."""
    for keyword, text in words:
        levels = text.casefold().split("/")
        count = len(levels)
        names = {text.casefold()}
        if count <= _MAX_LEVELS:
            names.update(
                "/".join(levels[begin:end])
                for begin in range(count)
                for end in range(begin + 1, count + 1)
            )
        for name in names:
            vocabulary.setdefault(name, []).append(keyword)
