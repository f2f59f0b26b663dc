"""Whether a few files may be found by name (csearchd.search.lexical.matches), without looking at
all others."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from csearchd.library.library import Library
from csearchd.library.texts.statements import AMONG
from csearchd.library.words.tokens import words
from csearchd.search.file_lookup import find_files
from csearchd.search.lexical.query_words import query_words
from csearchd.search.query_language.grammar import Part

_TEXTS = (
    f"SELECT title FROM metadata WHERE file IN {AMONG}",
    f"SELECT description FROM metadata WHERE file IN {AMONG}",
    f"SELECT text FROM keywords JOIN file_keywords ON keyword = id WHERE file IN {AMONG}",
    f"SELECT text FROM people JOIN file_people ON person = id WHERE file IN {AMONG}",
)


def may_be_named(library: Library, parts: Sequence[Part], files: Sequence[int]) -> bool:
    """Whether one of some files (ids) may have one of a query's words; words in their pictures may
    be any. Raises LibraryError."""
    asked = query_words(parts)
    if not asked or not files:
        return False
    found = list(find_files(library, "id", files))
    if library.texts.have_words([content for _, content, _ in found]):
        return True
    known = {word for *_, path in found for word in words(os.fsdecode(path))}
    with library.read() as database:
        for statement in _TEXTS:
            for (text,) in database.execute(statement, (json.dumps(list(files)),)):
                known.update(words(str(text or "")))
    return any(
        (word.part and any(word.part in one for one in known))
        or any(known.issuperset(group) for group in word.alternatives)
        for word in asked
    )
