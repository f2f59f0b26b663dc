"""What somebody types into a desktop's search box, as a query.

Launchers are asked for programs, settings, sums, addresses and commands, too. So nothing in such a
text is an error, and no sign in it means anything: "dog -cat", "dog + cat", `"dog` and "2:dog" are
words, with signs left out that aren't within a word (rock-climbing, don't). Only what is clearly a
filter stays one: a name of ours, with `not:` before it or without, and a value with a letter or a
digit in it (near:Lisbon, not:tag:beach, text:"wifi password"). The quote at the end of a value may
still be missing, and so may the value: then the filter doesn't count. A colon after any other word
is a sign as any other ("note: call").

A sum ("1+1") describes no picture at all, nor do fewer than MIN_LETTERS letters and digits.
"""

from __future__ import annotations

import re
import unicodedata

from csearchd.search.query_language.grammar import FILTERS

MIN_LETTERS = 3
_MOST = 2000  # characters; more are pasted by mistake, and cost the time of others

_NAME = rf"(?:not:)?(?:{'|'.join(FILTERS)}):"
_VALUE = r'"(?:[^"]|"")*"?|[^\s":/][^\s"]*'
_PIECE = re.compile(rf"(?<!\S)(?P<name>{_NAME})(?P<value>{_VALUE})?|\S+", re.IGNORECASE)
_INNER = "'’-"  # signs that words may have, though not at their ends
_JOINERS = "\u200c\u200d"  # within words of Persian and of Indian languages
_OF_SUMS = re.compile("[+*^%=×÷]")


def as_query(typed: str) -> str:
    """Returns the query (csearchd.search.query_language.grammar) in a text; "" where it describes
    no picture."""
    if len(typed) > _MOST:
        return ""
    if _OF_SUMS.search(typed) and not any(map(str.isalpha, typed)):
        return ""
    pieces = []
    for match in _PIECE.finditer(typed):
        value = match["value"] or ""
        if not match["name"]:
            pieces.append(_words(match[0]))
        elif _letters(value):
            closing = '"' if value.startswith('"') and value.count('"') % 2 else ""
            pieces.append(match[0] + closing)
    query = " ".join(filter(None, pieces))
    return query if _letters(query) >= MIN_LETTERS else ""


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _words(text: str) -> str:
    """Returns the words of a text without signs."""
    kept = [character if _is_of_words(character) else " " for character in text]
    words = (word.strip(_INNER) for word in "".join(kept).split())
    return " ".join(filter(None, words))


def _is_of_words(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN" or character in _INNER + _JOINERS
