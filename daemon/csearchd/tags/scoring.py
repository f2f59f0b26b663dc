"""Which words a picture gets, from its vector."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from csearchd.encode.serving import Serving
from csearchd.library.library import Library
from csearchd.search.concepts import Concepts
from csearchd.tags.calibration import Calibration, embed_terms
from csearchd.tags.vocabulary import read_vocabulary

_THRESHOLD = 0.5
_TAUGHT = 4.0  # deviations above pictures in general, where a concept is as likely as not


class Scoring:
    """Finds words; used by several threads, one at a time."""

    def __init__(self, library: Library, own: str, cache: str, concepts: Concepts) -> None:
        """`own` is the user's vocabulary, `cache` a directory, `concepts` what was taught."""
        self._concepts = concepts
        self._library = library
        self._own = own
        self._cache = cache
        self._calibration: tuple[str, Calibration] | None = None

    def edition(self, serving: Serving) -> str:
        """Another text whenever the same picture may get other words."""
        taught = [
            (probe.concept.name, sorted(probe.concept.examples), sorted(probe.concept.counters))
            for probe in self._concepts.probes()
        ]
        digest = hashlib.sha256(repr(taught).encode()).hexdigest()[:16] if taught else ""
        return serving.model.fingerprint + digest

    def words(
        self, serving: Serving, files: Sequence[int], limit: int
    ) -> dict[int, list[tuple[str, float]]]:
        """Words such as "animal/dog" with their probabilities, best first, by file id.

        Files whose contents have no vector yet are left out. Raises VocabularyError.
        """
        marks = ",".join("?" * len(files))
        with self._library.read() as database:
            rows = database.execute(
                "SELECT f.id, v.vector FROM files f JOIN vectors v ON v.content = f.content "
                f"WHERE v.model = ? AND f.id IN ({marks})",
                (serving.row, *files),
            ).fetchall()
        if not rows:
            return {}
        vectors = np.stack([np.frombuffer(row[1], "<f2").astype(np.float32) for row in rows])
        chosen = self._calibrated(serving).tags(vectors, _THRESHOLD, limit)
        found = {
            row[0]: [(tag.term.name, float(tag.confidence)) for tag in tags]
            for row, tags in zip(rows, chosen, strict=True)
        }
        for probe in self._concepts.probes():
            above = vectors @ probe.vector - probe.mean - _TAUGHT
            for row, odds in zip(rows, 2 * above, strict=True):
                if odds >= 0:
                    found[row[0]].append((probe.concept.name, float(1 / (1 + np.exp(-odds)))))
        return {
            file: sorted(words, key=lambda word: -word[1])[:limit] for file, words in found.items()
        }

    def _calibrated(self, serving: Serving) -> Calibration:
        edition = self.edition(serving)
        if self._calibration is None or self._calibration[0] != edition:
            terms = read_vocabulary(self._own)
            matrix = embed_terms(terms, serving.model, serving.tower, self._cache)
            with self._library.read() as database:
                sample = database.execute(
                    "SELECT vector FROM vectors WHERE model = ? LIMIT 1000", (serving.row,)
                ).fetchall()
            background = np.stack([np.frombuffer(row[0], "<f2") for row in sample])
            calibration = Calibration(terms, matrix, background.astype(np.float32))
            self._calibration = edition, calibration
        return self._calibration[1]
