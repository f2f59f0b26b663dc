"""The confidence of a result: weak, fair or strong, with one meaning for every query and model.

A score becomes a z-score, in standard deviations. For words, the picture's score is first
normalised by the scores that words in general (the names of the vocabulary) have in it, and then by
the same quantity on pictures in general. For a picture, its similarity is normalised by that to
pictures in general.

The limits were chosen on Flickr8k's dev photos (tests/benchmarks/confidence.py): 75 % of the words
that captions name find a picture that is at least fair, and 40 % of the words that none names. The
best of more pictures is better by chance alone, so the limits grow with the number of pictures that
a result was chosen from.
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
from csearchd.scoring.background import MAX_OWN, MIN_VECTORS, shipped_background
from csearchd.scoring.tag_classifier import embed_texts
from csearchd.scoring.vocabulary import read_vocabulary
from csearchd.system.memory import release_free_memory

LEVELS = ("weak", "fair", "strong")
NEAR_DUPLICATE = 0.94  # the centred cosine of a picture and a slightly edited copy of it
_LIMITS = (3.2, 4.0)  # z-scores from which one of _REFERENCE_COUNT pictures is fair or strong
_REFERENCE_COUNT = 1000
_NAME_STEP = 4  # every fourth name of the vocabulary is as good a sample as all of them
_KEPT_VARIANCE = 0.95  # the share of the words' variance whose axes are kept, to save time
_SMALL = 1e-6

Vectors = NDArray[np.float32]


class _Scale(NamedTuple):
    """Mean and standard deviation of a query's scores on pictures in general."""

    mean: float
    spread: float


class ScoreCalibration:
    """The statistics of one model's scores, which turn scores into levels of confidence."""

    def __init__(self, words: Vectors, general: Vectors, assumed: int) -> None:
        """`words`, (n, dimensions), and `general`, (m, dimensions), are unit vectors: of words in
        general and of pictures in general.

        `assumed` pictures with average scores are added to `general`. They stand in for it where
        it is empty; and where it comes from a library of one subject, they keep that subject from
        being taken for what pictures in general show.
        """
        self._mean = words.mean(axis=0)
        self._root = _root(words - self._mean)
        self._general = general
        self._word_means, self._word_deviations = self._word_statistics(general)
        self._assumed = assumed
        self._centre = general.sum(axis=0) / (len(general) + MIN_VECTORS)

    def levels(
        self, query: Vectors, pictures: Vectors, candidate_count: int, like: bool = False
    ) -> NDArray[np.int8] | None:
        """For each of `pictures`, (n, dimensions), the index of its level in LEVELS, (n,).

        `query`, (dimensions,), stands for words, or with `like` for pictures; all vectors have unit
        length. `candidate_count` is the number of pictures that these were chosen from. None with
        `like` if there are too few pictures in general to compare with.
        """
        if not like:
            return _levels(self.z_scores(query, pictures), candidate_count)
        if len(self._general) < MIN_VECTORS:
            return None
        scale = self._picture_scale(query)
        found = _levels((pictures @ query - scale.mean) / scale.spread, candidate_count)
        found[self.similarity(query[None], pictures)[0] >= NEAR_DUPLICATE] = len(_LIMITS)
        return found

    def z_scores(self, query: Vectors, pictures: Vectors) -> Vectors:
        """The z-scores of `pictures`, (n, dimensions), for a query of words, (n,)."""
        level, spread = self._word_statistics(pictures)
        scale = self._word_scale(query)
        z_scores: Vectors = ((pictures @ query - level) / spread - scale.mean) / scale.spread
        return z_scores

    def min_score(self, query: Vectors, candidate_count: int, like: bool, level: int) -> float:
        """A score below which no picture reaches `level`, an index in LEVELS.

        This is an estimate from pictures in general; -1 if it can't be told.
        """
        if not level or len(self._general) < MIN_VECTORS:
            return -1.0
        scale = self._picture_scale(query) if like else self._word_scale(query)
        standard = scale.mean + _limits(candidate_count)[level - 1] * scale.spread
        if like:
            return standard
        return float((self._word_means + standard * self._word_deviations).min())

    def similarity(self, some: Vectors, others: Vectors) -> Vectors:
        """Cosines, (some, others), of centred vectors of pictures, each (n, dimensions)."""
        return self.centred(some) @ self.centred(others).T

    def centred(self, pictures: Vectors) -> Vectors:
        """Vectors of pictures less the mean of pictures in general, at unit length."""
        return _unit(np.subtract(pictures, self._centre, dtype=np.float32))

    def _word_statistics(self, pictures: Vectors) -> tuple[Vectors, Vectors]:
        """Mean and standard deviation of the scores of words in general in pictures, each (n,)."""
        spread = np.linalg.norm(pictures @ self._root, axis=1) + _SMALL
        return pictures @ self._mean, spread.astype(np.float32)

    def _word_scale(self, query: Vectors) -> _Scale:
        standard = (self._general @ query - self._word_means) / self._word_deviations
        count = len(standard) + self._assumed
        mean = float(standard.sum()) / count
        square = (float((standard**2).sum()) + self._assumed) / count
        return _Scale(mean, max(square - mean**2, _SMALL) ** 0.5)

    def _picture_scale(self, picture: Vectors) -> _Scale:
        similarity = self._general @ picture
        return _Scale(float(similarity.mean()), float(similarity.std()) + _SMALL)


def _root(deviations: Vectors) -> Vectors:
    """A root R of the covariance of words, (dimensions, k), from deviations, (n, dimensions).

    The standard deviation of the words' scores in a picture p is then the length of p @ R.
    """
    _, sizes, axes = np.linalg.svd(deviations, full_matrices=False)
    shares = np.cumsum(sizes**2) / np.sum(sizes**2)
    kept = int(np.searchsorted(shares, _KEPT_VARIANCE)) + 1
    root: Vectors = (axes[:kept] * sizes[:kept, None]).T / np.float32(
        math.sqrt(len(deviations) - 1)
    )
    return root


class ScoreCalibrations:
    """The calibration of the active model, computed when it is first needed, in half a second.

    Used by several threads.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._made: tuple[tuple[str, int], ScoreCalibration] | None = None

    def of(self, active_model: ActiveModel) -> ScoreCalibration:
        # The user's pictures are sampled again when their number has doubled.
        key = (active_model.model.text_fingerprint, len(active_model.table).bit_length())
        with self._lock:
            if self._made is None or self._made[0] != key:
                general = shipped_background(active_model.model, active_model.verifier)
                assumed = MIN_VECTORS
                if general is None:
                    general = active_model.table.sample(MAX_OWN)
                    assumed = max(MIN_VECTORS, len(general))
                words = sample_of_words(active_model.model, active_model.tower, self._cache)
                self._made = key, ScoreCalibration(words, general, assumed)
                release_free_memory()  # it takes several times the memory of the result
            return self._made[1]


def sample_of_words(model: Model, tower: TextTower, cache: Cache) -> Vectors:
    """Unit vectors of words in general, (n, dimensions), which are kept in `cache`."""
    names = [term.path[-1] for term in read_vocabulary("")]
    return embed_texts([[name] for name in names[::_NAME_STEP]], model, tower, cache)


def _levels(z_scores: Vectors, candidate_count: int) -> NDArray[np.int8]:
    return np.searchsorted(_limits(candidate_count), z_scores, "right").astype(np.int8)


def _limits(candidate_count: int) -> list[float]:
    more = _best_by_chance(candidate_count) - _best_by_chance(_REFERENCE_COUNT)
    return [limit + more for limit in _LIMITS]


def _best_by_chance(count: int) -> float:
    """The expected maximum of `count` standard normal numbers, by extreme value theory."""
    high = math.sqrt(2 * math.log(max(count, 3)))
    return high - (math.log(high**2 / 2) + math.log(4 * math.pi)) / (2 * high)


def _unit(vectors: Vectors) -> Vectors:
    scaled: Vectors = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + _SMALL)
    return scaled
