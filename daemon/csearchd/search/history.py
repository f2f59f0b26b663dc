"""Past queries, for completion: a file of its own beside the library, which can be thrown away."""

from __future__ import annotations

import os
import re
import threading

from csearchd.paths import read_file

_MOST = 500  # queries
_CHARACTERS = 500  # of a query that is kept


class History:
    """The latest queries, one a line, the newest last. Used by several threads at once.

    All methods raise OSError where the file can't be read or written.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._queries: dict[str, None] | None = None  # read when it is needed first
        self._lines = 0  # of the file: a query that is asked again is appended again

    def add(self, query: str) -> None:
        """Keeps a query, but one that could not be typed, or is very long."""
        query = " ".join(query.split())
        if not query or len(query) > _CHARACTERS or not query.isprintable():
            return
        with self._lock:
            queries = self._read()
            queries.pop(query, None)
            queries[query] = None
            if self._lines >= 2 * _MOST:
                self._write(list(queries)[-_MOST:])
            else:
                self._append(query)

    def beginning(self, text: str, limit: int) -> list[str]:
        """The queries that begin so, case ignored, the newest first."""
        start = " ".join(text.split()).casefold() + (" " if text[-1:].isspace() else "")
        with self._lock:
            queries = list(self._read())
        return [query for query in reversed(queries) if query.casefold().startswith(start)][:limit]

    def forget(self, path: bytes) -> None:
        """Drops the queries that name a file or directory, or something below it."""
        named = re.compile(re.escape(os.fsdecode(path)) + r'(?=[/\s"]|$)')
        with self._lock:
            queries = self._read()
            kept = [query for query in queries if not named.search(query)]
            if len(kept) < len(queries):
                self._write(kept)

    def clear(self) -> int:
        """Drops all; their number."""
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
            self._queries = dict.fromkeys(reversed(list(newest_first)[:_MOST]))
        return self._queries

    def _append(self, query: str) -> None:
        descriptor = os.open(
            self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o600
        )
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{query}\n")
        self._lines += 1

    def _write(self, queries: list[str]) -> None:
        """As a whole or not at all; what is dropped must not come back."""
        if queries:
            temporary = f"{self._path}.new"
            descriptor = os.open(temporary, os.O_WRONLY | os.O_TRUNC | os.O_CREAT, 0o600)
            try:
                with open(descriptor, "w", encoding="utf-8") as file:
                    file.writelines(f"{query}\n" for query in queries)
                os.replace(temporary, self._path)
            except OSError:
                os.unlink(temporary)  # on a full disk it would but take more room
                raise
        elif os.path.exists(self._path):
            os.unlink(self._path)
        self._queries = dict.fromkeys(queries)
        self._lines = len(queries)
