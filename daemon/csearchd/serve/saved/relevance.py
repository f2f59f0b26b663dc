"""Which saved searches a change of the library can concern."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.library import Library
from csearchd.library.saved.changes import Changes
from csearchd.library.saved.store import SavedSearch
from csearchd.models.active_model import Models
from csearchd.search import filters
from csearchd.search.engine import Engine
from csearchd.search.request import SearchRequest
from csearchd.serve.indexing_wait import IndexingWait

Numbers = NDArray[np.int64]

_ROUNDING = 1e-4  # of scores that are computed in another way


class Shown(NamedTuple):
    """What a folder shows."""

    search: SavedSearch
    request: SearchRequest  # what was asked, with its vector
    least: float | None  # the limit below which no score meets it
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
        return Shown(search, request, least, state, files)

    def files_of(self, changes: Changes) -> Numbers:
        """The ids of the files that have changed, or whose contents have."""
        files = np.fromiter(changes.files, np.int64, len(changes.files))
        if not changes.contents:
            return files
        contents = np.fromiter(changes.contents, np.int32, len(changes.contents))
        with self._library.memory_lock:
            return np.union1d(files, self._library.catalogue.files_with(contents))

    def concerns(self, shown: Shown, files: Numbers) -> bool:
        """Whether a change of `files` (ids) may change what a folder shows. Raises LibraryError."""
        if shown.state != self._engine.state() or not shown.files.isdisjoint(files.tolist()):
            return True
        near = self._near(shown, files)
        return bool(len(near)) and self._meets_conditions(shown, near)

    def _near(self, shown: Shown, files: Numbers) -> Numbers:
        """Those of some files that may be found by their scores, whatever the conditions."""
        request = shown.request
        with self._library.memory_lock:
            content = self._library.catalogue.content
            files = files[files < len(content)]
            contents = content[files]
        usable = contents > 0
        if request.vector is not None:
            table = self._models.active_model.table
            usable &= table.has(contents)
            if shown.least is not None and usable.any():
                scores = table.vectors(contents[usable]) @ request.vector * request.scale
                usable[usable] = scores >= shown.least - _ROUNDING
        return files[usable]

    def _meets_conditions(self, shown: Shown, files: Numbers) -> bool:
        """Whether one of some files is in the scope and meets all conditions. Raises
        LibraryError."""
        scopes, conditions = shown.search.scopes, shown.request.conditions
        if not (scopes or conditions):
            return True
        scope = self._indexing_wait.scope_of(scopes) if scopes else None
        with self._library.memory_lock:
            mask = self._library.catalogue.files_in(scope)
        mask &= filters.chosen(self._library, conditions, len(mask))
        return bool(mask[files].any())
