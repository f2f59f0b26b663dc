"""The answer: the best contents for a query's vector, and the files that have them."""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from csearchd import limits
from csearchd.errors import Ended
from csearchd.library.library import Library
from csearchd.models.active_model import ActiveModel, Models
from csearchd.scoring.confidence import LEVELS, ScoreCalibration, ScoreCalibrations
from csearchd.search import duplicates, filters, lexical, sorting
from csearchd.search.file_lookup import find_files
from csearchd.search.query_language.query_vector import Vector
from csearchd.search.request import Answer, Hit, SearchRequest

log = logging.getLogger(__name__)

_ENTRY_BYTES = 400  # of an entry in the cache: what stands around a text and a vector
_GROUPED = 2000  # hits from which on no more are looked for, however few groups they make
_DRAWN = 1000  # of the best, from which some are drawn
_RATED_AT_ONCE = 8192  # contents whose confidence is found
_RATERS = 2  # threads
_MANY = 100  # contents; for fewer another thread, or a look at all files, doesn't pay
_AT_ONCE = 1024  # contents whose files are looked up
_SPARE = 16  # a few more, for those that have gone

Mask = NDArray[np.bool_]
_Found = tuple[bytes, float | None, int, int]  # as a Hit begins, which takes longer to make


class Engine:
    """Answers queries; used by several threads at once."""

    def __init__(
        self,
        library: Library,
        models: Models,
        which_exist: Callable[[Iterable[bytes]], list[bool]],
    ) -> None:
        """`which_exist` says, and soon, at which paths something is."""
        self._which_exist = which_exist
        self._library = library
        self._calibrations = ScoreCalibrations(library.cache)
        self._models = models
        self._cache: OrderedDict[tuple[int, str], Vector] = OrderedDict()
        self._cached = 0  # bytes
        self._cache_lock = threading.Lock()
        self._raters = ThreadPoolExecutor(_RATERS, "rating")

    def prepare(self) -> None:
        """Makes what the first search would have to wait for."""
        self._calibrations.of(self._models.active_model)

    def embed(self, text: str) -> Vector:
        """The vector of a text."""
        active_model = self._models.active_model
        key = (active_model.row, text)
        with self._cache_lock:
            if (cached := self._cache.get(key)) is not None:
                self._cache.move_to_end(key)
                return cached
        vector: Vector = active_model.tower.embed([text])[0]
        with self._cache_lock:
            if key not in self._cache:  # another thread may have been faster
                self._cache[key] = vector
                self._cached += _size(text, vector)
            while self._cached > limits.EMBEDDED_BYTES:
                (_, oldest), its = self._cache.popitem(last=False)
                self._cached -= _size(oldest, its)
        return vector

    def calibration(self, active_model: ActiveModel) -> ScoreCalibration:
        """What the scores of a model that serves are compared with."""
        return self._calibrations.of(active_model)

    def search(self, request: SearchRequest) -> Answer:
        """What is asked for. Files that aren't there any more are left out, and those with the same
        score in the order of their paths. Raises LibraryError."""
        if request.random:
            return self._drawn(request)
        return self._grouped(request) if request.group else self._found(request)

    def _found(self, request: SearchRequest) -> Answer:
        files = self._chosen(request)
        if request.vector is None:
            return self._listed(request, files)
        end = request.offset + request.top
        count = end + _SPARE
        wanted = self._contents(files, request)
        while True:
            request.check()
            contents, scores, all_seen = self._best(request, files, wanted, count)
            rating = None
            # It takes as long as the files do, on another processor.
            if len(contents) > _MANY and not request.offset:
                rating = self._raters.submit(self._rating, request, wanted, contents)
                rating.add_done_callback(_log_error)  # it may not be needed
            found, stale = self._files(request, contents, scores, files, end)
            if len(found) >= end or all_seen:
                break
            count *= 4
        found = found[request.offset : end]
        if rating:
            sure = rating.result()
        else:
            chosen = np.array([content for *_, content in found], np.int32)
            sure = self._rating(request, wanted, chosen)
        hits = [
            Hit(path, score, file, content, sure.get(content))
            for path, score, file, content in found
        ]
        return Answer(sorting.sort_hits(self._library, hits, request), stale)

    def _grouped(self, request: SearchRequest) -> Answer:
        """As many groups of near-duplicates as files are asked for."""
        end = request.offset + request.top
        count = 2 * end + _SPARE
        ranked = request.sort if request.vector is None else None
        backwards = request.reverse and request.vector is None
        while True:
            request.check()
            answer = self._found(
                replace(request, top=count, offset=0, sort=ranked, reverse=backwards)
            )
            active_model, metadata = self._models.active_model, self._library.photo_metadata
            calibration = self._calibrations.of(active_model)
            groups = duplicates.group_hits(answer.hits, active_model.table, calibration, metadata)
            if len(groups) >= end or len(answer.hits) < count or count >= _GROUPED:
                break
            count *= 4
        hits = [group[0]._replace(similar=len(group) - 1) for group in groups[request.offset : end]]
        if request.vector is not None:
            hits = sorting.sort_hits(self._library, hits, request)
        return Answer(hits, answer.stale)

    def _drawn(self, request: SearchRequest) -> Answer:
        """Any of those that match: of the words' matches those that are at least fair."""
        if request.vector is not None:
            at_least_fair = request.min_score is None and not request.min_level
            lowest = "fair" if at_least_fair else request.min_confidence
            asked = replace(request, offset=0, top=_DRAWN, min_confidence=lowest, sort=None)
            hits, stale = self._found(asked)
            hits = random.sample(hits, min(len(hits), request.top))
            return Answer(sorting.sort_hits(self._library, hits, request), stale)
        files = self._chosen(request)
        if files is None:
            files = self._inside(request)
        chosen = np.flatnonzero(files & (self._library.catalogue.content[: len(files)] > 0))
        some = np.random.default_rng().permutation(chosen)[: request.top + _SPARE].tolist()
        hits, missing = self._there(some, request.top)
        return Answer(sorting.sort_hits(self._library, hits, request), missing)

    def candidate_count(self, request: SearchRequest) -> int:
        """Among how many contents the best are found."""
        return int(np.count_nonzero(self._contents(self._chosen(request), request)))

    def count(self, request: SearchRequest) -> int:
        """How many files would be found if there were no end; some may have gone."""
        files = self._chosen(request)
        if files is None:
            files = self._inside(request)
        contents = self._library.catalogue.content[: len(files)]
        if request.vector is None:
            return int(np.count_nonzero(files & (contents > 0)))
        if request.min_score is None and not request.min_level:
            wanted = files & self._models.active_model.table.has(contents)
            wanted &= ~np.isin(contents, list(request.without))
            return int(np.count_nonzero(wanted))
        count = 4096
        wanted = self._contents(files, request)
        while True:
            request.check()
            found, _, all_seen = self._best(request, files, wanted, count)
            if all_seen:
                return int(np.count_nonzero(files & np.isin(contents, found)))
            count *= 8

    def _chosen(self, request: SearchRequest) -> Mask | None:
        """By file id: whether a file is in the scope and meets the conditions; None: any file."""
        if request.scope is None and not request.conditions:
            return None
        files = self._inside(request)
        if request.conditions:
            files &= filters.chosen(self._library, request.conditions, len(files), request.check)
        return files

    def _inside(self, request: SearchRequest) -> Mask:
        with self._library.memory_lock:
            return self._library.catalogue.files_in(request.scope)

    def _best(
        self, request: SearchRequest, files: Mask | None, wanted: Mask, count: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], bool]:
        """Of the best `count` contents of some files, which are `wanted`, those that are good
        enough, their scores, and whether there are no more."""
        assert request.vector is not None
        active_model = self._models.active_model
        contents, scores = active_model.table.search(request.vector, wanted, count)
        scores = scores * np.float32(request.scale)
        if request.label:
            raised = self._raised(active_model, request, files, count)
            contents, scores = _merged([(contents, scores), *raised], count)
        all_seen = len(contents) < count
        min_score = self._min_score(active_model, request, wanted)
        if min_score is not None:
            kept = scores >= min_score
            all_seen = all_seen or not kept.all()
            contents, scores = contents[kept], scores[kept]
        if request.min_level and len(contents):
            levels = self._levels(active_model, request, wanted, contents)
            if levels is not None:
                kept = levels >= request.min_level
                contents, scores = contents[kept], scores[kept]
        return contents, scores, all_seen

    def _min_score(
        self, active_model: ActiveModel, request: SearchRequest, wanted: Mask
    ) -> float | None:
        """The lowest score that what is found can have."""
        assert request.vector is not None
        if not request.min_level or request.label:
            return request.min_score
        calibration = self._calibrations.of(active_model)
        candidate_count = int(np.count_nonzero(wanted))
        min_score = calibration.min_score(
            request.vector, candidate_count, request.like, request.min_level
        )
        return min_score if request.min_score is None else max(min_score, request.min_score)

    def _levels(
        self,
        active_model: ActiveModel,
        request: SearchRequest,
        wanted: Mask,
        contents: NDArray[np.int32],
    ) -> NDArray[np.int8] | None:
        """The confidence of contents, by number; None where it can't be told."""
        assert request.vector is not None
        calibration = self._calibrations.of(active_model)
        candidate_count = int(np.count_nonzero(wanted))
        parts = []
        for start in range(0, len(contents), _RATED_AT_ONCE):
            request.check()
            vectors = active_model.table.vectors(contents[start : start + _RATED_AT_ONCE])
            levels = calibration.levels(request.vector, vectors, candidate_count, request.like)
            if levels is None:
                return None
            parts.append(levels)
        return np.concatenate(parts)

    def _rating(
        self, request: SearchRequest, wanted: Mask, contents: NDArray[np.int32]
    ) -> dict[int, str]:
        """The confidence of contents where it can be told."""
        active_model = self._models.active_model
        if not len(contents) or not active_model.table.has(contents).all():
            return {}  # nothing there, or the model has just changed
        levels = self._levels(active_model, request, wanted, contents)
        if levels is None:
            return {}
        names = (LEVELS[level] for level in levels.tolist())
        return dict(zip(contents.tolist(), names, strict=True))

    def _contents(self, files: Mask | None, request: SearchRequest) -> Mask:
        """By content id: whether one of the files has it and it isn't left out."""
        with self._library.memory_lock:
            wanted = self._library.catalogue.contents_of(files)
        if request.without:
            wanted = wanted.copy()  # it is kept for other searches
            wanted[[content for content in request.without if content < len(wanted)]] = False
        return wanted

    def _raised(
        self, active_model: ActiveModel, request: SearchRequest, files: Mask | None, count: int
    ) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        """The best contents that have some of the label's words, for each share of them."""
        assert request.vector is not None and request.label
        if files is None:
            files = self._inside(request)
        shares = lexical.shares(self._library, request.label, len(files))
        shares[~files] = 0
        for share in np.unique(shares[shares > 0]):
            request.check()
            wanted = self._contents(shares == share, request)
            contents, scores = active_model.table.search(request.vector, wanted, count)
            bonus = request.label_weight * lexical.BONUS * float(share)
            yield contents, scores * np.float32(request.scale) + np.float32(bonus)

    def _files(
        self,
        request: SearchRequest,
        contents: NDArray[np.int32],
        scores: NDArray[np.float32],
        files: Mask | None,
        top: int,
    ) -> tuple[list[_Found], list[bytes]]:
        """The files of the best contents, as many as `top`, and where some were missing."""
        kept: list[_Found] = []
        stale: set[bytes] = set()
        for start in range(0, len(contents), _AT_ONCE):
            request.check()
            chunk = contents[start : start + _AT_ONCE]
            score = dict(
                zip(chunk.tolist(), scores[start : start + _AT_ONCE].tolist(), strict=True)
            )
            ranked = sorted(
                (-score[content], path, file, content)
                for file, content, path in self._rows_of(chunk)
                if content in score and (files is None or (file < len(files) and files[file]))
            )
            found = [(path, -minus, file, content) for minus, path, file, content in ranked]
            self._keep(found, kept, stale, top)
            if len(kept) >= top:
                break
        return kept, sorted(stale)

    def _rows_of(self, contents: NDArray[np.int32]) -> Iterator[tuple[int, int, bytes]]:
        """As `find_files`, of the files that have some contents; perhaps of others that have just
        changed."""
        if len(contents) <= _MANY:
            return find_files(self._library, "content", contents.tolist())
        with self._library.memory_lock:
            numbers = self._library.catalogue.files_with(contents)
        return find_files(self._library, "id", numbers.tolist())  # half the pages of the database

    def _keep(
        self, found: Sequence[_Found], kept: list[_Found], stale: set[bytes], top: int
    ) -> None:
        """Moves what is there to `kept`, up to `top`, and notes where something is missing."""
        while found and len(kept) < top:
            few, found = found[: top - len(kept)], found[top - len(kept) :]
            for each, exists in zip(few, self._which_exist(one[0] for one in few), strict=True):
                if exists:
                    kept.append(each)
                else:
                    stale.add(os.path.dirname(each[0]))

    def _listed(self, request: SearchRequest, files: Mask | None) -> Answer:
        """Files that meet the conditions, in order."""
        if files is None:
            files = self._inside(request)
        files = files & (self._library.catalogue.content[: len(files)] > 0)
        end = request.offset + request.top
        count = end + _SPARE
        while True:
            request.check()
            chosen = sorting.first(self._library, np.flatnonzero(files), request, count)
            hits, stale = self._there(chosen, end)
            if len(hits) >= end or len(chosen) < count:
                return Answer(hits[request.offset : end], stale)
            count *= 4

    def _there(self, files: Sequence[int], top: int) -> tuple[list[Hit], list[bytes]]:
        """Up to `top` of some files, in their order, and where some were missing."""
        rows = find_files(self._library, "id", files)
        known = {file: (path, None, file, content) for file, content, path in rows}
        found = [known[file] for file in files if file in known]
        kept: list[_Found] = []
        stale: set[bytes] = set()
        self._keep(found, kept, stale, top)
        return [Hit(*each) for each in kept], sorted(stale)


def _log_error(done: Future[dict[int, str]]) -> None:
    if done.cancelled() or (error := done.exception()) is None:
        return
    if not isinstance(error, Ended):
        log.error("rating what was found failed", exc_info=error)


def _size(text: str, vector: Vector) -> int:
    """Bytes of memory that they take, with what the cache adds."""
    return sys.getsizeof(text) + vector.nbytes + _ENTRY_BYTES


def _merged(
    parts: Sequence[tuple[NDArray[np.int32], NDArray[np.float32]]], count: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The best `count` of several lists; a content that is in more than one has its best score."""
    contents = np.concatenate([part[0] for part in parts])
    scores = np.concatenate([part[1] for part in parts])
    ranking = np.argsort(-scores, kind="stable")
    _, first = np.unique(contents[ranking], return_index=True)
    chosen = ranking[np.sort(first)[:count]]
    return contents[chosen], scores[chosen]
