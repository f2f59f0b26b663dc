"""What the engine is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.search.explanation import QueryTerm
from csearchd.search.filters import Condition
from csearchd.search.query_language.query_vector import Vector

Scope = NDArray[np.bool_]  # by directory id (DirectoryTree.mask)
ORDERS = ("score", "date", "name", "size")


@dataclass(frozen=True)
class SearchRequest:
    """A search.

    With a vector the best `top` files after the first `offset` are chosen by their scores, and then
    put in order; without one, all files that meet the conditions are put in order, and those are
    chosen. Dates are latest first, names from A on, sizes largest first, unless `reverse`.
    """

    model: int  # whose the vectors are: its row
    vector: Vector | None
    scope: Scope | None  # None: everywhere
    top: int
    offset: int = 0
    conditions: Sequence[Condition] = ()
    without: frozenset[int] = frozenset()  # contents that are left out
    scale: float = 1.0  # what the vector's scores are multiplied by
    label: str = ""  # words that raise the score: see csearchd.search.lexical
    label_weight: float = 0.0
    min_score: float | None = None  # the lowest score
    like: bool = False  # whether the vector stands for pictures too, not for words alone
    group: bool = False  # near-duplicates are one result
    random: bool = False  # any of those that match, by chance
    query_terms: Sequence[QueryTerm] = ()  # of what is asked for, where it is to be said why
    min_level: int = 0  # the lowest confidence (csearchd.scoring.confidence.LEVELS)
    order: str | None = None  # of ORDERS; None: by score, or by date without a vector
    reverse: bool = False
    check: Callable[[], object] = lambda: None  # called now and then; ends it by what it raises


class Hit(NamedTuple):
    """A file that was found. Without a vector there is no score."""

    path: bytes
    score: float | None
    file: int  # its id
    content: int
    confidence: str | None = None  # one of LEVELS, where that can be told
    similar: int = 0  # files that are nearly the same and left out for it


class Answer(NamedTuple):
    """Files in order, and directories to be scanned, since something has gone from them."""

    hits: list[Hit]
    stale: list[bytes]
