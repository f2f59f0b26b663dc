"""The index of words in pictures: which contents have them.

A word is first looked up among all words that were ever recognised, by its parts (trigrams of their
skeletons, csearchd.library.texts.tokens); then the contents that have one of those are looked up.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from csearchd.library.texts.pattern import MIN_TYPO, TextPattern
from csearchd.library.texts.statements import AMONG, parts_of
from csearchd.library.texts.tokens import distance, has_parts, is_near, is_one_off, skeleton
from csearchd.library.words.tokens import is_unspaced

_MOST_WORDS = 1000  # that count as one that is looked for
_MOST_OF_THREE = 300  # the same for one of three letters, which is in very many words
_FEW = 2000  # pictures with a word that are compared at once
_MIN_LONG = 8  # letters of a word whose halves few others have
_MOST_TRIED = 8  # words of a pattern that are tried for that
_MOST_CANDIDATES = 20_000  # words that are compared with it
_MOST_COMPARED = 20_000  # pictures that are compared with words that follow one another
MOST_WRONG = 2  # letters of a word that a recogniser may have mistaken for another one
_MOST_SPLIT = 20  # characters of a word that may be written in two

Contents = NDArray[np.int64]  # ids, ascending
NONE: Contents = np.zeros(0, np.int64)


def contents_with(database: sqlite3.Connection, pattern: TextPattern) -> Contents:
    """The contents whose words have a pattern. Raises sqlite3.Error."""
    if not pattern:
        return NONE
    if pattern.is_one_word:
        (unit,) = pattern.units
        return _matching(database, _expression(unit, _similar(database, unit)))
    joined = NONE
    if pattern.has_parts:
        similar = _similar(database, pattern.joined)
        joined = _matching(database, _expression(pattern.joined, similar))
    found = _with_rare_unit(database, pattern)
    if found is None:
        found = _with_all_units(database, pattern)
    return np.union1d(found, joined)


def _with_rare_unit(database: sqlite3.Connection, pattern: TextPattern) -> Contents | None:
    """The contents with a pattern of several units, by one that few have; None without one."""
    for unit in sorted(pattern.units, key=len, reverse=True)[:_MOST_TRIED]:
        few = _matching(database, _expression(unit, _similar(database, unit)), _FEW + 1)
        if len(few) <= _FEW:
            break
    else:
        return None
    rows = _rows(database, few)
    found = [content for content, words in rows if pattern.is_in(words.split())]
    if len(found) < len(rows) and len(pattern.units) <= _MOST_TRIED:
        allowed = [frozenset(_similar(database, unit)) for unit in pattern.units]
        found = [content for content, words in rows if pattern.is_in(words.split(), allowed)]
    return np.array(sorted(found), np.int64)


def _with_all_units(database: sqlite3.Connection, pattern: TextPattern) -> Contents:
    """The same for units that many have."""
    units = pattern.units[:_MOST_TRIED]
    similar = [_similar(database, unit) for unit in units]
    groups = [f"({_expression(*each)})" for each in zip(units, similar, strict=True)]
    rows = database.execute(
        "SELECT rowid, words FROM text_words WHERE text_words MATCH ? LIMIT ?",
        (" AND ".join(groups), _MOST_COMPARED + 1),
    ).fetchall()
    if len(rows) > _MOST_COMPARED:  # of words that are so frequent, only the words as they are
        return _matching(database, _quoted(" ".join(pattern.words)))
    allowed = [frozenset(words) for words in similar] if units == pattern.units else []
    found = [content for content, words in rows if pattern.is_in(words.split(), allowed)]
    return np.array(sorted(found), np.int64)


def _rows(database: sqlite3.Connection, contents: Contents) -> list[tuple[int, str]]:
    """Contents and their words."""
    statement = f"SELECT content, words FROM texts WHERE content IN {AMONG}"
    parts = parts_of(contents.tolist())
    return [row for part in parts for row in database.execute(statement, (part,))]


def contents_with_words(
    database: sqlite3.Connection, alternatives: Iterable[Sequence[str]], limit: int
) -> Contents | None:
    """The contents that have all words of one of the `alternatives`, as they are; None if there
    are more than `limit`. Raises sqlite3.Error."""
    if not (wanted := _any(alternatives)):
        return NONE
    found = _matching(database, wanted, limit + 1)
    return None if len(found) > limit else found


def contents_quoting(
    database: sqlite3.Connection,
    pattern: TextPattern,
    words: Sequence[Sequence[Sequence[str]]],
    among: Contents | None,
    limit: int,
) -> Contents:
    """The contents whose words have a pattern, of those that have all `words`, each given as
    alternatives: `among`, or None where these aren't known. None where there are more than `limit`
    of these. Raises sqlite3.Error."""
    if among is None:
        wanted = " AND ".join(f"({_any(alternatives)})" for alternatives in words if alternatives)
        among = _matching(database, wanted, limit + 1) if wanted else NONE
    if len(among) > limit:
        return NONE
    found = [row[0] for row in _rows(database, among) if pattern.is_in(row[1].split())]
    return np.array(sorted(found), np.int64)


def _any(alternatives: Iterable[Sequence[str]]) -> str:
    groups = [" AND ".join(map(_quoted, group)) for group in alternatives]
    return " OR ".join(f"({group})" for group in groups)


def similar_words(database: sqlite3.Connection, word: str) -> list[str]:
    """Words that were recognised and may be a wrong `word`, which is folded. Any letter may be
    wrong only in a long one: halves of a short one are in thousands of words."""
    similar = _similar(database, word, len(word) >= _MIN_LONG)
    return [one for one in similar if one != word and distance(one, word, MOST_WRONG) <= MOST_WRONG]


def _matching(database: sqlite3.Connection, wanted: str, limit: int = -1) -> Contents:
    # In one row: Python's sqlite3 releases the GIL for each row.
    (found,) = database.execute(
        "SELECT group_concat(rowid) FROM "
        "(SELECT rowid FROM text_words WHERE text_words MATCH ? LIMIT ?)",
        (wanted, limit),
    ).fetchone()
    return np.fromstring(found or "", np.int64, sep=",")


def _expression(unit: str, similar: Sequence[str]) -> str:
    """FTS5's expression for a unit of a pattern, which may be written as two words, too."""
    wanted = [_quoted(word) for word in (similar or [unit])]
    if len(unit) < 3 and not is_unspaced(unit):
        wanted.append(f"{_quoted(unit)} *")
    elif not is_unspaced(unit) and len(unit) <= _MOST_SPLIT:
        wanted += [_quoted(f"{unit[:at]} {unit[at:]}") for at in range(1, len(unit))]
    return " OR ".join(wanted)


def _quoted(words: str) -> str:
    """The expression for words that follow one another, in quotes."""
    # Each character of writing without blanks is a word of the index.
    apart = (" ".join(word) if is_unspaced(word) else word for word in words.split())
    return '"' + " ".join(apart).replace('"', "") + '"'


def _similar(database: sqlite3.Connection, word: str, typos: bool = True) -> list[str]:
    """The words that count as one: those that have it in them, or else, with `typos`, differ by a
    letter."""
    if not has_parts(word):
        return [word]
    sought = skeleton(word)
    found = [one for one in _having(database, [sought]) if is_near(word, one)]
    if typos and not found and len(word) >= MIN_TYPO and word.isalpha():
        middle = len(sought) // 2  # one of both halves is right
        halves = [sought[:middle], sought[middle:]]
        found = [one for one in _having(database, halves) if is_one_off(word, one)]
    most = _MOST_OF_THREE if len(word) == 3 else _MOST_WORDS
    return sorted({word, *found}, key=lambda one: (len(one), one))[:most]


def _having(database: sqlite3.Connection, parts: Sequence[str]) -> list[str]:
    """Words whose skeletons have one of the parts."""
    long = [f'"{part}"' for part in parts if len(part) > 2]
    if not long:
        return []
    (found,) = database.execute(
        "SELECT group_concat(v.word, ' ') FROM (SELECT rowid FROM text_parts "
        f"WHERE text_parts MATCH ? LIMIT {_MOST_CANDIDATES}) p "
        "JOIN text_vocabulary v ON v.id = p.rowid",
        (" OR ".join(long),),
    ).fetchone()
    return (found or "").split()
