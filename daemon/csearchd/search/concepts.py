"""Words that the user taught: directions to look in, made from a few pictures.

A concept is a linear probe, strongly regularised: the mean of its examples (less half that of its
counter-examples) against the library and pictures in general, in their metric. The words of its
name are added, with a weight that falls as examples come; five examples and the name find
more than either (tests/benchmarks/teach.py).

"our dog Rex" is known by its whole name, by the name without a leading article or possessive, and
by its capitalised words ("Rex"), for which the others ("dog") stand in the rest of a query.
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

Vector = NDArray[np.float32]

_RIDGE = 40.0  # × the mean variance: with few examples, nearly the difference of the means
_AGAINST = 0.5  # weight of the counter-examples
_NAME = 10.0  # weight of the name, with n examples: _NAME / (n + 1.5)
_PROPER_NAME = 3.0  # the same where it is the name of one: not any dog is Rex
_FEW = 20  # pictures; fewer are no background
_DETERMINERS = frozenset(["a", "an", "the", "my", "our", "your", "his", "her", "its", "their"])


class ConceptProbe(NamedTuple):
    """A concept for one model. Its values are `vector` · picture, of which those on pictures in
    general have the `mean` and the standard deviation 1."""

    concept: Concept
    vector: Vector  # (dimensions,)
    mean: float
    alone: Vector  # with the words of the name, for a query of nothing else


class Concepts:
    """The concepts as the serving model sees them; used by several threads."""

    def __init__(self, library: Library, models: Models, embed: Callable[[str], Vector]) -> None:
        """`embed` gives a text's vector."""
        self._library = library
        self._models = models
        self._embed = embed
        self._lock = threading.Lock()
        self.changes = 0  # counts them
        self._made: tuple[tuple[int, int, int], list[ConceptProbe], Vector] | None = None

    def changed(self) -> None:
        """They are read again before they are used."""
        self.changes += 1

    def probes(self) -> list[ConceptProbe]:
        """Those that have examples with a vector. Raises LibraryError."""
        return self._current()[0]

    def _current(self) -> tuple[list[ConceptProbe], Vector]:
        """The probes, and pictures in general, which are only read where there are some."""
        active_model = self._models.active_model
        with self._lock:
            # One's own pictures are sampled again when there are twice as many.
            key = (active_model.row, self.changes, len(active_model.table).bit_length())
            if self._made is None or self._made[0] != key:
                known = concepts.read(self._library)
                general = np.zeros((0, active_model.model.dimensions), np.float32)
                if known:
                    general = background(active_model.model, active_model.table)
                self._made = key, self._fitted(active_model, known, general), general
            return self._made[1:]

    def embed(self, text: str) -> Vector:
        """The vector of a text in which concepts may be named."""
        probes, general = self._current()
        named, rest, alone = found_in(text, probes)
        if not named:
            return self._embed(text)
        if alone:
            return unit(np.sum([probe.alone for probe in named], axis=0))
        words = self._embed(rest)
        scaled = words / _spread(general, words)
        return unit(np.sum([scaled, *(probe.vector for probe in named)], axis=0))

    def names(self, text: str) -> bool:
        """Whether a text names a concept."""
        return bool(found_in(text, self.probes())[0])

    def _fitted(
        self, active_model: ActiveModel, known: Sequence[Concept], general: Vector
    ) -> list[ConceptProbe]:
        return [
            fitted(
                concept, examples, _vectors(active_model, concept.counters), general, self._embed
            )
            for concept in known
            if len(examples := _vectors(active_model, concept.examples))
        ]


def fitted(
    concept: Concept,
    examples: Vector,
    counters: Vector,
    general: Vector,
    embed: Callable[[str], Vector],
) -> ConceptProbe:
    """The probe of a concept, from unit vectors of shape (n, dimensions): of its examples, its
    counter-examples and pictures in general."""
    covariance = np.cov(general.T) if len(general) >= _FEW else None
    mean = np.zeros(examples.shape[1]) if covariance is None else general.mean(axis=0)
    away = examples.mean(axis=0) - mean
    if len(counters):
        away = away - _AGAINST * (counters.mean(axis=0) - mean)
    if covariance is not None:
        ridge = _RIDGE * np.trace(covariance) / len(covariance) + 1e-6
        away = np.linalg.solve(covariance + ridge * np.eye(len(covariance)), away)
    vector = (away / _spread(general, away)).astype(np.float32)
    generic = _generic(concept.name)
    words = embed(generic or concept.name)
    is_one = any(_is_proper(word) for word in concept.name.split())
    weight = (_PROPER_NAME if is_one else _NAME) / (len(examples) + 1.5)
    alone = vector + weight * words / _spread(general, words)
    return ConceptProbe(concept, vector, float(mean @ vector), unit(alone))


def found_in(text: str, probes: Sequence[ConceptProbe]) -> tuple[list[ConceptProbe], str, bool]:
    """The concepts that a text names, the text with other words in their place, and whether it
    names nothing else."""
    by_name = {
        " ".join(_folded(alias).split()): probe
        for probe in probes
        for alias in sorted(aliases(probe.concept.name), key=len)
    }
    if not by_name:
        return [], text, False
    named: list[ConceptProbe] = []
    others: list[str] = []  # what stands between the names
    rest: list[str] = []
    end = 0
    longest = sorted(by_name, key=len, reverse=True)
    patterns = (r"\s+".join(map(re.escape, alias.split())) for alias in longest)
    for match in re.finditer(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)", _folded(text)):
        probe = by_name[" ".join(match[0].split())]
        if probe not in named:
            named.append(probe)
        others.append(text[end : match.start()])
        rest += [others[-1], _generic(probe.concept.name)]
        end = match.end()
    others.append(text[end:])
    rest.append(others[-1])
    words = re.findall(r"\w+", " ".join(others))
    alone = bool(named) and all(word.lower() in _DETERMINERS for word in words)
    return named, " ".join("".join(rest).split()), alone


def aliases(name: str) -> set[str]:
    """What a concept is called in a query."""
    words = name.split()
    if words and words[0].lower() in _DETERMINERS:
        words = words[1:]
    proper = [word for word in words if _is_proper(word)]
    return {alias for alias in (name, " ".join(words), " ".join(proper)) if alias}


def _generic(name: str) -> str:
    """The words of a name that are no names: what it is."""
    words = [word for word in name.split() if not _is_proper(word)]
    return " ".join(word for word in words if word.lower() not in _DETERMINERS)


def _is_proper(word: str) -> bool:
    return word[:1].isupper() and word.lower() not in _DETERMINERS


def _folded(text: str) -> str:
    """In one case, letter by letter, so that it stays as long as it is: "İ" alone has two."""
    return "".join(c.casefold() if len(c.casefold()) == 1 else c.lower()[0] for c in text)


def _vectors(active_model: ActiveModel, contents: frozenset[int]) -> Vector:
    """The vectors of those contents that have one."""
    some = np.array(sorted(contents), np.int32)
    return active_model.table.vectors(some[active_model.table.has(some)] if len(some) else some)


def _spread(general: Vector, direction: NDArray[np.floating]) -> float:
    """The standard deviation of what pictures in general score."""
    if len(general) < _FEW:
        return float(np.linalg.norm(direction)) + 1e-9
    return float((general @ direction).std()) + 1e-9
