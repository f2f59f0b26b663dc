"""Which saved searches a change of the library can concern."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from csearchd.library.catalogue import NO_FILE
from csearchd.library.library import Library
from csearchd.library.saved.changes import Changes
from csearchd.library.saved.store import SavedSearch
from csearchd.library.vectors.table import VectorTable
from csearchd.models.active_model import Models
from csearchd.search import filters
from csearchd.search.engine import Engine, Mask
from csearchd.search.filters import Files
from csearchd.search.request import SearchRequest
from csearchd.serve.indexing_wait import IndexingWait

_ROUNDING = 1e-4  # of scores that are computed in another way


class Shown(NamedTuple):
    """What a folder shows."""

    search: SavedSearch
    request: SearchRequest  # what was asked, with its vector
    least: float  # the limit below which no score meets it
    state: object  # of the model, at that time
    files: frozenset[int]  # the ids of what was found


class Relevance:
    """Used by threads of the service's workers."""

    def __init__(
        self, library: Library, models: Models, engine: Engine, indexing_wait: IndexingWait
    ) -> None:
        self._library = library
        self._models = models
        self._engine = engine
        self._indexing_wait = indexing_wait

    def shown(
        self, search: SavedSearch, request: SearchRequest, state: object, files: frozenset[int]
    ) -> Shown:
        """`request` is the resolved one that has found `files`; `state` the engine's before."""
        least = None if request.vector is None else self._engine.least_score(request)
        return Shown(search, request, -math.inf if least is None else least, state, files)

    def concerned(self, shown: Sequence[Shown], changes: Changes) -> list[bool]:
        """For each of some folders whether changes may change what it shows. Raises
        LibraryError."""
        table = self._models.active_model.table
        state = self._engine.state()
        files = self._files_of(changes)
        changed = frozenset(files.tolist())
        current = [one for one in shown if one.state == state]
        found, reached = self._reached(current, files, table)
        stay = {
            one.search
            for one, of_one in zip(current, reached, strict=True)
            if one.files.isdisjoint(changed) and not self._meets_conditions(one, found[of_one])
        }
        return [one.search not in stay for one in shown]

    def _files_of(self, changes: Changes) -> Files:
        """The ids of the files that have changed, or whose contents have."""
        files = np.fromiter(changes.files, np.int64, len(changes.files))
        if not changes.contents:
            return files
        contents = np.fromiter(changes.contents, np.int32, len(changes.contents))
        with self._library.memory_lock:
            return np.union1d(files, self._library.catalogue.files_with(contents))

    def _reached(
        self, shown: Sequence[Shown], files: Files, table: VectorTable
    ) -> tuple[Files, Mask]:
        """Those of some files that can be found at all, and for each folder which of them may be
        found by their scores, whatever the conditions: (folders, files)."""
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            files = files[files < len(catalogue.content)]
            files = files[(catalogue.content[files] > 0) & (catalogue.state[files] != NO_FILE)]
            contents = catalogue.content[files]
        reached = np.ones((len(shown), len(files)), np.bool_)
        vectors = {n: v for n, one in enumerate(shown) if (v := one.request.vector) is not None}
        if vectors and len(files):
            asked = np.array(list(vectors))
            least = np.array([shown[n].least for n in vectors], np.float32)
            scored = table.has(contents)
            reached[asked] = scored
            scores = np.stack(list(vectors.values())) @ table.vectors(contents[scored]).T
            reached[np.ix_(asked, np.flatnonzero(scored))] = scores >= least[:, None] - _ROUNDING
        return files, reached

    def _meets_conditions(self, shown: Shown, files: Files) -> bool:
        """Whether one of some files is in the scope and meets all conditions. Raises
        LibraryError."""
        if len(files) and shown.search.scopes:
            files = files[self._indexing_wait.are_below(shown.search.scopes, files)]
        if not len(files):
            return False
        conditions = shown.request.conditions
        return bool(filters.chosen_among(self._library, conditions, files).any())
