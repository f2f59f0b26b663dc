"""Pictures that a query names by their paths, as the query language wants them marked."""

import os
import re

_WORD = re.compile(r'"[^"]*"|\S+')
_WEIGHT = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+):(?=.)")


def in_query(query):
    """(path, start, end) of each existing file that a word names: absolute, or below ~.

    A window has no directory of its own that a relative path could begin at.
    """
    found = []
    for word in _WORD.finditer(query):
        if word[0] == "--":
            break
        weight = _WEIGHT.match(word[0])
        start = word.start() + (weight.end() if weight else 0)
        name = query[start : word.end()]
        if name.startswith(("/", "~/")) and os.path.isfile(path := os.path.expanduser(name)):
            found.append((os.fsencode(path), start, word.end()))
    return found
