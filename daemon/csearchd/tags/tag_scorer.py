"""Which words a picture gets, from its vector."""

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
from csearchd.scoring.background import ENOUGH, background
from csearchd.scoring.tag_classifier import TagClassifier, embed_terms
from csearchd.scoring.vocabulary import Term, read_vocabulary
from csearchd.search.concepts import Concepts
from csearchd.search.explanation import shared_terms

Vectors = NDArray[np.float32]

# Deviations above pictures in general, where a concept counts as likely as not. Of Flickr8k's dev
# photos above it at least 0.82 were right by their captions, with 3 to 20 examples of common
# things; what is taught is mostly rarer.
_TAUGHT = 4.0


@dataclass(frozen=True)
class _Edition:
    """The terms, and all else that decides which of them a picture gets, as a name."""

    name: str
    terms: list[Term]
    source: tuple[object, ...]  # what it was made from


class TagScorer:
    """Finds words; used by several threads."""

    def __init__(self, library: Library, own: str, config: Tags, concepts: Concepts) -> None:
        """`own` is the user's vocabulary, `concepts` what was taught."""
        self.config = config
        self._library = library
        self._own = own
        self._concepts = concepts
        self._edition: _Edition | None = None
        self._calibration: tuple[str, TagClassifier] | None = None
        self._lock = threading.Lock()  # to make it takes seconds: who comes meanwhile waits

    def edition(self, active_model: ActiveModel) -> str:
        """Another text whenever the same picture may get other words. Raises VocabularyError."""
        taught = [
            (probe.concept.name, sorted(probe.concept.examples), sorted(probe.concept.counters))
            for probe in self._concepts.probes()
        ]
        return _digest(self._current(active_model).name, taught)

    def words(
        self, active_model: ActiveModel, files: Sequence[int]
    ) -> dict[int, list[tuple[str, float]]]:
        """Words such as "animal/dog" with their probabilities, best first, by file id.

        Files whose contents have no vector yet are left out. Raises TagsError.
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
        threshold, most = self.config.confidence / 100, self.config.most
        tags = self._calibrated(active_model).tags(vectors, threshold, most)
        found = {
            row[0]: [(tag.term.name, float(tag.confidence)) for tag in chosen]
            for row, chosen in zip(rows, tags, strict=True)
        }
        floor = math.log(threshold / (1 - threshold))
        for probe in self._concepts.probes():
            above = vectors @ probe.vector - probe.mean - _TAUGHT
            for row, odds in zip(rows, 2 * above, strict=True):
                if odds >= floor:
                    found[row[0]].append((probe.concept.name, float(1 / (1 + np.exp(-odds)))))
        return {
            file: sorted(words, key=lambda word: -word[1])[:most] for file, words in found.items()
        }

    def check(self, active_model: ActiveModel) -> None:
        """Raises TagsError where no picture would get words."""
        self._current(active_model)
        _general(active_model)

    def shared(
        self, active_model: ActiveModel, vectors: Vectors, query: Vectors
    ) -> list[list[str]]:
        """For each of some pictures' vectors, (n, dimensions), the terms that are in it and near to
        a query's vector. Raises TagsError."""
        calibration = self._calibrated(active_model)
        names = [term.name for term in calibration.terms]
        return shared_terms(names, calibration.matrix, calibration.logits(vectors), query)

    def _current(self, active_model: ActiveModel) -> _Edition:
        try:
            info = os.stat(self._own)
            own: tuple[int, ...] = (info.st_mtime_ns, info.st_size, info.st_ino)
        except OSError:
            own = ()
        source = (active_model.model.fingerprint, own, self.config.confidence, self.config.most)
        if self._edition is None or self._edition.source != source:
            terms = read_vocabulary(self._own)
            name = _digest(active_model.model.fingerprint, terms, source[2:])
            self._edition = _Edition(name, terms, source)
        return self._edition

    def _calibrated(self, active_model: ActiveModel) -> TagClassifier:
        with self._lock:
            return self._made(active_model)

    def _made(self, active_model: ActiveModel) -> TagClassifier:
        edition = self._current(active_model)
        if self._calibration is None or self._calibration[0] != edition.name:
            general = _general(active_model)
            matrix, reference = (
                embed_terms(terms, active_model.model, active_model.tower, self._library.cache)
                for terms in (edition.terms, read_vocabulary(""))
            )
            calibration = TagClassifier(edition.terms, matrix, general, reference)
            self._calibration = edition.name, calibration
        return self._calibration[1]


def _general(active_model: ActiveModel) -> Vectors:
    """The vectors of pictures in general. Raises TagsError."""
    general = background(active_model.model, active_model.table)
    if len(general) < ENOUGH:
        raise TagsError(
            NO_BACKGROUND(model=active_model.model.name, needed=ENOUGH, count=len(general))
        )
    return general


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
