"""Fuses the order by vectors with what is found by name (csearchd.search.lexical.matches)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.library import Library
from csearchd.models.active_model import ActiveModel
from csearchd.scoring.confidence import ScoreCalibrations
from csearchd.search.lexical.matches import Mask, Matches, find_matches
from csearchd.search.lexical.query_words import query_words
from csearchd.search.request import SearchRequest

_FEW = 2048  # contents whose vectors are compared one by one
_STEPS = 4  # of the bonus of more contents, in one standard deviation

Contents = NDArray[np.int32]
Scores = NDArray[np.float32]


class Lifted(NamedTuple):
    """What is found by name, and what that adds to scores."""

    matches: Matches
    spread: float  # the standard deviation of the query's scores, by which bonuses are multiplied
    contents: Contents  # of the matches, by ascending id
    bonuses: Scores  # the highest of each content's files

    def added(self, files: list[int]) -> list[float]:
        """What is added to the score of each file, for the order."""
        return [self.spread * bonus for bonus in self.matches.bonuses_of(files)]


class Lexical:
    """Finds what is to be lifted. Used by several threads."""

    def __init__(self, library: Library, calibrations: ScoreCalibrations) -> None:
        self._library = library
        self._calibrations = calibrations

    def find(
        self, request: SearchRequest, active_model: ActiveModel, files: Mask | None
    ) -> Lifted | None:
        """What a request finds by name among `files` (None for all); None for nothing.

        Raises LibraryError.
        """
        words = [] if request.label else query_words(request.parts)
        if not words or request.vector is None:
            return None
        if request.offered:  # neither parts of words nor what a recogniser may have mistaken
            words = [word._replace(part="") for word in words]
        with self._library.memory_lock:
            candidates = self._library.catalogue.files_in(None) if files is None else files
        phrases = [part.text for part in request.parts if part.weight > 0]
        found = find_matches(self._library, words, candidates, request.scope, phrases)
        if found is None:
            return None
        contents = self._library.catalogue.content[found.files]
        usable = active_model.table.has(contents) & (contents > 0)
        usable &= ~np.isin(contents, list(request.without))
        if request.min_score is not None and usable.any():
            wanted = np.zeros(int(contents.max()) + 1, np.bool_)
            wanted[contents[usable]] = True
            high = active_model.table.at_least(
                request.vector, wanted, request.min_score, request.check
            )
            usable &= np.isin(contents, high)
        if not usable.any():
            return None
        unique, places = np.unique(contents[usable], return_inverse=True)
        highest = np.zeros(len(unique), np.float32)
        np.maximum.at(highest, places, found.bonuses[usable])
        spread = self._calibrations.of(active_model).spread(request.vector)
        return Lifted(found, spread, unique, highest)


def fused(
    active_model: ActiveModel,
    request: SearchRequest,
    lifted: Lifted,
    contents: Contents,
    scores: Scores,
    count: int,
    min_score: float | None,
) -> tuple[Contents, Scores]:
    """The best `count` contents in the fused order, and their own scores.

    `contents` and `scores` are the best by their vectors alone, at least `count` if so many have
    `min_score`, below which none is wanted, unless it is found by name and `request.or_named`.
    """
    more, their_scores = _scored(active_model, request, lifted, count)
    every = np.concatenate([contents, more])
    all_scores = np.concatenate([scores, their_scores])
    unique, first = np.unique(every, return_index=True)
    own = all_scores[first]
    if min_score is not None:
        kept = own >= min_score
        if request.or_named:
            kept |= np.isin(unique, lifted.contents)
        unique, own = unique[kept], own[kept]
    places = np.minimum(np.searchsorted(lifted.contents, unique), len(lifted.contents) - 1)
    bonuses = np.where(lifted.contents[places] == unique, lifted.bonuses[places], 0)
    order = np.lexsort((unique, -(own + np.float32(lifted.spread) * bonuses)))[:count]
    return unique[order], own[order]


def _scored(
    active_model: ActiveModel, request: SearchRequest, lifted: Lifted, count: int
) -> tuple[Contents, Scores]:
    """The lifted contents that may be among the best `count`, and their scores."""
    assert request.vector is not None
    table = active_model.table
    if len(lifted.contents) <= _FEW:
        found = lifted.contents[table.has(lifted.contents)]
        # As the table does it, so that the same content has the same score.
        exact: Scores = np.einsum("ij,j->i", table.vectors(found), request.vector)
        return found, exact
    parts = []
    steps = np.round(lifted.bonuses * _STEPS)
    for step in np.unique(steps):
        request.check()
        chosen = lifted.contents[steps == step]
        wanted = np.zeros(int(chosen[-1]) + 1, np.bool_)
        wanted[chosen] = True
        parts.append(table.search(request.vector, wanted, count))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
