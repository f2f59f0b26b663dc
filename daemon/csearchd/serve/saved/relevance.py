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
from csearchd.search.lexical.possible import Holders, WordsOfFiles
from csearchd.search.lexical.query_words import QueryWord, query_words
from csearchd.search.request import Hit, SearchRequest
from csearchd.serve.indexing_wait import IndexingWait

_ROUNDING = 1e-4  # of scores that are computed in another way
_NO_HOLDERS = Holders(np.zeros(0, np.int64), math.inf)


class Moment(NamedTuple):
    """When a search is asked."""

    state: object  # of the model
    changed: int  # how many files have changed until then
    words: Sequence[QueryWord]  # by which pictures are found by name
    holders: Holders


class Shown(NamedTuple):
    """What a folder shows."""

    search: SavedSearch
    request: SearchRequest  # what was asked, with its vector
    words: Sequence[QueryWord]  # by which pictures are found by name
    least: float  # the limit below which no score meets it
    worst: float  # that below which a score finds nothing, unless by name
    state: object  # of the model, at that time
    files: Files  # the ids of what was found, and of what tells how much a word says
    others: float  # how many others may change before that is told otherwise
    counted: int  # how many had changed, at that time


class Relevance:
    """Used by threads of the service's workers."""

    def __init__(
        self, library: Library, models: Models, engine: Engine, indexing_wait: IndexingWait
    ) -> None:
        self._library = library
        self._models = models
        self._engine = engine
        self._indexing_wait = indexing_wait
        self._changed = 0  # files, since the start

    def moment(self, request: SearchRequest) -> Moment:
        """To be taken before a resolved request is asked: what changes meanwhile is noticed. Raises
        LibraryError."""
        state, changed = self._engine.state(), self._changed
        words = [] if request.vector is None else query_words(request.parts)
        holders = self._engine.holders(request) if words else _NO_HOLDERS
        return Moment(state, changed, words, holders)

    def shown(
        self, search: SavedSearch, request: SearchRequest, moment: Moment, hits: Sequence[Hit]
    ) -> Shown:
        """`request` is the resolved one that has found `hits`."""
        least = None if request.vector is None else self._engine.least_score(request)
        holders = moment.holders
        scores = [hit.score for hit in hits if hit.score is not None and hit.by_name is None]
        is_full = 0 < len(hits) == len(scores) >= request.top  # the best by their scores alone
        least = -math.inf if least is None else least
        worst = min(scores) if is_full else -math.inf
        if request.or_named:
            least, worst = -math.inf, max(least, worst)
        files = np.union1d(holders.files, np.array([hit.file for hit in hits], np.int64))
        return Shown(
            search, request, moment.words, least, worst, moment.state, files, holders.others,
            moment.changed,
        )  # fmt: skip

    def concerned(self, shown: Sequence[Shown], changes: Changes) -> list[bool]:
        """For each of some folders whether changes may change what it shows. Raises
        LibraryError."""
        table = self._models.active_model.table
        state = self._engine.state()
        files = self._files_of(changes)
        self._changed += len(files)
        current = [
            one
            for one in shown
            if one.state == state
            and self._changed - one.counted < one.others
            and not _has_any(one.files, files)
        ]
        found, scores = self._scores(current, files, table)
        words = WordsOfFiles(self._library, found)
        stay = {
            one.search
            for one, its in zip(current, scores, strict=True)
            if not self._may_be_shown(one, found, its, words)
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

    def _may_be_shown(
        self, shown: Shown, files: Files, scores: NDArray[np.float32], words: WordsOfFiles
    ) -> bool:
        """Whether one of some files, whose words are `words`, may be found. Raises LibraryError."""
        reached = scores >= shown.least - _ROUNDING
        high = scores >= shown.worst - _ROUNDING
        if self._meets_conditions(shown, files[reached & high]):
            return True
        if words.show_right(shown.words):
            return True
        named = words.having(shown.words)
        low = files[reached & ~high & np.isin(files, named)] if len(named) else named
        return self._meets_conditions(shown, low)

    def _meets_conditions(self, shown: Shown, files: Files) -> bool:
        """Whether one of some files is in the scope and meets all conditions. Raises
        LibraryError."""
        if len(files) and shown.search.scopes:
            files = files[self._indexing_wait.are_below(shown.search.scopes, files)]
        if not len(files):
            return False
        conditions = shown.request.conditions
        return bool(filters.chosen_among(self._library, conditions, files).any())


def _has_any(ascending: Files, some: Files) -> bool:
    """Whether an array has one of some files in it; quicker than numpy's own for few of them."""
    if not len(ascending):
        return False
    places = np.minimum(np.searchsorted(ascending, some), len(ascending) - 1)
    return bool((ascending[places] == some).any())
