"""The search engine: ranks contents by their vectors, and finds the files that have them."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from csearchd.errors import Ended, LibraryError
from csearchd.library.library import Library
from csearchd.models.active_model import ActiveModel, Models
from csearchd.scoring.confidence import ScoreCalibration, ScoreCalibrations, levels_of
from csearchd.search import filters, sorting
from csearchd.search.duplicates.results import group_hits
from csearchd.search.file_lookup import find_files
from csearchd.search.lexical import labels
from csearchd.search.lexical.fusion import Lexical, Lifted, fused
from csearchd.search.lexical.possible import Holders, holders
from csearchd.search.lexical.query_words import query_words
from csearchd.search.offering import LOOKED_AT, offered
from csearchd.search.query_language.query_vector import Vector
from csearchd.search.request import Answer, Hit, SearchRequest, matches_well
from csearchd.search.text_vectors import TextVectors

_MAX_GROUPED = 2000  # hits that are looked at to fill a page with groups
_MAX_DRAWN = 1000  # of the best hits, from which random ones are drawn
_RATING_CHUNK = 8192  # contents whose confidence is computed at once
_RATING_THREADS = 2
_FEW_CONTENTS = 100  # up to which neither a thread nor a pass over all files pays
_CHUNK = 1024  # contents whose files are looked up at once
_MARGIN = 16  # more files than asked for, in case some don't exist any more

Mask = NDArray[np.bool_]
_Found = tuple[bytes, float | None, int, int]
"""Path, score, file and content: the first fields of a Hit, which takes longer to make."""


class Engine:
    """Answers search requests. Used by several threads at once.

    Masks are arrays of bool: over files by file id, or over contents by content id. What isn't
    within a mask's length is not meant.
    """

    def __init__(
        self,
        library: Library,
        models: Models,
        which_exist: Callable[[Iterable[bytes]], list[bool]],
        report_failure: Callable[[str, BaseException], object],
    ) -> None:
        """`which_exist` tells for some paths whether they exist, within a short time.

        `report_failure` is called with the name and the error of background work that has failed.
        """
        self._report_failure = report_failure
        self._which_exist = which_exist
        self._library = library
        self._calibrations = ScoreCalibrations(library.cache)
        self._lexical = Lexical(library, self._calibrations)
        self._models = models
        self._texts = TextVectors()
        self._raters = ThreadPoolExecutor(_RATING_THREADS, "rating")

    def prepare(self) -> None:
        """Computes what the first search would have to wait for."""
        self._calibrations.of(self._models.active_model)

    def embed(self, text: str, language: str = "") -> Vector:
        """The active model's unit vector of a text in a language (TextTower.embed), (dimensions,).
        Cached."""
        return self._texts.embed(self._models.active_model, text, language)

    def calibration(self, active_model: ActiveModel) -> ScoreCalibration:
        """The calibration of the active model's scores."""
        return self._calibrations.of(active_model)

    def search(self, request: SearchRequest) -> Answer:
        """The answer to a request.

        Files that don't exist any more are left out. Those with the same score are sorted by path.
        Raises LibraryError, and whatever `request.check` raises.
        """
        if request.random:
            return self._random(request)
        if request.offered:
            return self._offered(request)
        return self._grouped(request) if request.group else self._ranked(request)

    def _ranked(self, request: SearchRequest) -> Answer:
        files = self._file_mask(request)
        if request.vector is None:
            return self._unranked(request, files)
        end = request.offset + request.top
        count = end + _MARGIN
        wanted = self._content_mask(files, request)
        lifted = self._lexical.find(request, self._models.active_model, files)
        while True:
            request.check()
            contents, scores, all_seen = self._top(request, files, wanted, count, lifted)
            rating = None
            # Runs beside the look-up of files, which takes as long.
            if request.like and len(contents) > _FEW_CONTENTS and not request.offset:
                rating = self._raters.submit(self._confidences, request, contents, scores)
                # The result may never be asked for.
                rating.add_done_callback(partial(self._report_error, request.model))
            found, stale = self._files(request, contents, scores, files, end, lifted)
            if len(found) >= end or all_seen:
                break
            count *= 4
        best = found[:1]
        page = found[request.offset : end]
        if rating:
            sure = rating.result()
        else:
            chosen = [*best, *page]
            sure = self._confidences(
                request,
                np.array([content for *_, content in chosen], np.int32),
                np.array([score for _, score, *_ in chosen], np.float32),
            )
        hits, first = ([Hit(*one, sure.get(one[-1])) for one in some] for some in (page, best))
        nearest = not lifted and not all(map(matches_well, first))
        if lifted:
            words = lifted.matches.words_of([hit.file for hit in hits])
            hits = [hit._replace(by_name=by) for hit, by in zip(hits, words, strict=True)]
        return Answer(sorting.sort_hits(self._library, hits, request), stale, nearest)

    def _grouped(self, request: SearchRequest) -> Answer:
        """One file for each group of near-duplicates, until the page is full."""
        end = request.offset + request.top
        count = 2 * end + _MARGIN
        ranked = request.sort if request.vector is None else None
        backwards = request.reverse and request.vector is None
        while True:
            request.check()
            answer = self._ranked(
                replace(request, top=count, offset=0, sort=ranked, reverse=backwards)
            )
            active_model = self._models.active_model
            calibration = self._calibrations.of(active_model)
            groups = group_hits(
                answer.hits,
                active_model.table,
                calibration,
                self._library,
                end,
                request.check,
                named=bool(request.alike),
            )
            if len(groups) >= end or len(answer.hits) < count or count >= _MAX_GROUPED:
                break
            count *= 4
        hits = groups[request.offset :]
        if request.vector is not None:
            hits = sorting.sort_hits(self._library, hits, request)
        return answer._replace(hits=hits)

    def _offered(self, request: SearchRequest) -> Answer:
        answer = self._ranked(replace(request, top=LOOKED_AT * request.top))
        return offered(answer, request, self._models.active_model)

    def _random(self, request: SearchRequest) -> Answer:
        """Random ones of the files that match; with a vector, of those that are at least fair or
        found by name, unless the request says what the least is."""
        if request.vector is not None:
            answer = self._ranked(replace(request, offset=0, top=_MAX_DRAWN, sort=None))
            hits = answer.hits
            if request.has_no_least:
                hits = [hit for hit in hits if hit.by_name or matches_well(hit)]
            hits = random.sample(hits, min(len(hits), request.top))
            return Answer(sorting.sort_hits(self._library, hits, request), answer.stale)
        files = self._file_mask(request)
        if files is None:
            files = self._scope_mask(request)
        chosen = np.flatnonzero(self._library.catalogue.pictures(files))
        some = np.random.default_rng().permutation(chosen)[: request.top + _MARGIN].tolist()
        hits, missing = self._existing(some, request.top)
        return Answer(sorting.sort_hits(self._library, hits, request), missing)

    def candidate_count(self, request: SearchRequest) -> int:
        """The number of contents that the best are chosen from."""
        return int(np.count_nonzero(self._content_mask(self._file_mask(request), request)))

    def count(self, request: SearchRequest) -> int:
        """The number of files that match; some of them may not exist any more."""
        if request.has_no_least:
            request = replace(request, min_confidence="fair")
        files = self._file_mask(request)
        if files is None:
            files = self._scope_mask(request)
        contents = self._library.catalogue.content[: len(files)]
        if request.vector is None:
            return int(np.count_nonzero(self._library.catalogue.pictures(files)))
        if request.min_score is None and not request.min_level:
            wanted = files & self._models.active_model.table.has(contents)
            wanted &= ~np.isin(contents, list(request.without))
            return int(np.count_nonzero(wanted))
        active_model = self._models.active_model
        wanted = self._content_mask(files, request)
        if request.label:
            found, _, _ = self._top(request, files, wanted, len(active_model.table))
        else:
            limit = self._min_score(active_model, request)
            assert limit is not None
            found = active_model.table.at_least(request.vector, wanted, limit, request.check)
        return int(np.count_nonzero(files & np.isin(contents, found)))

    def state(self) -> object:
        """What scores, and what is fair, depend on beside the picture: equal while they stay."""
        active_model = self._models.active_model
        calibration = self._calibrations.of(active_model)
        return active_model.row, active_model.model.text_fingerprint, calibration

    def least_score(self, request: SearchRequest) -> float | None:
        """The limit below which no score meets a request with a vector, if there is one."""
        return self._min_score(self._models.active_model, request)

    def holders(self, request: SearchRequest) -> Holders:
        """Whose change may change what a request finds by name. Raises LibraryError."""
        files = self._file_mask(request)
        if files is None:
            files = self._scope_mask(request)
        return holders(self._library, query_words(request.parts), files, request.scope)

    def _file_mask(self, request: SearchRequest) -> Mask | None:
        """The files in the scope that meet the conditions, by file id; None for all files."""
        if request.scope is None and not request.conditions:
            return None
        files = self._scope_mask(request)
        if request.conditions:
            files &= filters.chosen(self._library, request.conditions, len(files), request.check)
        return files

    def _scope_mask(self, request: SearchRequest) -> Mask:
        with self._library.memory_lock:
            return self._library.catalogue.files_in(request.scope)

    def _top(
        self,
        request: SearchRequest,
        files: Mask | None,
        wanted: Mask,
        count: int,
        lifted: Lifted | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], bool]:
        """The best `count` contents, less those below the limits of the request.

        `files` is the mask over files (None for all), and `wanted` that over their contents.
        Returns content ids, best first, their scores, and whether there are no further ones.
        """
        assert request.vector is not None
        active_model = self._models.active_model
        contents, scores = active_model.table.search(request.vector, wanted, count)
        scores = scores * np.float32(request.scale)
        if request.label:
            raised = []
            for mask, bonus in labels.masks(self._library, request, files):
                both = wanted[: len(mask)] & mask[: len(wanted)]
                raised.append((*active_model.table.search(request.vector, both, count), bonus))
            contents, scores = labels.merged(contents, scores, raised, request.scale, count)
        all_seen = len(contents) < count
        min_score = self._min_score(active_model, request)
        if min_score is not None:
            kept = scores >= min_score
            all_seen = all_seen or not kept.all()
            contents, scores = contents[kept], scores[kept]
        if lifted:
            best = contents, scores
            contents, scores = fused(active_model, request, lifted, *best, count, min_score)
            all_seen = all_seen and len(contents) < count
        if request.min_level and request.label and len(contents):
            sure = self._probabilities(active_model, request, contents)
            if sure is not None:
                kept = levels_of(sure) >= request.min_level
                contents, scores = contents[kept], scores[kept]
        return contents, scores, all_seen

    def _min_score(self, active_model: ActiveModel, request: SearchRequest) -> float | None:
        """The limit below which no score meets the request, if there is one."""
        assert request.vector is not None
        if not request.min_level or request.label:
            return request.min_score
        if not request.telling:
            return math.inf
        calibration = self._calibrations.of(active_model)
        least = calibration.min_score(request.vector, request.min_level, request.like)
        return least if request.min_score is None else max(least, request.min_score)

    def _probabilities(
        self, active_model: ActiveModel, request: SearchRequest, contents: NDArray[np.int32]
    ) -> NDArray[np.float32] | None:
        """How likely contents show what was asked, (contents,); None if it can't be told."""
        assert request.vector is not None
        calibration = self._calibrations.of(active_model)
        parts = []
        for start in range(0, len(contents), _RATING_CHUNK):
            request.check()
            vectors = active_model.table.vectors(contents[start : start + _RATING_CHUNK])
            sure = calibration.probabilities(request.vector, vectors, request.like)
            if sure is None:
                return None
            parts.append(sure)
        return np.concatenate(parts)

    def _confidences(
        self, request: SearchRequest, contents: NDArray[np.int32], scores: NDArray[np.float32]
    ) -> dict[int, float]:
        """The probability of contents, by content id; empty if it can't be told."""
        active_model = self._models.active_model
        if not len(contents) or not active_model.table.has(contents).all():
            return {}  # nothing was found, or the model has just changed
        sure: NDArray[np.float32] | None
        if not request.telling:  # no picture is more likely to show it than another one
            sure = np.zeros(len(contents), np.float32)
        elif request.like:  # near-duplicates of a picture are told by their vectors
            sure = self._probabilities(active_model, request, contents)
        else:
            assert request.vector is not None
            sure = self._calibrations.of(active_model).of_scores(request.vector, scores)
        if sure is None:
            return {}
        return dict(zip(contents.tolist(), sure.tolist(), strict=True))

    def _content_mask(self, files: Mask | None, request: SearchRequest) -> Mask:
        """The contents of `files` (None for all files) less `request.without`, by content id."""
        with self._library.memory_lock:
            wanted = self._library.catalogue.contents_of(files)
        if request.without:
            wanted = wanted.copy()  # the catalogue keeps it for other searches
            wanted[[content for content in request.without if content < len(wanted)]] = False
        return wanted

    def _files(
        self,
        request: SearchRequest,
        contents: NDArray[np.int32],
        scores: NDArray[np.float32],
        files: Mask | None,
        top: int,
        lifted: Lifted | None,
    ) -> tuple[list[_Found], list[bytes]]:
        """The first `top` existing files of some contents, best first.

        Also returns the directories from which files have vanished. `files` restricts them; None
        for all files.
        """
        kept: list[_Found] = []
        stale: set[bytes] = set()
        # Another file with the same content may be the one that is found by name.
        least = self.least_score(request) if lifted and request.or_named else None
        for start in range(0, len(contents), _CHUNK):
            request.check()
            chunk = contents[start : start + _CHUNK]
            score = dict(zip(chunk.tolist(), scores[start : start + _CHUNK].tolist(), strict=True))
            known = [
                (-score[content], path, file, content)
                for file, content, path in self._files_with(chunk)
                if content in score and (files is None or (file < len(files) and files[file]))
            ]
            if lifted:
                added = lifted.added([file for _, _, file, _ in known])
                pairs = [
                    (one, more)
                    for one, more in zip(known, added, strict=True)
                    if least is None or more or -one[0] >= least
                ]
                ranked = [one for _, one in sorted((one[0] - more, one) for one, more in pairs)]
            else:
                ranked = sorted(known)
            found = [(path, -minus, file, content) for minus, path, file, content in ranked]
            self._take_existing(found, kept, stale, top)
            if len(kept) >= top:
                break
        return kept, sorted(stale)

    def _files_with(self, contents: NDArray[np.int32]) -> Iterator[tuple[int, int, bytes]]:
        """Id, content and path of the files with some contents, as `find_files` gives them.

        Others may be among them, whose content has just changed.
        """
        if len(contents) <= _FEW_CONTENTS:
            return find_files(self._library, "content", contents.tolist())
        with self._library.memory_lock:
            numbers = self._library.catalogue.files_with(contents)
        # Reads half as many pages of the database.
        return find_files(self._library, "id", numbers.tolist())

    def _take_existing(
        self, found: Sequence[_Found], kept: list[_Found], stale: set[bytes], top: int
    ) -> None:
        """Appends existing files to `kept`, up to `top`, and directories of others to `stale`."""
        while found and len(kept) < top:
            few, found = found[: top - len(kept)], found[top - len(kept) :]
            for each, exists in zip(few, self._which_exist(one[0] for one in few), strict=True):
                if exists:
                    kept.append(each)
                else:
                    stale.add(os.path.dirname(each[0]))

    def _unranked(self, request: SearchRequest, files: Mask | None) -> Answer:
        """The files that meet the conditions, in the order that is asked for, without scores."""
        if files is None:
            files = self._scope_mask(request)
        files = self._library.catalogue.pictures(files)
        end = request.offset + request.top
        count = end + _MARGIN
        while True:
            request.check()
            chosen = sorting.first(self._library, np.flatnonzero(files), request, count)
            hits, stale = self._existing(chosen, end)
            if len(hits) >= end or len(chosen) < count:
                return Answer(hits[request.offset : end], stale)
            count *= 4

    def _existing(self, files: Sequence[int], top: int) -> tuple[list[Hit], list[bytes]]:
        """Up to `top` existing ones of some files, and directories from which files vanished."""
        rows = find_files(self._library, "id", files)
        known = {file: (path, None, file, content) for file, content, path in rows}
        found = [known[file] for file in files if file in known]
        kept: list[_Found] = []
        stale: set[bytes] = set()
        self._take_existing(found, kept, stale, top)
        return [Hit(*each) for each in kept], sorted(stale)

    def _report_error(self, model: int, done: Future[dict[int, float]]) -> None:
        """Reports what nobody expects: a change of the model during a search is answered by
        another search, and a library that fails is told to whoever searches."""
        if done.cancelled() or (error := done.exception()) is None:
            return
        same_model = self._models.active_model.row == model
        if same_model and not isinstance(error, (Ended, LibraryError)):
            self._report_failure("computing the confidence of results", error)
