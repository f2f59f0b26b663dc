"""Words in a file's name and keywords: what no vector knows, such as a brand's name.

With a label, a picture's score is raised by BONUS times the share of the label's words that its
file has in its name, its title or its keywords, as whole words and without case. A full match
thereby counts as much as the distance between a text's best and its poorest picture.
"""

from __future__ import annotations

import os
import re
import unicodedata

import numpy as np
from numpy.typing import NDArray

from csearchd.library.library import Library

BONUS = 0.25

_WORDS = re.compile(r"[^\W_]+")
_MOST_WORDS = 16


def words(text: str) -> list[str]:
    """The different words of a text, in one case and spelling."""
    plain = unicodedata.normalize("NFC", text).casefold()
    return list(dict.fromkeys(_WORDS.findall(plain)))


def shares(library: Library, label: str, size: int) -> NDArray[np.float32]:
    """By file id, up to `size`: the share of the label's words that the file has.

    Raises LibraryError.
    """
    wanted = words(label)[:_MOST_WORDS]
    found = np.zeros(size, np.float32)
    if not wanted:
        return found
    for word in wanted:
        pattern = f"%{_like(word)}%"
        with library.read() as database:
            named = {
                row[0]
                for row in database.execute(
                    "SELECT id, name FROM files WHERE CAST(name AS TEXT) LIKE ?",
                    (pattern,),
                )
                if word in words(os.fsdecode(row[1]))
            }
            tagged = {
                row[0]
                for row in database.execute(
                    "SELECT p.file, k.text FROM keywords k "
                    "JOIN file_keywords p ON p.keyword = k.id WHERE k.text LIKE ? UNION ALL "
                    "SELECT file, title FROM metadata WHERE title LIKE ?",
                    (pattern, pattern),
                )
                if word in words(row[1])
            }
        files = [file for file in named | tagged if file < size]
        found[files] += 1 / len(wanted)
    return found


def _like(word: str) -> str:
    """A pattern that takes at least the word; LIKE ignores case in ASCII alone."""
    return "".join(c if c.isascii() else "%" for c in word)
