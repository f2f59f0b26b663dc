"""Concepts: words that the user has taught with a few example pictures.

A concept becomes a linear probe with strong ridge regularisation. Its direction is the mean of the
examples less half that of the counter-examples, both relative to pictures in general, and whitened
by their covariance. The vector of its name is added, with a weight that falls with the number of
examples; five examples and the name find more than either alone (tests/benchmarks/teach.py).

In a query, "our dog Rex" may be called by the whole name, by the name without its leading article
or possessive, or by its capitalised words ("Rex"). In the text of the query, the name is then
replaced by its other words ("dog").
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library import concepts
from csearchd.library.concepts import Concept
from csearchd.library.library import Library
from csearchd.models.active_model import ActiveModel, Models
from csearchd.scoring.background import background
from csearchd.search.query_language.query_vector import unit
from csearchd.spelling import composed

Vector = NDArray[np.float32]

_RIDGE = 40.0  # times the mean variance; so large that few examples give nearly their mean
_COUNTER_WEIGHT = 0.5
_NAME_WEIGHT = 10.0  # the weight of the name is this / (number of examples + 1.5)
_PROPER_NAME_WEIGHT = 3.0  # the same for a name with capitalised words: not every dog is Rex
_MIN_PICTURES = 20  # in general, for a covariance
_DETERMINERS = frozenset(["a", "an", "the", "my", "our", "your", "his", "her", "its", "their"])


class ConceptProbe(NamedTuple):
    """A concept as a direction in one model's space, (dimensions,).

    The score of a picture is its product with `vector`. On pictures in general the scores have
    the mean `mean` and the standard deviation 1.
    """

    concept: Concept
    vector: Vector
    mean: float
    alone: Vector  # unit vector with the name added, for a query that only names the concept


class Concepts:
    """The concepts as probes of the active model. Used by several threads."""

    def __init__(
        self, library: Library, models: Models, embed: Callable[[str, str], Vector]
    ) -> None:
        """`embed` gives the unit vector of a text in a language, (dimensions,)."""
        self._library = library
        self._models = models
        self._embed = embed
        self._lock = threading.Lock()
        self.changes = 0  # the number of changes
        self._made: tuple[tuple[str, int, int], list[ConceptProbe], Vector] | None = None

    def changed(self) -> None:
        """Tells that the library's concepts have changed, so that they are read again."""
        self.changes += 1

    def probes(self) -> list[ConceptProbe]:
        """The probes of concepts that have examples with vectors. Raises LibraryError."""
        return self._current()[0]

    def _current(self) -> tuple[list[ConceptProbe], Vector]:
        """The probes, and vectors of pictures in general, (n, dimensions), if there are probes."""
        active_model = self._models.active_model
        with self._lock:
            # The user's pictures are sampled again when their number has doubled.
            key = (
                active_model.model.text_fingerprint,
                self.changes,
                len(active_model.table).bit_length(),
            )
            if self._made is None or self._made[0] != key:
                known = concepts.read(self._library)
                general = np.zeros((0, active_model.model.dimensions), np.float32)
                if known:
                    general = background(active_model)
                self._made = key, self._fit_probes(active_model, known, general), general
            return self._made[1:]

    def embed(self, text: str, language: str = "") -> Vector:
        """The unit vector of a text in a language that may name concepts, (dimensions,).

        Raises LibraryError, CancelledError.
        """
        probes, general = self._current()
        named, rest, alone = find_concepts(text, probes)
        if not named:
            return self._embed(text, language)
        if alone:
            return unit(np.sum([probe.alone for probe in named], axis=0))
        words = self._embed(rest, language)
        scaled = words / _deviation(general, words)
        return unit(np.sum([scaled, *(probe.vector for probe in named)], axis=0))

    def names(self, text: str) -> bool:
        """Whether a text names a concept."""
        return bool(find_concepts(text, self.probes())[0])

    def _fit_probes(
        self, active_model: ActiveModel, known: Sequence[Concept], general: Vector
    ) -> list[ConceptProbe]:
        return [
            fit_probe(
                concept,
                examples,
                _vectors(active_model, concept.counters),
                general,
                embed=lambda name: self._embed(name, ""),
            )
            for concept in known
            if len(examples := _vectors(active_model, concept.examples))
        ]


def fit_probe(
    concept: Concept,
    examples: Vector,
    counters: Vector,
    general: Vector,
    embed: Callable[[str], Vector],
) -> ConceptProbe:
    """The probe of a concept.

    `examples`, `counters` and `general` are unit vectors, (n, dimensions), of its examples, its
    counter-examples and pictures in general; only `examples` must have some.
    """
    covariance = np.cov(general.T) if len(general) >= _MIN_PICTURES else None
    mean = np.zeros(examples.shape[1]) if covariance is None else general.mean(axis=0)
    away = examples.mean(axis=0) - mean
    if len(counters):
        away = away - _COUNTER_WEIGHT * (counters.mean(axis=0) - mean)
    if covariance is not None:
        ridge = _RIDGE * np.trace(covariance) / len(covariance) + 1e-6
        away = np.linalg.solve(covariance + ridge * np.eye(len(covariance)), away)
    vector = (away / _deviation(general, away)).astype(np.float32)
    generic = _common_words(concept.name)
    words = embed(generic or concept.name)
    is_one = any(_is_proper(word) for word in concept.name.split())
    weight = (_PROPER_NAME_WEIGHT if is_one else _NAME_WEIGHT) / (len(examples) + 1.5)
    alone = vector + weight * words / _deviation(general, words)
    return ConceptProbe(concept, vector, float(mean @ vector), unit(alone))


def find_concepts(
    text: str, probes: Sequence[ConceptProbe]
) -> tuple[list[ConceptProbe], str, bool]:
    """The concepts that a text names, the text with common words in their place, and whether the
    text has no other words."""
    text = composed(text)
    by_name = {
        " ".join(_case_folded(composed(alias)).split()): probe
        for probe in probes
        for alias in sorted(aliases(probe.concept.name), key=len)
    }
    if not by_name:
        return [], text, False
    named: list[ConceptProbe] = []
    others: list[str] = []  # the text between the names
    rest: list[str] = []
    end = 0
    longest = sorted(by_name, key=len, reverse=True)
    patterns = (r"\s+".join(map(re.escape, alias.split())) for alias in longest)
    for match in re.finditer(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)", _case_folded(text)):
        probe = by_name[" ".join(match[0].split())]
        if probe not in named:
            named.append(probe)
        others.append(text[end : match.start()])
        rest += [others[-1], _common_words(probe.concept.name)]
        end = match.end()
    others.append(text[end:])
    rest.append(others[-1])
    words = re.findall(r"\w+", " ".join(others))
    alone = bool(named) and all(word.lower() in _DETERMINERS for word in words)
    return named, " ".join("".join(rest).split()), alone


def aliases(name: str) -> set[str]:
    """The names that a query can call a concept by."""
    words = name.split()
    if words and words[0].lower() in _DETERMINERS:
        words = words[1:]
    proper = [word for word in words if _is_proper(word)]
    return {alias for alias in (name, " ".join(words), " ".join(proper)) if alias}


def _common_words(name: str) -> str:
    """The words of a concept's name that aren't capitalised: what kind of thing it is."""
    words = [word for word in name.split() if not _is_proper(word)]
    return " ".join(word for word in words if word.lower() not in _DETERMINERS)


def _is_proper(word: str) -> bool:
    return word[:1].isupper() and word.lower() not in _DETERMINERS


def _case_folded(text: str) -> str:
    """Folds the case of each letter to one letter, so that positions in the text stay the same."""
    return "".join(c.casefold() if len(c.casefold()) == 1 else c.lower()[0] for c in text)


def _vectors(active_model: ActiveModel, contents: frozenset[int]) -> Vector:
    """The vectors of some contents, (n, dimensions); those without one are left out."""
    some = np.array(sorted(contents), np.int32)
    return active_model.table.vectors(some[active_model.table.has(some)] if len(some) else some)


def _deviation(general: Vector, direction: NDArray[np.floating]) -> float:
    """The standard deviation of the scores of pictures in general along a direction."""
    if len(general) < _MIN_PICTURES:
        return float(np.linalg.norm(direction)) + 1e-9
    return float((general @ direction).std()) + 1e-9
