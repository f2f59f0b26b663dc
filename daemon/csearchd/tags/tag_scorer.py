"""Chooses the tags of pictures, from the vocabulary and from the concepts that the user taught."""

from __future__ import annotations

import hashlib
import math
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from csearchd.config import Tags
from csearchd.errors import TagsError
from csearchd.library.library import Library
from csearchd.models.active_model import ActiveModel
from csearchd.reasons.commands import NO_BACKGROUND
from csearchd.scoring.background import MIN_VECTORS, background
from csearchd.scoring.tag_classifier import TagClassifier, embed_terms
from csearchd.scoring.vocabulary import Term, read_vocabulary
from csearchd.search.concepts import Concepts
from csearchd.search.explanation import shared_terms

Vectors = NDArray[np.float32]

# The z-score at which a concept's probability is one half. At least 82 % of Flickr8k's dev photos
# above it were right by their captions, with 3 to 20 examples of common things. Most concepts that
# people teach are rarer.
_CONCEPT_LIMIT = 4.0


@dataclass(frozen=True)
class _Edition:
    """The vocabulary, with a name that changes with anything that decides on a picture's tags."""

    name: str
    terms: list[Term]
    source: tuple[object, ...]  # the state that it was read from


class TagScorer:
    """Used by several threads."""

    def __init__(self, library: Library, own: str, config: Tags, concepts: Concepts) -> None:
        """`own` is the path of the user's vocabulary."""
        self.config = config
        self._library = library
        self._own = own
        self._concepts = concepts
        self._edition: _Edition | None = None
        self._classifier: tuple[str, TagClassifier] | None = None
        self._lock = threading.Lock()  # held while the classifier is made, which takes seconds

    def edition(self, active_model: ActiveModel) -> str:
        """A name that changes whenever a picture may get other tags than before.

        Raises VocabularyError, LibraryError.
        """
        taught = [
            (probe.concept.name, sorted(probe.concept.examples), sorted(probe.concept.counters))
            for probe in self._concepts.probes()
        ]
        return _digest(self._current(active_model).name, taught)

    def tags(
        self, active_model: ActiveModel, files: Sequence[int]
    ) -> dict[int, list[tuple[str, float]]]:
        """By file id: tags such as "animal/dog" with their probabilities, best first.

        Files without a vector are left out. Raises TagsError, LibraryError.
        """
        marks = ",".join("?" * len(files))
        with self._library.read() as database:
            rows = database.execute(
                "SELECT f.id, v.vector FROM files f JOIN vectors v ON v.content = f.content "
                f"WHERE v.model = ? AND f.id IN ({marks})",
                (active_model.row, *files),
            ).fetchall()
        size = 2 * active_model.model.dimensions
        rows = [row for row in rows if isinstance(row[1], bytes) and len(row[1]) == size]
        if not rows:
            return {}
        vectors = np.stack([np.frombuffer(row[1], "<f2").astype(np.float32) for row in rows])
        threshold, max_tags = self.config.confidence / 100, self.config.most
        tags = self._current_classifier(active_model).tags(vectors, threshold, max_tags)
        found = {
            row[0]: [(tag.term.name, float(tag.confidence)) for tag in chosen]
            for row, chosen in zip(rows, tags, strict=True)
        }
        floor = math.log(threshold / (1 - threshold))
        for probe in self._concepts.probes():
            above = vectors @ probe.vector - probe.mean - _CONCEPT_LIMIT
            for row, odds in zip(rows, 2 * above, strict=True):
                if odds >= floor:
                    found[row[0]].append((probe.concept.name, float(1 / (1 + np.exp(-odds)))))
        return {
            file: sorted(words, key=lambda word: -word[1])[:max_tags]
            for file, words in found.items()
        }

    def check(self, active_model: ActiveModel) -> None:
        """Raises TagsError if pictures can't be tagged with this model or vocabulary."""
        self._current(active_model)
        _general(active_model)

    def shared_tags(
        self, active_model: ActiveModel, vectors: Vectors, query: Vectors
    ) -> list[list[str]]:
        """For each picture the terms of the vocabulary that it shares with a query, best first.

        `vectors`, (n, dimensions), are pictures' unit vectors, `query`, (dimensions,), the query's.
        Raises TagsError.
        """
        classifier = self._current_classifier(active_model)
        names = [term.name for term in classifier.terms]
        return shared_terms(names, classifier.matrix, classifier.logits(vectors), query)

    def _current(self, active_model: ActiveModel) -> _Edition:
        try:
            info = os.stat(self._own)
            own: tuple[int, ...] = (info.st_mtime_ns, info.st_size, info.st_ino)
        except OSError:
            own = ()
        fingerprint = active_model.model.text_fingerprint
        source = (fingerprint, own, self.config.confidence, self.config.most)
        if self._edition is None or self._edition.source != source:
            terms = read_vocabulary(self._own)
            name = _digest(fingerprint, terms, source[2:])
            self._edition = _Edition(name, terms, source)
        return self._edition

    def _current_classifier(self, active_model: ActiveModel) -> TagClassifier:
        with self._lock:
            return self._make_classifier(active_model)

    def _make_classifier(self, active_model: ActiveModel) -> TagClassifier:
        edition = self._current(active_model)
        if self._classifier is None or self._classifier[0] != edition.name:
            general = _general(active_model)
            matrix, reference = (
                embed_terms(terms, active_model.model, active_model.tower, self._library.cache)
                for terms in (edition.terms, read_vocabulary(""))
            )
            classifier = TagClassifier(edition.terms, matrix, general, reference)
            self._classifier = edition.name, classifier
        return self._classifier[1]


def _general(active_model: ActiveModel) -> Vectors:
    """Vectors of pictures in general, (n, dimensions). Raises TagsError if there are too few."""
    general = background(active_model)
    if len(general) < MIN_VECTORS:
        raise TagsError(
            NO_BACKGROUND(model=active_model.model.name, needed=MIN_VECTORS, count=len(general))
        )
    return general


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
