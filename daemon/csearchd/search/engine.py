"""The answer: a query's vector, the best contents, and the files that have them."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.encode.serving import Models, Serving
from csearchd.library.library import Library

_CACHED_QUERIES = 256
_PARAMETERS = 500  # in one SQL statement

Scope = NDArray[np.bool_]  # by directory id (DirectoryTree.mask)


class Hit(NamedTuple):
    path: bytes
    score: float


class Engine:
    """Answers queries; used by several threads at once."""

    def __init__(self, library: Library, models: Models) -> None:
        self._library = library
        self._models = models
        self._cache: OrderedDict[tuple[int, str], NDArray[np.float32]] = OrderedDict()
        self._cache_lock = threading.Lock()

    def search(self, query: str, scope: Scope | None, top: int) -> tuple[list[Hit], list[bytes]]:
        """The best `top` files for `query` in `scope` (None: everywhere), best first.

        A file that isn't there any more is left out; the directories of such files come second, to
        be scanned. Files with the same score are in the order of their paths.
        """
        serving = self._models.serving
        vector = self._embed(serving, query)
        with self._library.memory:
            catalogue = self._library.catalogue
            wanted = catalogue.contents(None if scope is None else catalogue.inside(scope))
        hits: list[Hit] = []
        stale: set[bytes] = set()
        count = top + 16  # a few more, for those that have gone
        while True:
            contents, scores = serving.table.search(vector, wanted, count)
            hits, stale = self._files(contents, scores, scope, top)
            if len(hits) >= top or len(contents) < count:
                return hits, sorted(stale)
            count *= 4

    def _embed(self, serving: Serving, query: str) -> NDArray[np.float32]:
        key = (serving.row, query)
        with self._cache_lock:
            if (cached := self._cache.get(key)) is not None:
                self._cache.move_to_end(key)
                return cached
        vector: NDArray[np.float32] = serving.tower.embed([query])[0]
        with self._cache_lock:
            self._cache[key] = vector
            while len(self._cache) > _CACHED_QUERIES:
                self._cache.popitem(last=False)
        return vector

    def _files(
        self,
        contents: NDArray[np.int32],
        scores: NDArray[np.float32],
        scope: Scope | None,
        top: int,
    ) -> tuple[list[Hit], set[bytes]]:
        """The files of the best contents, as many as `top`, and where some were missing."""
        hits: list[Hit] = []
        stale: set[bytes] = set()
        for start in range(0, len(contents), _PARAMETERS):
            chunk = [int(content) for content in contents[start : start + _PARAMETERS]]
            score = dict(zip(chunk, scores[start : start + _PARAMETERS].tolist(), strict=True))
            places: list[Hit] = []
            with self._library.read() as database:
                rows = database.execute(
                    f"SELECT content, directory, name FROM files "
                    f"WHERE content IN ({','.join('?' * len(chunk))})",
                    chunk,
                ).fetchall()
            with self._library.memory:
                for content, directory, name in rows:
                    if scope is not None and not (directory < len(scope) and scope[directory]):
                        continue
                    try:
                        parent = self._library.tree.path(directory)
                    except KeyError:
                        continue  # it has just been removed
                    places.append(Hit(parent.rstrip(b"/") + b"/" + name, score[content]))
            for hit in sorted(places, key=lambda hit: (-hit.score, hit.path)):
                if not os.path.lexists(hit.path):
                    stale.add(os.path.dirname(hit.path))
                elif len(hits) < top:
                    hits.append(hit)
            if len(hits) >= top:
                break
        return hits, stale
