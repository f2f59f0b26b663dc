"""Matches a label with words in file names, titles and keywords.

This finds what vectors don't know, such as a brand's name. The score of a picture is raised by
BONUS times the share of the label's words that its file has, as whole words, ignoring case. BONUS
is about the gap between the best and the poorest score that a text gets, so a full match can lift
any picture to the top.
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
_MAX_WORDS = 16


def words(text: str) -> list[str]:
    """The distinct words of a text, case-folded and composed (NFC)."""
    plain = unicodedata.normalize("NFC", text).casefold()
    return list(dict.fromkeys(_WORDS.findall(plain)))


def shares(library: Library, label: str, size: int) -> NDArray[np.float32]:
    """The share of the label's words that each file has, by file id, (size,).

    Raises LibraryError.
    """
    wanted = words(label)[:_MAX_WORDS]
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
    """A pattern for LIKE that matches at least the word. LIKE ignores the case of ASCII only."""
    return "".join(c if c.isascii() else "%" for c in word)
