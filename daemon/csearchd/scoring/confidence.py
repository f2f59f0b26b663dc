"""How sure a result is: the probability that the picture shows what was asked.

It means the same for every query and model, and so do its names: LEVELS, from THRESHOLDS on. Within
one query it rises with the score (csearchd.scoring.curves has the estimate), so that the order by
score is that by probability, and a limit on one is a limit on the other.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_right
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from csearchd.library.cache_token import Cache
from csearchd.models.active_model import ActiveModel
from csearchd.models.installed import Model
from csearchd.models.text_tower import TextTower
from csearchd.scoring.background import MAX_OWN, MIN_VECTORS, shipped_background
from csearchd.scoring.curves import (
    Curve,
    Features,
    Sample,
    Words,
    features,
    picture_curve,
    word_curve,
)
from csearchd.scoring.tag_classifier import RAREST, embed_texts, log_odds
from csearchd.scoring.vocabulary import read_vocabulary
from csearchd.system.memory import release_free_memory

LEVELS = ("weak", "fair", "strong")
THRESHOLDS = (1 / 3, 2 / 3)  # the least probability of what is fair, and of what is strong
NEAR_DUPLICATE = 0.94  # the centred cosine of a picture and a slightly edited copy of it
_COPY = 0.99  # the least probability of a near-duplicate of the picture asked for
# Names of the vocabulary that stand for words in general: those that people name most often, and
# every so many of the others. They are as good a sample as all of them.
_COMMON_NAMES, _NAME_STEP = 300, 4
_GROWTH = 1.1  # of the library, after which its sample is taken again
_KEPT_QUERIES = 128  # what their curves depend on is kept
_SMALL = 1e-6

Vectors = NDArray[np.float32]


def levels_of(probabilities: NDArray[np.float32]) -> NDArray[np.int8]:
    """The index in LEVELS of each probability."""
    return np.searchsorted(THRESHOLDS, probabilities, "right").astype(np.int8)


def level_name(probability: float) -> str:
    """One of LEVELS."""
    return LEVELS[bisect_right(THRESHOLDS, probability)]


class ScoreCalibration:
    """The statistics of one model's scores, which turn scores into probabilities."""

    def __init__(
        self,
        words: Vectors,
        general: Vectors,
        assumed: int,
        own: Vectors | None = None,
        common: NDArray[np.float32] | None = None,
    ) -> None:
        """Unit vectors, (n, dimensions): `words` of words in general, `general` of pictures in
        general, and `own` of the user's pictures, which are `general` if it is left out. `common`:
        the log-odds that a photo's caption names each word; equal for all if it is left out.

        `assumed` pictures with average scores are added to `general`. They stand in for it where
        it is empty; and where it comes from a library of one subject, they keep that subject from
        being taken for what pictures in general show.
        """
        if common is None:
            common = np.full(len(words), math.log(RAREST), np.float32)
        self._words = Words(words, common)
        self._general = Sample.of(general, words, assumed)
        self._own = general if own is None else own
        self._centre = general.sum(axis=0) / (len(general) + MIN_VECTORS)
        # A search needs those of its query two or three times, and the same words come again.
        self._features_of = lru_cache(_KEPT_QUERIES)(
            partial(_features, self._words, self._general, self._own)
        )

    def of_scores(self, query: Vectors, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """How likely pictures show what a query of words says, (n,), by their scores, (n,)."""
        return word_curve(self._features_of(query.tobytes())).probabilities(scores)

    def spread(self, query: Vectors) -> float:
        """The standard deviation of the scores of a query of words in pictures in general."""
        return self._features_of(query.tobytes()).spread

    def probabilities(
        self, query: Vectors, pictures: Vectors, like: bool = False
    ) -> NDArray[np.float32] | None:
        """How likely each of `pictures`, (n, dimensions), shows what the query says, (n,).

        `query`, (dimensions,), stands for words, or with `like` for pictures; all vectors have unit
        length. None if there are too few pictures in general to compare with.
        """
        curve = self._curve(query, like)
        if curve is None:
            return None
        sure = curve.probabilities(pictures @ query)
        if like:
            copies = self.similarity(query[None], pictures)[0] >= NEAR_DUPLICATE
            sure = np.where(copies, np.maximum(sure, np.float32(_COPY)), sure)
        return sure

    def min_score(self, query: Vectors, level: int, like: bool) -> float:
        """The score from which a picture reaches `level`, an index in LEVELS; -1 for all."""
        curve = self._curve(query, like) if level else None
        return -1.0 if curve is None else curve.score_of(THRESHOLDS[level - 1])

    def similarity(self, some: Vectors, others: Vectors) -> Vectors:
        """Cosines, (some, others), of centred vectors of pictures, each (n, dimensions)."""
        return self.centred(some) @ self.centred(others).T

    def centred(self, pictures: Vectors) -> Vectors:
        """Vectors of pictures less the mean of pictures in general, at unit length."""
        return _unit(np.subtract(pictures, self._centre, dtype=np.float32))

    def _curve(self, query: Vectors, like: bool) -> Curve | None:
        if not like:
            return word_curve(self._features_of(query.tobytes()))
        if len(self._general.vectors) < MIN_VECTORS:
            return None
        return picture_curve(query, self._general.vectors)


class ScoreCalibrations:
    """The calibration of the active model. What it needs of the model is computed when it is first
    needed, in half a second; the user's pictures are sampled again when they have become more.

    Used by several threads.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._of_model: tuple[str, Words, Vectors | None] | None = None
        self._made: tuple[tuple[str, int], ScoreCalibration] | None = None

    def of(self, active_model: ActiveModel) -> ScoreCalibration:
        key = (active_model.model.text_fingerprint, _size_class(len(active_model.table)))
        with self._lock:
            if self._made is None or self._made[0] != key:
                words, general = self._general(active_model)
                own = active_model.table.sample(MAX_OWN)
                assumed = MIN_VECTORS
                if general is None:
                    general, assumed = own, max(MIN_VECTORS, len(own))
                calibration = ScoreCalibration(words.vectors, general, assumed, own, words.log_odds)
                self._made = key, calibration
                release_free_memory()  # it takes several times the memory of the result
            return self._made[1]

    def _general(self, active_model: ActiveModel) -> tuple[Words, Vectors | None]:
        """Words, and pictures in general if the model brings a sample."""
        model = active_model.model
        if self._of_model is None or self._of_model[0] != model.text_fingerprint:
            general = shipped_background(model, active_model.verifier)
            words = sample_of_words(model, active_model.tower, self._cache)
            self._of_model = model.text_fingerprint, words, general
        return self._of_model[1:]


def sample_of_words(model: Model, tower: TextTower, cache: Cache) -> Words:
    """Words in general. Their vectors are kept in `cache`."""
    terms = read_vocabulary("")
    common = log_odds(terms)
    commonest = np.argsort(-common, kind="stable")
    chosen = np.append(commonest[:_COMMON_NAMES], commonest[_COMMON_NAMES::_NAME_STEP])
    names = [[terms[number].path[-1]] for number in chosen.tolist()]
    return Words(embed_texts(names, model, tower, cache), common[chosen])


def _features(words: Words, general: Sample, own: Vectors, query: bytes) -> Features:
    return features(np.frombuffer(query, np.float32), words, general, own)


def _size_class(count: int) -> int:
    """A number that changes with each _GROWTH of a library."""
    return int(np.log(max(count, 1)) / np.log(_GROWTH))


def _unit(vectors: Vectors) -> Vectors:
    scaled: Vectors = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + _SMALL)
    return scaled
