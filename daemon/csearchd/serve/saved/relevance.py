"""Which saved searches a change of the library can concern."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.catalogue import NO_FILE
from csearchd.library.library import Library
from csearchd.library.saved.changes import Changes
from csearchd.library.saved.store import SavedSearch
from csearchd.library.vectors.table import VectorTable
from csearchd.models.active_model import Models
from csearchd.search import filters
from csearchd.search.engine import Engine
from csearchd.search.filters import Files
from csearchd.search.lexical.possible import may_be_named
from csearchd.search.request import Hit, SearchRequest
from csearchd.serve.indexing_wait import IndexingWait

_ROUNDING = 1e-4  # of scores that are computed in another way


class Shown(NamedTuple):
    """What a folder shows."""

    search: SavedSearch
    request: SearchRequest  # what was asked, with its vector
    least: float  # the limit below which no score meets it
    worst: float  # that below which a score finds nothing, unless by name
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
        self, search: SavedSearch, request: SearchRequest, state: object, hits: Sequence[Hit]
    ) -> Shown:
        """`request` is the resolved one that has found `hits`; `state` the engine's before."""
        least = None if request.vector is None else self._engine.least_score(request)
        scores = [hit.score for hit in hits if hit.score is not None and hit.by_name is None]
        is_full = 0 < len(hits) == len(scores) >= request.top  # the best by their scores alone
        return Shown(
            search,
            request,
            -math.inf if least is None else least,
            min(scores) if is_full else -math.inf,
            state,
            frozenset(hit.file for hit in hits),
        )

    def concerned(self, shown: Sequence[Shown], changes: Changes) -> list[bool]:
        """For each of some folders whether changes may change what it shows. Raises
        LibraryError."""
        table = self._models.active_model.table
        state = self._engine.state()
        files = self._files_of(changes)
        changed = frozenset(files.tolist())
        current = [one for one in shown if one.state == state]
        found, scores = self._scores(current, files, table)
        stay = {
            one.search
            for one, its in zip(current, scores, strict=True)
            if one.files.isdisjoint(changed) and not self._may_be_shown(one, found, its)
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

    def _scores(
        self, shown: Sequence[Shown], files: Files, table: VectorTable
    ) -> tuple[Files, NDArray[np.float32]]:
        """Those of some files that can be found at all, and their scores for each folder, (folders,
        files): infinite for filters alone, NaN without a vector."""
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            files = files[files < len(catalogue.content)]
            files = files[(catalogue.content[files] > 0) & (catalogue.state[files] != NO_FILE)]
            contents = catalogue.content[files]
        scores = np.full((len(shown), len(files)), np.inf, np.float32)
        vectors = {n: v for n, one in enumerate(shown) if (v := one.request.vector) is not None}
        if vectors and len(files):
            asked = np.array(list(vectors))
            scored = table.has(contents)
            scores[asked] = np.nan
            found = np.stack(list(vectors.values())) @ table.vectors(contents[scored]).T
            scores[np.ix_(asked, np.flatnonzero(scored))] = found
        return files, scores

    def _may_be_shown(self, shown: Shown, files: Files, scores: NDArray[np.float32]) -> bool:
        """Whether one of some files may be found. Raises LibraryError."""
        reached = scores >= shown.least - _ROUNDING
        high = scores >= shown.worst - _ROUNDING
        if self._meets_conditions(shown, files[reached & high]):
            return True
        low = files[reached & ~high]
        named = may_be_named(self._library, shown.request.parts, low.tolist())
        return named and self._meets_conditions(shown, low)

    def _meets_conditions(self, shown: Shown, files: Files) -> bool:
        """Whether one of some files is in the scope and meets all conditions. Raises
        LibraryError."""
        if len(files) and shown.search.scopes:
            files = files[self._indexing_wait.are_below(shown.search.scopes, files)]
        if not len(files):
            return False
        conditions = shown.request.conditions
        return bool(filters.chosen_among(self._library, conditions, files).any())
