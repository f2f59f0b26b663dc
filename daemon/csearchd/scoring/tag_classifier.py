"""From a picture's vector to tags with probabilities that mean the same for every term.

A term's evidence in a picture is its score, less half of what the term scores on pictures in
general (the other half says how common it is), compared with the scores of a reference vocabulary's
terms in the same picture. With how often people mention the term (frequencies.tsv) that makes a
logistic model of "a caption of this picture would name it". Its three numbers were fitted on half
of Flickr8k's dev photos with the starter model (tests/starter/calibration.py) and tried on the
other half (tests/benchmarks/tags.py); they hold no scale of a model's, so they serve for every one.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.cache_token import Cache
from csearchd.models.installed import Model
from csearchd.models.text_tower import TextTower
from csearchd.scoring.vocabulary import Term

PROMPTS = ("a photo of {}.", "{}", "a picture of {} in a scene.")
FREQUENCIES = os.path.join(os.path.dirname(__file__), "frequencies.tsv")
RAREST = 5e-4  # the share of a term that no caption in frequencies.tsv names,
OWN_SHARE = 0.01  # and of one that the user has added, and so has pictures of

_FORMAT = 2  # of a kept file

_EVIDENCE, _COMMON, _OFFSET = 0.85, 1.07, -0.19
_GENERAL = 0.5  # of a term's mean over pictures in general


class Tag(NamedTuple):
    """A term and the probability that it fits."""

    term: Term
    confidence: float


class TagClassifier:
    """Scores pictures' vectors against a vocabulary."""

    def __init__(
        self,
        terms: Sequence[Term],
        matrix: NDArray[np.float32],
        background: NDArray[np.float32],
        reference: NDArray[np.float32],
    ) -> None:
        """Unit vectors, (…, dimensions): `matrix` of `terms`, `background` of pictures in general,
        `reference` of the terms of a large vocabulary, such as the built-in one."""
        self.terms = tuple(terms)
        self.matrix = matrix
        self._reference = reference
        self._mean = background.mean(axis=0)
        self._common = _COMMON * log_odds(terms) + _OFFSET

    def logits(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log-odds that each term fits: (pictures, terms), for unit vectors of
        shape (pictures, dimensions)."""
        others = self._scores(vectors, self._reference)
        evidence = self._scores(vectors, self.matrix) - others.mean(axis=1, keepdims=True)
        evidence /= others.std(axis=1, keepdims=True) + 1e-9
        logits: NDArray[np.float32] = _EVIDENCE * evidence + self._common
        return logits

    def _scores(
        self, vectors: NDArray[np.float32], terms: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = (vectors - _GENERAL * self._mean) @ terms.T
        return scores

    def tags(self, vectors: NDArray[np.float32], threshold: float, limit: int) -> list[list[Tag]]:
        """For each picture the terms that fit with at least the probability `threshold`, best
        first and at most `limit`: of terms that exclude each other the best, and none whose own
        child is there, since the child's path names it."""
        floor = np.log(threshold / (1 - threshold))
        return [self._choose(row, floor, limit) for row in self.logits(vectors)]

    def _choose(self, logits: NDArray[np.float32], floor: float, limit: int) -> list[Tag]:
        chosen: list[Tag] = []
        groups: set[tuple[str, ...]] = set()
        fitting = np.flatnonzero(logits >= floor)
        for index in fitting[np.argsort(-logits[fitting], kind="stable")]:
            term = self.terms[index]
            if term.group is not None and term.group in groups:
                continue
            if term.group is not None:
                groups.add(term.group)
            chosen.append(Tag(term, float(1 / (1 + np.exp(-logits[index])))))
        paths = [tag.term.path for tag in chosen]
        leaves = [
            tag
            for tag in chosen
            if not any(len(p) > len(tag.term.path) and _is_prefix(tag.term.path, p) for p in paths)
        ]
        return leaves[:limit]


def log_odds(terms: Sequence[Term]) -> NDArray[np.float32]:
    """How common the terms are, as log-odds, (terms,)."""
    known = read_frequencies()
    shares = np.array(
        [max(known.get(term.name, 0.0), OWN_SHARE if term.own else RAREST) for term in terms]
    )
    odds: NDArray[np.float32] = np.log(shares / (1 - shares)).astype(np.float32)
    return odds


def read_frequencies() -> dict[str, float]:
    """The share of everyday photos whose captions name a term, by the term's name."""
    with open(FREQUENCIES, encoding="utf-8") as file:
        rows = (line.rstrip("\n").split("\t") for line in file if not line.startswith("#"))
        return {name: float(share) for name, share in rows}


def embed_terms(
    terms: Sequence[Term], model: Model, tower: TextTower, cache: Cache
) -> NDArray[np.float32]:
    """Unit vectors of the terms, (terms, dimensions): the mean over their phrases and PROMPTS."""
    texts = [[prompt.format(p) for p in term.phrases for prompt in PROMPTS] for term in terms]
    return embed_texts(texts, model, tower, cache)


def embed_texts(
    texts: Sequence[Sequence[str]], model: Model, tower: TextTower, cache: Cache
) -> NDArray[np.float32]:
    """For each list of texts the mean of their vectors, at unit length: (lists, dimensions).

    Made once for each model and texts, a few seconds, and kept in `cache`.
    """
    made_from = (_FORMAT, model.fingerprint, texts)
    name = f"terms-{hashlib.sha256(repr(made_from).encode()).hexdigest()[:32]}.npy"
    if (kept := cache.read(name)) is not None:
        with suppress(ValueError, EOFError):
            matrix: NDArray[np.float32] = np.load(io.BytesIO(kept))
            if matrix.shape == (len(texts), model.dimensions) and matrix.dtype == np.float32:
                return matrix
    matrix = np.stack([tower.embed(phrases).mean(axis=0) for phrases in texts])
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    stream = io.BytesIO()
    np.save(stream, matrix)
    cache.write(name, stream.getvalue())
    return matrix


def _is_prefix(shorter: tuple[str, ...], longer: tuple[str, ...]) -> bool:
    return longer[: len(shorter)] == shorter
