"""Reads the terms that pictures can be tagged with: the built-in file and the user's changes to it.

The syntax of both files is described at the top of vocabulary.txt.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from csearchd.errors import VocabularyError
from csearchd.paths import read_file
from csearchd.reasons import commands as reasons
from csearchd.reasons import from_system

BUILT_IN = os.path.join(os.path.dirname(__file__), "vocabulary.txt")
_ONE_OF = " one of"
_FORBIDDEN = set(',|\\"<>*') | {chr(code) for code in range(32)}
_MAX_LENGTH = 64  # of a name, as IPTC's keywords allow (IIM 4.2, 2:25)


@dataclass(frozen=True)
class Term:
    """A possible tag: its path, such as ("animal", "dog"), and phrases that describe it."""

    path: tuple[str, ...]
    phrases: tuple[str, ...]
    group: tuple[str, ...] | None = None  # a picture gets at most one term of a group
    own: bool = False  # whether the user's file adds it

    @property
    def name(self) -> str:
        return "/".join(self.path)


def read_vocabulary(own: str) -> list[Term]:
    """The built-in terms, as changed by the user's file at the path `own` if it exists.

    Raises VocabularyError.
    """
    terms = {term.path: term for term in _read(BUILT_IN, {})}
    if os.path.exists(own):
        terms = {term.path: term for term in _read(own, terms)}
    if not terms:
        raise VocabularyError(reasons.NO_TERMS(path=own))
    return list(terms.values())


def _read(path: str, terms: dict[tuple[str, ...], Term]) -> list[Term]:
    try:
        text = read_file(path).decode().replace("\r\n", "\n").replace("\r", "\n")
    except (OSError, UnicodeError) as error:
        reason = from_system(error) if isinstance(error, OSError) else reasons.NOT_TEXT()
        raise VocabularyError(reasons.TERMS_UNREADABLE(path=path, reason=reason)) from None
    return parse(text, path, terms, own=path != BUILT_IN)


def parse(
    text: str, source: str, known: dict[tuple[str, ...], Term], own: bool = False
) -> list[Term]:
    """The terms `known`, as changed by the lines of `text`. Raises VocabularyError.

    `source` names the file in messages; `own` says that it is the user's.
    """
    terms = dict(known)
    above: list[tuple[int, str, bool]] = []  # indentation, name, whether "one of"
    for number, indent, line in _lines(text):
        where = f"{source}, line {number}"
        if line.startswith("-"):
            _remove(terms, line[1:].strip(), where)
            continue
        while above and above[-1][0] >= indent:
            above.pop()
        head, colon, tail = line.partition(":")
        one_of = head.endswith(_ONE_OF)
        head = head.removesuffix(_ONE_OF).strip()
        name = head.removesuffix("/").strip()
        check_name(name, where)
        path = (*(parent for _, parent, _ in above), name)
        group = path[:-1] if above and above[-1][2] else None
        above.append((indent, name, one_of))
        if head.endswith("/"):
            if colon:
                raise VocabularyError(reasons.GROUP_WITH_PHRASES(place=where, name=name))
            continue
        phrases = tuple(phrase.strip() for phrase in tail.split(",") if phrase.strip())
        terms[path] = Term(path, phrases or (name,), group, own)
    return list(terms.values())


def _lines(text: str) -> Iterator[tuple[int, int, str]]:
    """Number, indentation and content of the lines that are neither empty nor comments."""
    for number, line in enumerate(text.split("\n"), 1):
        content = line.expandtabs(4).rstrip()
        if content and not content.lstrip().startswith("#"):
            yield number, len(content) - len(content.lstrip()), content.lstrip()


def check_name(name: str, where: str) -> None:
    """Raises VocabularyError if a name can't be a tag; the message begins with `where`."""
    if not name:
        raise VocabularyError(reasons.TERM_MISSING(place=where))
    if "/" in name or not _FORBIDDEN.isdisjoint(name):
        raise VocabularyError(reasons.NOT_A_TAG(place=where, name=name))
    if len(name.encode()) > _MAX_LENGTH:
        too_long = reasons.TERM_TOO_LONG(place=where, name=name, limit=_MAX_LENGTH)
        raise VocabularyError(too_long)


def _remove(terms: dict[tuple[str, ...], Term], name: str, where: str) -> None:
    path = tuple(part.strip() for part in name.split("/"))
    gone = [known for known in terms if name == "*" or known[: len(path)] == path]
    if not gone:
        raise VocabularyError(reasons.NO_TERM(place=where, name=name))
    for known in gone:
        del terms[known]
