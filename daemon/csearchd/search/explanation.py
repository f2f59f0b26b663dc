"""Explains results: which terms of the query a picture matches, and which tags both share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import CancelledError
from csearchd.scoring.confidence import ScoreCalibration, level_name
from csearchd.search.lexical.query_words import is_silent
from csearchd.search.query_language.grammar import Part
from csearchd.search.query_language.query_vector import unit

Vector = NDArray[np.float32]

MAX_TERMS = 12  # of a query
_MAX_SHARED = 5  # terms of a picture
# Words that separate phrases, each of which names a thing.
_SEPARATORS = frozenset(
    (
        "on", "in", "at", "with", "and", "of", "by", "near", "under", "over", "behind", "before",
        "to", "from", "for", "through", "into", "or", "beside", "next", "above", "below",
        "between", "during", "while", "against", "along", "across", "around", "without",
        "wearing", "holding",
    )
)  # fmt: skip
_ARTICLES = frozenset({"a", "an", "the", "some", "my", "our", "his", "her", "their", "is", "are"})


class QueryTerm(NamedTuple):
    """A phrase, a word or a picture in a query."""

    text: str
    weight: float  # negative if it is subtracted
    vector: Vector  # (dimensions,), unit length
    without: Vector | None  # the vector of the query without this term, if anything is left of it
    like: bool  # whether it is a picture or a concept that the user taught


def query_terms(
    parts: Sequence[Part],
    pictures: Mapping[int, tuple[str, Vector]],
    embed: Callable[[str], Vector],
    is_taught: Callable[[str], bool],
) -> list[QueryTerm]:
    """The terms of a query, at most MAX_TERMS.

    `pictures` has names and vectors of the pictures in the query by number. `embed` gives the
    vector of a text, `is_taught` tells whether a text names a concept.
    """
    pieces: list[tuple[str, float, Vector, bool, list[tuple[float, Vector]]]] = []
    for part in parts:
        phrases = split(part.text)
        for number, phrase in enumerate(phrases):
            if len(pieces) >= MAX_TERMS:
                break
            rest = " ".join(other for n, other in enumerate(phrases) if n != number)
            left = [(part.weight, embed(rest))] if rest else []
            pieces.append((phrase, part.weight, embed(phrase), is_taught(phrase), left))
        for one in part.pictures:
            name, vector = pictures[one]
            pieces.append((name, part.weight, vector, True, []))
    whole = [
        [(part.weight, embed(part.text))] * bool(part.text)
        + [(part.weight, pictures[one][1]) for one in part.pictures]
        for part in parts
    ]
    found: list[QueryTerm] = []
    for index, (text, weight, vector, like, left) in enumerate(pieces[:MAX_TERMS]):
        owner = _owner(parts, index)
        others = [piece for number, pieces_ in enumerate(whole) if number != owner
                  for piece in pieces_]  # fmt: skip
        found.append(QueryTerm(text, weight, vector, _sum([*left, *others]), like))
    return found


def _owner(parts: Sequence[Part], index: int) -> int:
    """The number of the part that a term belongs to."""
    for number, part in enumerate(parts):
        index -= len(split(part.text)) + len(part.pictures)
        if index < 0:
            return number
    raise IndexError(index)


def _sum(pieces: Sequence[tuple[float, Vector]]) -> Vector | None:
    if not pieces:
        return None
    try:
        return unit(np.sum([weight * vector for weight, vector in pieces], axis=0))
    except CancelledError:
        return None


def split(text: str) -> list[str]:
    """The phrases of a text; or its words, if it is a single phrase."""
    words = re.findall(r"[^\s,;]+", text)
    phrases: list[list[str]] = [[]]
    for word in words:
        if word.lower() in _SEPARATORS:
            phrases.append([])
        else:
            phrases[-1].append(word)
    kept = [" ".join(phrase) for phrase in phrases if _says_something(phrase)]
    if len(kept) == 1:
        kept = [word for word in kept[0].split() if word.lower() not in _ARTICLES]
    return kept or [text] * bool(text)


def _says_something(phrase: Sequence[str]) -> bool:
    return any(word.lower() not in _ARTICLES for word in phrase)


def met(
    query_terms: Sequence[QueryTerm],
    query: Vector,
    calibration: ScoreCalibration,
    vectors: NDArray[np.float32],
) -> list[list[dict[str, Any]]]:
    """For each picture and term: the confidence, and what the score would lose without the term.

    `vectors`, (n, dimensions), are the pictures' and `query`, (dimensions,), is the query's.
    """
    found: list[list[dict[str, Any]]] = [[] for _ in vectors]
    scores = vectors @ query
    for term in query_terms:
        sure = calibration.probabilities(term.vector, vectors, term.like)
        if sure is not None and not term.like and is_silent(term.text):
            sure = np.zeros_like(sure)
        gains = None if term.without is None else scores - vectors @ term.without
        for number, told in enumerate(found):
            probability = None if sure is None else float(sure[number])
            told.append(
                {
                    "text": term.text,
                    "weight": term.weight,
                    "probability": probability,
                    "confidence": None if probability is None else level_name(probability),
                    "contribution": None if gains is None else round(float(gains[number]), 4),
                }
            )
    return found


def shared_terms(
    names: Sequence[str], matrix: NDArray[np.float32], evidence: NDArray[np.float32], query: Vector
) -> list[list[str]]:
    """For each picture the terms of the vocabulary that it shares with a query, best first.

    `names` are the terms' names, `matrix` their unit vectors, (terms, dimensions), `evidence`,
    (pictures, terms), the log-odds that each fits a picture, and `query` the query's vector.
    """
    near = matrix @ query
    near = (near - near.mean()) / (near.std() + 1e-9)
    standing = evidence - evidence.mean(axis=1, keepdims=True)
    standing /= standing.std(axis=1, keepdims=True) + 1e-9
    both = np.where((near > 1) & (standing > 1), near * standing, 0)
    order = np.argsort(-both, axis=1, kind="stable")[:, :_MAX_SHARED]
    return [
        [names[term] for term in row if both[number, term] > 0] for number, row in enumerate(order)
    ]
