"""Answers the operation `home`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date

import numpy as np

from csearch.protocol.wire import Message
from csearchd.concurrency.threads import Cancellation
from csearchd.concurrency.workers import Workers
from csearchd.errors import TagsError
from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.requests.exchange import Exchange
from csearchd.requests.home import HomeRequest
from csearchd.search.file_lookup import find_files
from csearchd.search.places.geocoder import Geocoder
from csearchd.serve.home import pictures
from csearchd.serve.home.pictures import Files
from csearchd.serve.operations import Handlers
from csearchd.tags.tag_scorer import TagScorer

_RECENT = 24  # pictures
_YEARS, _PER_YEAR = 5, 6
_QUERIES = 6
_SAMPLE = 256  # pictures whose contents stand for all
_WORDS = 8
_SHARE = 0.02  # of the sample, below which a word isn't frequent


class HomeHandlers:
    def __init__(
        self,
        library: Library,
        models: Models,
        scoring: TagScorer,
        places: Geocoder,
        past_queries: Callable[[str], list[str]],
        existing_paths: Callable[[Iterable[bytes]], list[bool]],
        workers: Workers,
    ) -> None:
        self._library = library
        self._models = models
        self._scoring = scoring
        self._places = places
        self._past_queries = past_queries
        self._existing_paths = existing_paths
        self._workers = workers
        self._words: tuple[object, list[str]] = (None, [])  # of which model and number of files
        # After how many changes of the library:
        self._files: tuple[int, Files] = (-1, np.zeros(0, np.int64))
        self._frequent: tuple[int, list[str]] = (-1, [])  # places

    def handlers(self) -> Handlers:
        return {HomeRequest: self._home}

    async def _home(self, request: HomeRequest, exchange: Exchange) -> Message:
        if request.words:
            return {"words": await self._workers.compute("explain", self._frequent_words)}
        if request.memories:
            return await self._workers.wait(self._memories)
        return {
            "recent": await self._workers.wait(self._recent),
            "queries": (await self._workers.answer(self._past_queries, ""))[:_QUERIES],
        }

    def _recent(self) -> list[bytes]:
        latest = pictures.latest(self._library, self._readable(), _RECENT)
        paths = self._paths(latest)
        return [paths[file] for file in latest if file in paths]

    def _memories(self) -> Message:
        library, files = self._library, self._readable()
        years = list(pictures.on_this_day(library, files, date.today(), _YEARS, _PER_YEAR))
        paths = self._paths([file for _, of_year in years for file in of_year])
        days = [(year, [paths[file] for file in files if file in paths]) for year, files in years]
        return {
            "days": [{"year": year, "paths": found} for year, found in days if found],
            "places": self._frequent_places(),
        }

    def _paths(self, files: list[int]) -> dict[int, bytes]:
        """Of those that are there."""
        found = {file: path for file, _, path in find_files(self._library, "id", files)}
        there = self._existing_paths(found.values())
        return {file: found[file] for file, is_there in zip(found, there, strict=True) if is_there}

    def _readable(self) -> Files:
        changes = self._changes()
        if self._files[0] != changes:
            self._files = changes, pictures.readable(self._library)
        return self._files[1]

    def _frequent_places(self) -> list[str]:
        changes = self._changes()
        if self._frequent[0] != changes:
            self._frequent = changes, pictures.frequent_places(self._library, self._places)
        return self._frequent[1]

    def _changes(self) -> int:
        with self._library.memory_lock:
            return self._library.catalogue.changes

    def _frequent_words(self, cancellation: Cancellation) -> list[str]:
        """What many pictures show; computed again when there are clearly more of them."""
        files = self._readable()
        model = self._models.active_model
        state = (model.row, len(files).bit_length())
        if self._words[0] == state:
            return self._words[1]
        cancellation.check()
        chosen = pictures.sample(files, _SAMPLE)
        try:
            told = self._scoring.tags(model, chosen)
        except TagsError:  # this model can't tag
            told = {}
        # "animal/dog" is searched for as "dog".
        counts = Counter(name.rpartition("/")[2] for tags in told.values() for name, _ in tags)
        least = max(2, _SHARE * len(chosen))
        words = [word for word, count in counts.most_common(_WORDS) if count >= least]
        self._words = state, words
        return words
