"""Tags of a picture, from its vector, with probabilities that mean the same for every term.

A logistic model estimates how likely a caption of the picture names a term. The evidence for a term
is its score, in standard deviations of the scores that the terms of a reference vocabulary have in
the same picture, from their mean. The model has three features:

- how far the evidence lies above that in pictures in general, in their standard deviations;
- the mean of that in pictures in general;
- how often people mention the term (frequencies.tsv).

Its four coefficients were fitted with the starter on half of Flickr8k's dev photos
(tests/starter/calibration.py) and tried on the other half (tests/benchmarks/tags.py). The evidence
doesn't depend on a model's scale, so the coefficients hold for every model.
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
RAREST = 5e-4  # the share of captions that name a term which frequencies.tsv lacks
OWN_SHARE = 0.01  # the same for a term that the user has added, and so has pictures of

_FORMAT = 2  # of a cached file

# Coefficients of the logistic model.
_ABOVE_USUAL, _USUAL, _COMMON, _OFFSET = 1.17, 1.08, 1.13, -0.23
_LEAST_SPREAD = 0.2  # of a term's evidence in pictures in general


class Tag(NamedTuple):
    """A term and the probability that a caption of the picture names it."""

    term: Term
    confidence: float  # 0 to 1


class TagClassifier:
    """Finds the terms of a vocabulary that fit pictures."""

    def __init__(
        self,
        terms: Sequence[Term],
        matrix: NDArray[np.float32],
        background: NDArray[np.float32],
        reference: NDArray[np.float32],
    ) -> None:
        """All arrays hold unit vectors, (n, dimensions).

        `matrix` has those of `terms`, `background` those of pictures in general, and `reference`
        those of the terms of a large vocabulary, such as the built-in one.
        """
        self.terms = tuple(terms)
        self.matrix = matrix
        self._reference = reference
        usual = self.evidence(background)
        self._usual = usual.mean(axis=0)
        self._spread = np.maximum(usual.std(axis=0), np.float32(_LEAST_SPREAD))
        self._common = _USUAL * self._usual + _COMMON * log_odds(terms) + _OFFSET

    def logits(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log-odds that each term fits, (pictures, terms).

        `vectors` are pictures' unit vectors, (pictures, dimensions).
        """
        above = (self.evidence(vectors) - self._usual) / self._spread
        logits: NDArray[np.float32] = (_ABOVE_USUAL * above + self._common).astype(np.float32)
        return logits

    def evidence(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The evidence for each term, (pictures, terms)."""
        others = vectors @ self._reference.T
        found: NDArray[np.float32] = vectors @ self.matrix.T
        found -= others.mean(axis=1, keepdims=True)
        found /= others.std(axis=1, keepdims=True) + 1e-9
        return found

    def tags(
        self, vectors: NDArray[np.float32], threshold: float, max_tags: int
    ) -> list[list[Tag]]:
        """For each picture up to `max_tags` terms with the probability `threshold` or more.

        The best come first. Of terms that exclude each other only the best is chosen, and no term
        one of whose children is chosen, since the child's path contains it. `vectors` are unit
        vectors, (pictures, dimensions).
        """
        floor = np.log(threshold / (1 - threshold))
        return [self._choose(row, floor, max_tags) for row in self.logits(vectors)]

    def _choose(self, logits: NDArray[np.float32], floor: float, max_tags: int) -> list[Tag]:
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
        return leaves[:max_tags]


def log_odds(terms: Sequence[Term]) -> NDArray[np.float32]:
    """Log-odds that a caption names each term, (terms,)."""
    known = read_frequencies()
    shares = np.array(
        [max(known.get(term.name, 0.0), OWN_SHARE if term.own else RAREST) for term in terms]
    )
    odds: NDArray[np.float32] = np.log(shares / (1 - shares)).astype(np.float32)
    return odds


def read_frequencies() -> dict[str, float]:
    """The share of everyday photos (0 to 1) whose captions name a term, by the term's name."""
    with open(FREQUENCIES, encoding="utf-8") as file:
        rows = (line.rstrip("\n").split("\t") for line in file if not line.startswith("#"))
        return {name: float(share) for name, share in rows}


def embed_terms(
    terms: Sequence[Term], model: Model, tower: TextTower, cache: Cache
) -> NDArray[np.float32]:
    """Unit vectors of terms, (terms, dimensions): means over their phrases, each in all PROMPTS."""
    texts = [[prompt.format(p) for p in term.phrases for prompt in PROMPTS] for term in terms]
    return embed_texts(texts, model, tower, cache)


def embed_texts(
    texts: Sequence[Sequence[str]], model: Model, tower: TextTower, cache: Cache
) -> NDArray[np.float32]:
    """For each list of texts the mean of their vectors at unit length, (lists, dimensions).

    This takes seconds, so the result is kept in `cache` for each model and texts.
    """
    made_from = (_FORMAT, model.text_fingerprint, texts)
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
