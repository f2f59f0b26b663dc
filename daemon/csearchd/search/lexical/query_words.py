"""The words of a query that names may have, without those that say nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from csearchd.library.words.tokens import folded, is_unspaced, runs, words_of_run
from csearchd.search.lexical.stop_words import FOR_DESKTOPS, GENERIC, MEASURES, STOP_WORDS
from csearchd.search.query_language.grammar import Part

_MAX_WORDS = 16
_MIN_DIGITS = 3  # of a number: names are full of shorter ones


class QueryWord(NamedTuple):
    """A word of a query."""

    text: str  # as it was typed
    alternatives: tuple[tuple[str, ...], ...]
    """Words of the index: an entry has the word if it has all of one of these."""

    part: str = ""  # that is looked for in other words, if no entry has the word


def query_words(parts: Sequence[Part]) -> list[QueryWord]:
    """The words of the parts that describe the picture; none where pictures are searched with."""
    if any(part.pictures for part in parts):
        return []
    found: dict[str, QueryWord] = {}
    for part in parts:
        if part.weight > 0:
            for word in _words(part.text):
                found.setdefault(folded(word.text), word)
    return list(found.values())[:_MAX_WORDS]


def says_something(parts: Sequence[Part]) -> bool:
    """Whether parts describe what a picture shows: "a", "no" and "img" are met by all or none."""
    return any(part.pictures or not is_silent(part.text) for part in parts)


def telling_words(parts: Sequence[Part]) -> list[str]:
    """The words of parts, folded, that describe what is seen to a launcher, which is asked for
    numbers, programs and settings, too."""
    words = [folded(run) for part in parts for run in runs(part.text)]
    others = STOP_WORDS | GENERIC | FOR_DESKTOPS
    return [word for word in words if word not in others and not word.isdecimal()]


def is_silent(text: str) -> bool:
    """Whether a text has no words but those that say nothing by themselves."""
    plain = [folded(run) for run in runs(text)]
    return bool(plain) and all(word in STOP_WORDS or word in GENERIC for word in plain)


def _words(text: str) -> list[QueryWord]:
    every = [(run, folded(run)) for run in runs(text)]
    kept: list[tuple[int, str, str]] = []
    for place, (run, plain) in enumerate(every):
        following = every[place + 1][1] if place + 1 < len(every) else ""
        if plain in MEASURES and following in ("of", "with"):
            continue  # a cup of coffee shows coffee
        if _says_something(run, plain):
            kept.append((place, run, plain))
    found = []
    for number, (place, run, plain) in enumerate(kept):
        alternatives = _alternatives(run)
        for other in (number - 1, number + 1):  # "sun set" as one word
            if 0 <= other < len(kept) and abs(kept[other][0] - place) == 1 and plain.isalpha():
                first, second = sorted((number, other))
                alternatives.append((kept[first][2] + kept[second][2],))
        part = plain if plain.isalpha() and not is_unspaced(run) else ""
        found.append(QueryWord(run, tuple(dict.fromkeys(alternatives)), part))
    return found


def _says_something(run: str, plain: str) -> bool:
    if plain in STOP_WORDS or plain in GENERIC:
        return False
    if plain.isdecimal():
        return len(plain) >= _MIN_DIGITS
    return len(plain) > 1 or is_unspaced(run)


def _alternatives(run: str) -> list[tuple[str, ...]]:
    if is_unspaced(run):
        plain = folded(run)
        pairs = [plain[at : at + 2] for at in range(len(plain) - 1)]
        return [tuple(pairs or [plain])]
    words = words_of_run(run)
    found: list[tuple[str, ...]] = [(form,) for form in _forms(words[0])]
    pieces = [word for word in words[1:] if word not in GENERIC]
    if len(pieces) > 1:  # the parts of "FullMoon"
        found.append(tuple(piece for piece in pieces if piece != "".join(pieces)))
    elif pieces and len(pieces[0]) >= _MIN_DIGITS:  # the number in "IMG4711"
        found.append((pieces[0],))
    return [group for group in found if group]


def _forms(word: str) -> list[str]:
    """A word, and what may be its singular and its plural in English."""
    forms = [word]
    if not word.isalpha() or len(word) < 3:
        return forms
    if word.endswith("ies") and len(word) > 4:
        forms.append(f"{word[:-3]}y")
    if word.endswith(("ches", "shes", "sses", "xes", "zes", "oes")):
        forms.append(word[:-2])
    if word.endswith("s") and not word.endswith("ss"):
        forms.append(word[:-1])
    elif word.endswith(("ch", "sh", "ss", "x", "z")):
        forms.append(f"{word}es")
    elif word.endswith("y") and word[-2] not in "aeiou":
        forms.append(f"{word[:-1]}ies")
    else:
        forms.append(f"{word}s")
    return forms
