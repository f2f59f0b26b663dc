"""Negation in words, which models don't understand: they see a cat with glasses in "no glasses".

Where it is sure what is not to be seen, it becomes a part that is subtracted: "a cat without
glasses" is searched for as "a cat - glasses". Elsewhere a remark says how to write it, as for
words with a dash before them, by which search engines leave out. Text in quotes is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from csearchd.limits import clipped
from csearchd.reasons import Reason
from csearchd.reasons.query import DASHED_WORD, NEGATION_HINT, NEGATION_UNDERSTOOD
from csearchd.search.query_language.foreign import has_english, seems_foreign
from csearchd.search.query_language.grammar import Part

_DASH = re.compile(r"(?:^|\s)-(?=[^\W\d_])")
_MAX_WORDS = 3  # of what is not to be seen
_JOINED = r"(?:\b(?:but|and|yet)\s+)?"
# Not within "forget-me-not" and "no-entry".
_NEGATION = re.compile(
    rf"(?:,\s*)?{_JOINED}(?<!-)(?:\bwithout\b|\bwith\s+no\b|\bnot\b|\bno\b"
    r"|\b(?:is|are|was|were|do|does|did|has|have)n['’]t\b)(?!-)",
    re.IGNORECASE,
)
# "not" may follow these, which then say nothing.
_DANGLING = re.compile(
    r"(?:\s+|^)(?:(?:that|which|who)(?:\s+(?:is|are|was|were|do|does|did|has|have))?"
    r"|is|are|was|were|do|does|did)\s*$",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"^(?:(?:any|a|an|the|my|on|in|at|with|near|by|being|having|wearing)\s+)+", re.IGNORECASE
)
_LISTED = re.compile(r"\s*,\s*(?:(?:and|or|nor)\s+)?|\s+(?:and|or|nor)\s+", re.IGNORECASE)
_ALTERNATIVES = re.compile(r"\s(?:or|nor)\s", re.IGNORECASE)
# "not" belongs to the word after it, not to all that follows: "a not ripe banana".
_BEFORE_ADJECTIVE = re.compile(r"(?:^|\s)(?:a|an|the|of|very)$", re.IGNORECASE)
# More follows than what is not to be seen.
_GOES_ON = frozenset(
    (
        "on", "in", "at", "near", "with", "under", "behind", "beside", "by", "next", "while",
        "that", "which", "who", "but", "from", "for", "during", "over", "of", "to", "is", "are",
        "because", "when", "where", "except", "between", "above", "below", "only", "just",
        "one", "longer", "more", "yet", "so", "very", "too", "it",
    )
)  # fmt: skip
# What signs say, and what is no negation.
_FIXED = re.compile(
    r"^do(?:n['’]t|\s+not)\b|\bnot\s+allowed\b|\bno\b[\s.]*(?:\d|$)|(?<!with )\bno\s+(?:(?:parking|"
    r"smoking|entry|exit|trespassing|stopping|swimming|diving|fishing|standing|littering|vacancy|"
    r"limits|name|problem|way|man['’]?s|u-turns?|(?:left |right )?turns?)\b|"
    r"(?:\S+\s+){0,4}(?:allowed|signs?)\b)",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"\b(?:never|nobody|no-one|nothing|none|neither|nor|except|excluding|lacking|instead\s+of|"
    r"rather\s+than|other\s+than|ohne|kein\w{0,2}|nicht|senza|zonder|geen)\b",
    re.IGNORECASE,
)


def understood(parts: Sequence[Part], language: str) -> tuple[list[Part], list[Reason]]:
    """The parts of a query with negations as parts of their own, and remarks on them. `language`:
    that of the user, as a locale."""
    found: list[Part] = []
    remarks: list[Reason] = []
    for part in parts:
        text = part.text
        if part.dashed and part.weight > 0:
            query = _DASH.sub(" - ", text).strip()
            query = f"dog {query}" if query.startswith("-") else query
            remarks.append(DASHED_WORD(query=clipped(query)))
        if part.quoted or part.weight < 0 or not text:
            found.append(part)
            continue
        match = _NEGATION.search(text)
        if match and (_FIXED.search(text) or _is_another_no(match[0], text, language)):
            found.append(part)
            continue
        unseen = _unseen(text, match) if match else []
        if not match or not unseen:
            found.append(part)
            if other := match or _OTHERS.search(text):
                remarks.append(NEGATION_HINT(word=" ".join(other[0].strip(" ,").split())))
            continue
        seen = text[: match.start()].strip(" ,")
        while (shorter := _DANGLING.sub("", seen)) != seen:
            seen = shorter
        positive = Part(part.weight, [seen] if seen else [], part.pictures)
        negative = [Part(-part.weight, [word]) for word in unseen]
        found += [*([positive] if positive else []), *negative]
        shown = " ".join([seen, *(f"- {word}" for word in unseen)]).strip()
        remarks.append(NEGATION_UNDERSTOOD(text=clipped(text), query=clipped(shown)))
    return found, remarks


def _is_no(negation: str) -> bool:
    return negation.strip(" ,").lower() == "no"


def _is_another_no(negation: str, text: str, language: str) -> bool:
    """Whether it may be a word of another language: "gato no sofá" is a cat on a sofa."""
    return _is_no(negation) and seems_foreign(text, language)


def _unseen(text: str, negation: re.Match[str]) -> list[str]:
    """What follows a negation, each thing by itself; empty if it isn't sure how far that goes."""
    rest = text[negation.end() :].strip(" ,.")
    if _NEGATION.search(rest) or _OTHERS.search(rest):
        return []
    before = text[: negation.start()].rstrip()
    if _BEFORE_ADJECTIVE.search(before):
        return []
    if before and _is_no(negation[0]) and not has_english(before):
        return []
    listed = _LISTED.split(rest)
    things = [_LEADING.sub("", thing.strip(" ,.")) for thing in listed]
    # What is to be seen may begin there: "no hat and a red shirt".
    if things[1:] != listed[1:] and not _ALTERNATIVES.search(rest):
        return []
    for thing in things:
        words = thing.lower().split()
        if not 1 <= len(words) <= _MAX_WORDS or not _GOES_ON.isdisjoint(words):
            return []
    return things
