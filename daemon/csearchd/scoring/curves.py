"""The curves by which scores become probabilities: one for each query, with one set of numbers.

A logistic model estimates how likely a picture shows what a query says. Within a query it depends
on the score alone, and rises with it; from query to query, on four things:

- how far the score lies above those that the query gets in pictures in general, in their standard
  deviations;
- how much of these scores is above those of other words, and how much they vary: a word that the
  model knows tells pictures apart;
- how common what it names is among people's photos: the frequencies of the vocabulary's words that
  are nearest to it (frequencies.tsv);
- how much of the user's own library seems to show it, which is estimated from its scores there
  (expectation maximisation, as for a shifted prior: Saerens and others 2002).

All of these are compared with the scores of the vocabulary's words, so that they don't depend on a
model's scale, and the numbers hold for other models. They were fitted on photos with captions and
class names that the starter never saw (tests/starter/fit_confidence.py), and are measured on other
photos and words of these (tests/benchmarks/confidence.py).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

# Of the logistic model for words: distance, level, variation (its logarithm), share and commonness
# (log-odds), and a constant.
WORDS = (2.012, 2.672, 5.207, 0.449, 0.588, -1.155)
# The same for a picture as the query: distance, and a constant. What it shows is its class.
PICTURES = (2.06, -8.226)

_SEPARATION = 3.0  # assumed between pictures that show something and others, in deviations
_ROUNDS = 12  # of the estimate of the share
_ASSUMED = 20  # pictures with the share that is usual, which join the library's
_NEARNESS = 3.0  # how much nearer words count for more
_HIGHEST = 12.0  # log of the highest likelihood ratio
_SMALL = 1e-6


class Curve(NamedTuple):
    """A probability is the logistic function of slope × score + offset; the slope is positive."""

    slope: float
    offset: float

    def probabilities(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of scores, (n,)."""
        odds = np.exp(-(self.slope * scores.astype(np.float64) + self.offset))
        return (1 / (1 + odds)).astype(np.float32)

    def score_of(self, probability: float) -> float:
        """The score that has a probability."""
        return (math.log(probability / (1 - probability)) - self.offset) / self.slope


class Words(NamedTuple):
    """Words in general: their unit vectors, (n, dimensions), and the log-odds that a caption names
    them, (n,)."""

    vectors: Vectors
    log_odds: NDArray[np.float32]

    def log_odds_of(self, query: Vectors) -> float:
        """An estimate for a query, from the words that are nearest to it."""
        near = self.vectors @ query
        near -= near.max()  # the weights of the nearest are 1, and of others less
        weights = np.exp(near * (_NEARNESS / (float(near.std()) + _SMALL)))
        return float(weights @ self.log_odds / weights.sum())


class Sample(NamedTuple):
    """A sample of pictures: their unit vectors, (n, dimensions); mean and standard deviation of the
    scores of words in general in them; and how many pictures are assumed beside them, whose scores
    are distributed like that."""

    vectors: Vectors
    mean: float
    spread: float
    assumed: int

    @classmethod
    def of(cls, vectors: Vectors, words: Vectors, assumed: int) -> Sample:
        scores = vectors @ words.T if len(vectors) else np.zeros(1, np.float32)
        return cls(vectors, float(scores.mean()), float(scores.std()) + _SMALL, assumed)

    def scale(self, scores: NDArray[np.float32]) -> tuple[float, float]:
        """Mean and standard deviation of a query's scores, whose values in `vectors` are given."""
        count = len(scores) + self.assumed
        mean = (float(scores.sum()) + self.assumed * self.mean) / count
        exact = scores.astype(np.float64)
        square = float(exact @ exact)
        square += self.assumed * (self.spread**2 + self.mean**2)
        return mean, max(square / count - mean**2, _SMALL**2) ** 0.5


class Features(NamedTuple):
    """What the curve of a query depends on. A score's distance is (score - mean) / spread."""

    mean: float
    spread: float
    level: float
    variation: float
    share: float
    commonness: float


def features(query: Vectors, words: Words, general: Sample, own: Vectors) -> Features:
    """Those of words, (dimensions,). `own` are vectors of the user's pictures, (n, dimensions)."""
    scores = general.vectors @ query
    mean, spread = general.scale(scores)
    own_scores = scores if own is general.vectors else own @ query
    common = words.log_odds_of(query)
    return Features(
        mean,
        spread,
        (mean - general.mean) / general.spread,
        math.log(spread / general.spread),
        _share((own_scores - mean) / spread, common),
        common,
    )


def word_curve(found: Features) -> Curve:
    """The curve of a query of words."""
    distance, *others, constant = WORDS
    slope = distance / found.spread
    rest = sum(factor * one for factor, one in zip(others, found[2:], strict=True))
    return Curve(slope, constant + rest - slope * found.mean)


def picture_curve(query: Vectors, general: Vectors) -> Curve:
    """The curve of a query of pictures, (dimensions,)."""
    scores = general @ query
    slope = PICTURES[0] / (float(scores.std()) + _SMALL)
    return Curve(slope, PICTURES[1] - slope * float(scores.mean()))


def _share(distances: NDArray[np.float32], common: float) -> float:
    """The log-odds that one of the user's pictures shows what a query says.

    `distances`, (n,), are those of its scores, `common` the log-odds that are usual.
    """
    exponents = _SEPARATION * distances - _SEPARATION**2 / 2
    ratios = np.exp(np.minimum(exponents, _HIGHEST))
    usual = share = 1 / (1 + math.exp(-common))
    shown = np.empty_like(ratios)
    for _ in range(_ROUNDS):
        np.add(ratios, np.float32((1 - share) / share), out=shown)
        np.divide(ratios, shown, out=shown)
        share = (float(shown.sum()) + _ASSUMED * usual) / (len(ratios) + _ASSUMED)
    return math.log(share / (1 - share))
