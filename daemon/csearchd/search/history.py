"""Past queries, which shells offer for completion, in a file of their own beside the library."""

from __future__ import annotations

import os
import re
import threading

from csearchd.paths import read_file
from csearchd.spelling import folded

MAX_QUERIES = 500
_MAX_CHARACTERS = 500  # of a query; longer ones are not kept


class History:
    """The latest queries, one per line, the newest last. Used by several threads at once.

    All methods raise OSError if the file can't be read or written.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._queries: dict[str, None] | None = None  # read when they are first needed
        self._lines = 0  # of the file, to which a repeated query is appended again

    def add(self, query: str) -> None:
        """Adds a query, unless it is very long or has characters that can't be typed."""
        query = " ".join(query.split())
        if not query or len(query) > _MAX_CHARACTERS or not query.isprintable():
            return
        with self._lock:
            queries = self._read()
            queries.pop(query, None)
            queries[query] = None
            if self._lines >= 2 * MAX_QUERIES:
                self._write(list(queries)[-MAX_QUERIES:])
            else:
                self._append(query)

    def beginning(self, text: str, limit: int) -> list[str]:
        """Up to `limit` queries that begin with `text`, ignoring case, the newest first."""
        start = folded(" ".join(text.split())) + (" " if text[-1:].isspace() else "")
        with self._lock:
            queries = list(self._read())
        return [query for query in reversed(queries) if folded(query).startswith(start)][:limit]

    def forget(self, path: bytes) -> None:
        """Removes the queries that contain the path of a file or directory, or one below it."""
        named = re.compile(re.escape(os.fsdecode(path)) + r'(?=[/\s"]|$)')
        with self._lock:
            queries = self._read()
            kept = [query for query in queries if not named.search(query)]
            if len(kept) < len(queries):
                self._write(kept)

    def clear(self) -> int:
        """Removes all queries; returns their number."""
        with self._lock:
            count = len(self._read())
            self._write([])
            return count

    def _read(self) -> dict[str, None]:
        if self._queries is None:
            try:
                lines = read_file(self._path).decode(errors="replace").splitlines()
            except FileNotFoundError:
                lines = []
            self._lines = len(lines)
            newest_first = dict.fromkeys(reversed(lines))
            self._queries = dict.fromkeys(reversed(list(newest_first)[:MAX_QUERIES]))
        return self._queries

    def _append(self, query: str) -> None:
        descriptor = os.open(
            self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o600
        )
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{query}\n")
        self._lines += 1

    def _write(self, queries: list[str]) -> None:
        """Replaces the file as a whole, so that removed queries don't come back."""
        if queries:
            temporary = f"{self._path}.new"
            descriptor = os.open(temporary, os.O_WRONLY | os.O_TRUNC | os.O_CREAT, 0o600)
            try:
                with open(descriptor, "w", encoding="utf-8") as file:
                    file.writelines(f"{query}\n" for query in queries)
                os.replace(temporary, self._path)
            except OSError:
                os.unlink(temporary)  # it takes room on a disk that may be full
                raise
        elif os.path.exists(self._path):
            os.unlink(self._path)
        self._queries = dict.fromkeys(queries)
        self._lines = len(queries)
