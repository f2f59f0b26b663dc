"""Labels of one kind, keywords or names of people, and the files that have them.

The pairs are in the database. Memory holds the vocabulary and, for labels that were used in recent
queries, their files; both are read on first use.
"""

from __future__ import annotations

import fnmatch
import json
import re
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.metadata.candidates import having
from csearchd.spelling import folded, unaccented

_CACHE_SIZE = 8 << 20  # file ids in memory, for all labels of a kind together


class Kind(NamedTuple):
    """Where the labels of a kind are stored, and what is between the parts of one."""

    table: str  # of the labels: id, text
    pairs: str  # the table of the files that have them: file, and `column`
    column: str
    separator: str


KEYWORDS = Kind("keywords", "file_keywords", "keyword", "/")
PEOPLE = Kind("people", "file_people", "person", " ")


class Labels:
    """The labels of a kind in memory. Several threads may use it at once."""

    def __init__(
        self,
        kind: Kind,
        memory_lock: AbstractContextManager[object],
        read: Callable[[], AbstractContextManager[sqlite3.Connection]],
    ) -> None:
        """`memory_lock` and `read` are those of the library."""
        self.kind = kind
        self._memory_lock = memory_lock
        self._read = read
        self._version = 0  # counts changes, so that what was read before one isn't kept
        self._vocabulary: _Vocabulary | None = None
        self._files: OrderedDict[int, NDArray[np.int32]] = OrderedDict()  # by label id
        self._size = 0  # file ids in `_files`

    def mask(self, text: str, among: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
        """A mask over file ids, or over the places `among` some files: whether the file has a label
        that matches `text`.

        It may be shorter or longer than other masks (see photo_metadata.aligned). The keyword
        `Places/Portugal/Lisbon` matches its whole path, each part, and consecutive parts, and so
        does a person's name by its words. Case and accents don't count; `*` and `?` are
        wildcards. Raises LibraryError.
        """
        vocabulary = self._load_vocabulary()
        wanted = _plain(text, self.kind)
        if "*" in wanted or "?" in wanted:
            pattern = re.compile(fnmatch.translate(wanted.replace("[", "[[]")))
            chosen = vocabulary.matching(pattern)
        else:
            chosen = vocabulary.containing(wanted)
        if among is not None:
            return np.isin(among, self._having(chosen, among) if chosen else [])
        files = self.files_with(chosen)
        mask = np.zeros(int(files.max(initial=-1)) + 1, np.bool_)
        mask[files] = True
        return mask

    def files_with(self, labels: Iterable[int]) -> NDArray[np.int32]:
        """The files, by id, that have one of `labels` (ids); some more than once. Raises
        LibraryError."""
        return np.concatenate([np.zeros(0, np.int32), *map(self._files_with, labels)])

    def _having(self, labels: Sequence[int], files: NDArray[np.int64]) -> list[int]:
        """Those of some files that have one of `labels` (ids). Raises LibraryError."""
        pairs, column = self.kind.pairs, self.kind.column
        with self._read() as database:
            rows = database.execute(
                f"SELECT DISTINCT file FROM {pairs} WHERE file IN (SELECT value FROM json_each(?)) "
                f"AND {column} IN (SELECT value FROM json_each(?))",
                (json.dumps(files.tolist()), json.dumps(labels)),
            )
            return [row[0] for row in rows]

    def beginning(self, text: str, limit: int) -> list[str]:
        """Up to `limit` labels of files that begin with `text`, whole or from one of their parts
        on. Raises LibraryError.

        As many parts are given as `text` begins, or all of them.
        """
        separator, start = self.kind.separator, folded(text)
        depth = start.count(separator) + 1
        condition, patterns = having("text", text)
        table, pairs, column = self.kind[:3]
        with self._read() as database:
            rows = database.execute(
                f"SELECT text FROM {table} WHERE {condition} AND EXISTS "
                f"(SELECT 1 FROM {pairs} JOIN files ON files.id = file WHERE {column} = {table}.id "
                "AND directory NOT IN (SELECT directory FROM forgotten)) "
                "ORDER BY text COLLATE NOCASE",
                patterns,
            )
            found: dict[str, str] = {}  # by what is compared
            for (label,) in rows:
                parts = label.split(separator)
                runs = (separator.join(parts[at : at + depth]) for at in range(len(parts)))
                for name in (label, *runs):
                    if folded(name).startswith(start):
                        found.setdefault(folded(name), name)
                if len(found) >= limit:
                    break
        return list(found.values())[:limit]

    def changed(self, labels: Iterable[int], new: Mapping[int, str]) -> None:
        """Updates memory after a commit, holding `memory_lock`: the files of `labels` (ids) have
        changed, and `new` labels (texts by id) were added."""
        self._version += 1
        for label in labels:
            self._size -= len(self._files.pop(label, ()))
        if self._vocabulary is not None:
            self._vocabulary.add(new.items())

    def forget(self) -> None:
        """Empties memory after a commit, holding `memory_lock`: files or labels were removed."""
        self._version += 1
        self._files.clear()
        self._size = 0
        self._vocabulary = None

    def _load_vocabulary(self) -> _Vocabulary:
        with self._memory_lock:  # so that `changed` is called for later commits only
            if self._vocabulary is None:
                vocabulary = _Vocabulary(self.kind)
                with self._read() as database:
                    vocabulary.add(database.execute(f"SELECT id, text FROM {self.kind.table}"))
                self._vocabulary = vocabulary
            return self._vocabulary

    def _files_with(self, label: int) -> NDArray[np.int32]:
        with self._memory_lock:
            version = self._version
            if (known := self._files.get(label)) is not None:
                self._files.move_to_end(label)
                return known
        pairs, column = self.kind.pairs, self.kind.column
        with self._read() as database:
            rows = database.execute(f"SELECT file FROM {pairs} WHERE {column} = ?", (label,))
            files = np.fromiter((row[0] for row in rows), np.int32)
        with self._memory_lock:
            if version == self._version and label not in self._files:
                self._files[label] = files
                self._size += len(files)
                while self._size > _CACHE_SIZE:
                    self._size -= len(self._files.popitem(last=False)[1])
        return files


class _Vocabulary:
    """Labels by their parts, as they are compared."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._texts: dict[int, str] = {}  # by label id
        self._with: dict[str, list[int]] = {}  # label ids by a part

    def add(self, labels: Iterable[tuple[int, str]]) -> None:
        """Adds labels, given as (id, text)."""
        for label, text in labels:
            plain = self._texts[label] = _plain(text, self._kind)
            for part in set(plain.split(self._kind.separator)):
                self._with.setdefault(part, []).append(label)

    def containing(self, wanted: str) -> list[int]:
        """The labels that have `wanted` as a part, or as several parts that follow each other."""
        separator = self._kind.separator
        inside = f"{separator}{wanted}{separator}"
        candidates = list(self._with.get(wanted.partition(separator)[0], ()))
        return [one for one in candidates if inside in f"{separator}{self._texts[one]}{separator}"]

    def matching(self, pattern: re.Pattern[str]) -> list[int]:
        """The labels of which parts that follow each other match `pattern` together."""
        separator = self._kind.separator
        found = []
        for label, text in list(self._texts.items()):
            parts = text.split(separator)
            ends = range(1, len(parts) + 1)
            runs = (separator.join(parts[begin:end]) for end in ends for begin in range(end))
            if any(map(pattern.match, runs)):
                found.append(label)
        return found


def _plain(text: str, kind: Kind) -> str:
    """A label as it is compared, without empty parts."""
    return kind.separator.join(part for part in unaccented(text).split(kind.separator) if part)
