"""Matches a label with words in file names, titles, keywords and names of people.

This finds what vectors don't know, such as a brand's name. The score of a picture is raised by
BONUS times the share of the label's words that its file has, as whole words, ignoring case. BONUS
is about the gap between the best and the poorest score that a text gets, so a full match can lift
any picture to the top.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from csearchd.library.library import Library
from csearchd.library.metadata.candidates import having
from csearchd.search.request import SearchRequest
from csearchd.spelling import folded

BONUS = 0.25

_WORDS = re.compile(r"[^\W_]+")
_MAX_WORDS = 16

Mask = NDArray[np.bool_]
Contents = NDArray[np.int32]
Scores = NDArray[np.float32]


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


def masks(
    library: Library, request: SearchRequest, files: Mask | None
) -> Iterator[tuple[Mask, float]]:
    """For each share of the label's words: a mask over the contents among `files` (None for all)
    whose files have it, and what their scores are raised by. Raises LibraryError."""
    assert request.label
    if files is None:
        with library.memory_lock:
            files = library.catalogue.files_in(request.scope)
    found = shares(library, request.label, len(files))
    found[~files] = 0
    for share in np.unique(found[found > 0]):
        request.check()
        with library.memory_lock:
            mask = library.catalogue.contents_of(found == share)
        yield mask, request.label_weight * BONUS * float(share)


def merged(
    contents: Contents,
    scores: Scores,
    raised: Sequence[tuple[Contents, Scores, float]],
    scale: float,
    count: int,
) -> tuple[Contents, Scores]:
    """The best `count` of contents and others whose scores, multiplied by `scale`, are raised.

    A content in more than one list gets its best score.
    """
    every = np.concatenate([contents, *(part[0] for part in raised)])
    more = (own * np.float32(scale) + np.float32(bonus) for _, own, bonus in raised)
    all_scores = np.concatenate([scores, *more])
    ranking = np.argsort(-all_scores, kind="stable")
    _, first = np.unique(every[ranking], return_index=True)
    chosen = ranking[np.sort(first)[:count]]
    return every[chosen], all_scores[chosen]
