"""Matches a label with words in file names, titles, keywords and names of people.

This finds what vectors don't know, such as a brand's name. The score of a picture is raised by
BONUS times the share of the label's words that its file has, as whole words, ignoring case. BONUS
is about the gap between the best and the poorest score that a text gets, so a full match can lift
any picture to the top.
"""

from __future__ import annotations

import os
import re

import numpy as np
from numpy.typing import NDArray

from csearchd.library.library import Library
from csearchd.library.metadata.candidates import having
from csearchd.spelling import folded

BONUS = 0.25

_WORDS = re.compile(r"[^\W_]+")
_MAX_WORDS = 16


def words(text: str) -> list[str]:
    """The distinct words of a text, case-folded and composed (NFC)."""
    return list(dict.fromkeys(_WORDS.findall(folded(text))))


def shares(library: Library, label: str, size: int) -> NDArray[np.float32]:
    """The share of the label's words that each file has, by file id, (size,).

    Raises LibraryError.
    """
    wanted = words(label)[:_MAX_WORDS]
    found = np.zeros(size, np.float32)
    if not wanted:
        return found
    for word in wanted:
        named, names = having("CAST(name AS TEXT)", word)
        tagged, texts = having("k.text", word)
        titled, titles = having("title", word)
        with library.read() as database:
            rows = database.execute(f"SELECT id, name FROM files WHERE {named}", names)
            found_files = {row[0] for row in rows if word in words(os.fsdecode(row[1]))}
            rows = database.execute(
                "SELECT p.file, k.text FROM keywords k JOIN file_keywords p ON p.keyword = k.id "
                f"WHERE {tagged} UNION ALL SELECT p.file, k.text FROM people k "
                f"JOIN file_people p ON p.person = k.id WHERE {tagged} "
                f"UNION ALL SELECT file, title FROM metadata WHERE {titled}",
                [*texts, *texts, *titles],
            )
            found_files |= {row[0] for row in rows if word in words(row[1])}
        files = [file for file in found_files if file < size]
        found[files] += 1 / len(wanted)
    return found
