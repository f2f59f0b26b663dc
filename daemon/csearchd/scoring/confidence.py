"""How sure a result is: the same levels for every query and model.

For words the score of a picture is compared with the scores that words in general (the names of the
vocabulary) have in the same picture, and that with the same quantity on pictures in general. For
pictures, likeness is compared with that to pictures in general. Both are in standard deviations, so
one pair of limits serves; it was chosen on Flickr8k's dev photos (tests/benchmarks/confidence.py):
of the words that captions name, three in four have a picture that is at least fair, of those that
no caption names four in ten. Among more pictures chance finds better ones: the limits move with the
best that it is expected to find.
"""

from __future__ import annotations

import math
import threading
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.cache_token import Cache
from csearchd.models.active_model import ActiveModel
from csearchd.models.installed import Model
from csearchd.models.text_tower import TextTower
from csearchd.scoring.background import ENOUGH, OWN, shipped
from csearchd.scoring.tag_classifier import embed_texts
from csearchd.scoring.vocabulary import read_vocabulary

LEVELS = ("weak", "fair", "strong")
NEAR_DUPLICATE = 0.94  # centred cosine: a little cropped, turned or brightened
_LIMITS = (3.2, 4.0)  # standard deviations, from which a result among _CROWD is fair and strong
_CROWD = 1000
_EVERY = 4  # of the vocabulary's names; all of them are no better a sample
_ENOUGH_SPREAD = 0.95  # of the words' variance: the axes with the rest only cost time
_SMALL = 1e-6

Vectors = NDArray[np.float32]


class _Scale(NamedTuple):
    """What a query's comparable scores are on pictures in general."""

    mean: float
    spread: float


class ScoreCalibration:
    """What one model's scores are compared with."""

    def __init__(self, words: Vectors, general: Vectors, assumed: int) -> None:
        """`words` (n, dimensions) are texts' unit vectors, `general` (m, dimensions) pictures'.
        `assumed` pictures more are taken for average: they are what is known without a sample, and
        keep a library of one subject from hiding it."""
        self._mean = words.mean(axis=0)
        self._root = _root(words - self._mean)
        self._general = general
        self._levels, self._spreads = self._words_in(general)
        self._assumed = assumed
        self._centre = general.sum(axis=0) / (len(general) + ENOUGH)

    def levels(
        self, query: Vectors, pictures: Vectors, candidate_count: int, like: bool = False
    ) -> NDArray[np.int8] | None:
        """For each of `pictures`, (n, dimensions), the number of its level in LEVELS.

        `query` has unit length; `candidate_count` is the number of pictures among which these were
        found; `like` says that the query stands for pictures, not words. None where too little is
        known for that.
        """
        if not like:
            return _level(self.standing(query, pictures), candidate_count)
        if len(self._general) < ENOUGH:
            return None
        scale = self._likes(query)
        found = _level((pictures @ query - scale.mean) / scale.spread, candidate_count)
        found[self.likeness(query[None], pictures)[0] >= NEAR_DUPLICATE] = len(_LIMITS)
        return found

    def standing(self, query: Vectors, pictures: Vectors) -> Vectors:
        """How well each of `pictures` fits words, in standard deviations, (n,)."""
        level, spread = self._words_in(pictures)
        scale = self._words(query)
        standing: Vectors = ((pictures @ query - level) / spread - scale.mean) / scale.spread
        return standing

    def min_score(self, query: Vectors, candidate_count: int, like: bool, level: int) -> float:
        """A score below which nothing is of that level, as far as pictures in general tell."""
        if not level or len(self._general) < ENOUGH:
            return -1.0
        scale = self._likes(query) if like else self._words(query)
        standard = scale.mean + _limits(candidate_count)[level - 1] * scale.spread
        return standard if like else float((self._levels + standard * self._spreads).min())

    def likeness(self, some: Vectors, others: Vectors) -> Vectors:
        """Cosines, (some, others), of pictures, less what all pictures have in common."""
        return self.centred(some) @ self.centred(others).T

    def centred(self, pictures: Vectors) -> Vectors:
        """Pictures' vectors less what all pictures have in common, at unit length."""
        return _unit(np.subtract(pictures, self._centre, dtype=np.float32))

    def _words_in(self, pictures: Vectors) -> tuple[Vectors, Vectors]:
        """Mean and spread of the scores that words in general have in pictures, each (n,)."""
        spread = np.linalg.norm(pictures @ self._root, axis=1) + _SMALL
        return pictures @ self._mean, spread.astype(np.float32)

    def _words(self, query: Vectors) -> _Scale:
        standard = (self._general @ query - self._levels) / self._spreads
        count = len(standard) + self._assumed
        mean = float(standard.sum()) / count
        square = (float((standard**2).sum()) + self._assumed) / count
        return _Scale(mean, max(square - mean**2, _SMALL) ** 0.5)

    def _likes(self, picture: Vectors) -> _Scale:
        likeness = self._general @ picture
        return _Scale(float(likeness.mean()), float(likeness.std()) + _SMALL)


def _root(deviations: Vectors) -> Vectors:
    """What a picture's product with has the spread of the words' scores in it as its length:
    (dimensions, k), of `deviations` from the mean, (n, dimensions)."""
    _, sizes, axes = np.linalg.svd(deviations, full_matrices=False)
    shares = np.cumsum(sizes**2) / np.sum(sizes**2)
    kept = int(np.searchsorted(shares, _ENOUGH_SPREAD)) + 1
    root: Vectors = (axes[:kept] * sizes[:kept, None]).T / np.float32(
        math.sqrt(len(deviations) - 1)
    )
    return root


class ScoreCalibrations:
    """The serving model's yardstick, made when it is first needed: half a second, once a model.

    Used by several threads.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._made: tuple[tuple[int, int], ScoreCalibration] | None = None

    def of(self, active_model: ActiveModel) -> ScoreCalibration:
        # One's own pictures are sampled again when there are twice as many.
        key = (active_model.row, len(active_model.table).bit_length())
        with self._lock:
            if self._made is None or self._made[0] != key:
                general = shipped(active_model.model)
                assumed = ENOUGH
                if general is None:
                    general = active_model.table.sample(OWN)
                    assumed = max(ENOUGH, len(general))
                words = sample_of_words(active_model.model, active_model.tower, self._cache)
                self._made = key, ScoreCalibration(words, general, assumed)
            return self._made[1]


def sample_of_words(model: Model, tower: TextTower, cache: Cache) -> Vectors:
    """Unit vectors of words in general, (n, dimensions); kept in `cache`."""
    names = [term.path[-1] for term in read_vocabulary("")]
    return embed_texts([[name] for name in names[::_EVERY]], model, tower, cache)


def _level(standing: Vectors, candidate_count: int) -> NDArray[np.int8]:
    return np.searchsorted(_limits(candidate_count), standing, "right").astype(np.int8)


def _limits(candidate_count: int) -> list[float]:
    more = _best_by_chance(candidate_count) - _best_by_chance(_CROWD)
    return [limit + more for limit in _LIMITS]


def _best_by_chance(count: int) -> float:
    """About the largest of so many normally distributed numbers (extreme value theory)."""
    high = math.sqrt(2 * math.log(max(count, 3)))
    return high - (math.log(high**2 / 2) + math.log(4 * math.pi)) / (2 * high)


def _unit(vectors: Vectors) -> Vectors:
    scaled: Vectors = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + _SMALL)
    return scaled
