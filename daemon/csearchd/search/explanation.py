"""Why a picture was found: what of the query it meets, and what it shows of what was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import CancelledError
from csearchd.scoring.confidence import LEVELS, ScoreCalibration
from csearchd.search.query_language.grammar import Part
from csearchd.search.query_language.query_vector import unit

Vector = NDArray[np.float32]

MOST = 12  # aspects of a query
_TERMS = 5  # of a picture
# Words that join phrases: each phrase is a thing of its own.
_JOINTS = frozenset(
    (
        "on", "in", "at", "with", "and", "of", "by", "near", "under", "over", "behind", "before",
        "to", "from", "for", "through", "into", "or", "beside", "next", "above", "below",
        "between", "during", "while", "against", "along", "across", "around", "without",
        "wearing", "holding",
    )
)  # fmt: skip
_ARTICLES = frozenset({"a", "an", "the", "some", "my", "our", "his", "her", "their", "is", "are"})


class QueryTerm(NamedTuple):
    """A part of a query: a phrase, a word or a picture."""

    text: str
    weight: float  # below 0, if it is subtracted
    vector: Vector
    without: Vector | None  # the query's vector without it, if anything is left
    like: bool  # it is a picture, or a concept that was taught


def query_terms(
    parts: Sequence[Part],
    pictures: Mapping[int, tuple[str, Vector]],
    embed: Callable[[str], Vector],
    is_taught: Callable[[str], bool],
) -> list[QueryTerm]:
    """The parts of a query, at most MOST; `pictures` have the names and vectors of those that the
    parts name by number."""
    pieces: list[tuple[str, float, Vector, bool, list[tuple[float, Vector]]]] = []
    for part in parts:
        phrases = split(part.text)
        for number, phrase in enumerate(phrases):
            if len(pieces) >= MOST:
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
    for index, (text, weight, vector, like, left) in enumerate(pieces[:MOST]):
        owner = _owner(parts, index)
        others = [piece for number, pieces_ in enumerate(whole) if number != owner
                  for piece in pieces_]  # fmt: skip
        found.append(QueryTerm(text, weight, vector, _sum([*left, *others]), like))
    return found


def _owner(parts: Sequence[Part], index: int) -> int:
    """The part that a piece is of."""
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
    """The phrases of a text, or, if it is one phrase, its words."""
    words = re.findall(r"[^\s,;]+", text)
    phrases: list[list[str]] = [[]]
    for word in words:
        if word.lower() in _JOINTS:
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
    candidate_count: int,
) -> list[list[dict[str, Any]]]:
    """For each of `vectors`, (n, dimensions), what becomes of each aspect: its confidence in the
    picture, and what the score would lose without it.

    The pictures were found among `candidate_count` by all terms together, so that by chance each
    of k terms is as good as the best among the k-th root of so many.
    """
    candidate_count = round(candidate_count ** (1 / max(1, len(query_terms))))
    found: list[list[dict[str, Any]]] = [[] for _ in vectors]
    scores = vectors @ query
    for aspect in query_terms:
        levels = calibration.levels(aspect.vector, vectors, candidate_count, aspect.like)
        gains = None if aspect.without is None else scores - vectors @ aspect.without
        for number, told in enumerate(found):
            told.append(
                {
                    "text": aspect.text,
                    "weight": aspect.weight,
                    "confidence": None if levels is None else LEVELS[levels[number]],
                    "contribution": None if gains is None else round(float(gains[number]), 4),
                }
            )
    return found


def shared_terms(
    names: Sequence[str], matrix: NDArray[np.float32], evidence: NDArray[np.float32], query: Vector
) -> list[list[str]]:
    """For each picture the terms that are in it and near to what was asked for, the best first.

    `matrix`: the terms' unit vectors; `evidence`, (pictures, terms): how sure each is in a picture.
    """
    near = matrix @ query
    near = (near - near.mean()) / (near.std() + 1e-9)
    standing = evidence - evidence.mean(axis=1, keepdims=True)
    standing /= standing.std(axis=1, keepdims=True) + 1e-9
    both = np.where((near > 1) & (standing > 1), near * standing, 0)
    order = np.argsort(-both, axis=1, kind="stable")[:, :_TERMS]
    return [
        [names[term] for term in row if both[number, term] > 0] for number, row in enumerate(order)
    ]
