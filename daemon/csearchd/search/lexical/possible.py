"""Whether the change of a few files may change what a query finds by name
(csearchd.search.lexical.matches), without looking at all others."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.library import Library
from csearchd.library.texts.index import MOST_WRONG
from csearchd.library.texts.statements import AMONG
from csearchd.library.texts.tokens import distance
from csearchd.library.words.tokens import words
from csearchd.search.file_lookup import find_files
from csearchd.search.lexical.matches import Files, Mask, holders_in_names, until_rare
from csearchd.search.lexical.query_words import QueryWord
from csearchd.search.lexical.written import misread
from csearchd.search.query_language.foreign import is_english

_FEW = 1000  # files with a word; where more have it, only as many changes count
_MOST_COMPARED = 2000  # words in pictures that are compared with what may be mistaken
_TEXTS = (
    f"SELECT file, title FROM metadata WHERE file IN {AMONG}",
    f"SELECT file, description FROM metadata WHERE file IN {AMONG}",
    f"SELECT file, text FROM keywords JOIN file_keywords ON keyword = id WHERE file IN {AMONG}",
    f"SELECT file, text FROM people JOIN file_people ON person = id WHERE file IN {AMONG}",
)


class Holders(NamedTuple):
    """Files whose change may change what is found by name, ids; and of how many others the change
    may do so."""

    files: Files
    others: float


def holders(
    library: Library, asked: Sequence[QueryWord], candidates: Mask, scope: Mask | None
) -> Holders:
    """Those of a query with the words `asked`: a word that no file has any more counts less, and
    so does a folder that most files are in. Raises LibraryError."""
    if not asked:
        return Holders(np.zeros(0, np.int64), np.inf)
    having, others = holders_in_names(library, asked, candidates, scope)
    shown = library.texts.contents_with_words(
        [(word.alternatives, misread(word)) for word in asked], _FEW
    )
    for word, contents in zip(asked, shown, strict=True):
        if contents is None:
            others = min(others, _FEW)
            continue
        if not len(contents):
            continue
        with library.memory_lock:
            files = library.catalogue.files_with(contents.astype(np.int32))
        having.append(files)
        if not is_english(word.text):
            others = min(others, until_rare(files, candidates))
    few = [one for one in having if len(one) <= _FEW]
    others = min([others, *(len(one) for one in having if len(one) > _FEW)])
    return Holders(np.unique(np.concatenate([np.zeros(0, np.int64), *few])), others)


class WordsOfFiles:
    """The words of a few files. They are read when they are first asked for."""

    def __init__(self, library: Library, files: Files) -> None:
        self._library = library
        self._files = files
        self._having: dict[str, set[int]] | None = None
        self._shown: dict[str, set[int]] = {}  # those in their pictures

    def having(self, asked: Sequence[QueryWord]) -> NDArray[np.int64]:
        """The files that may have one of some words. Raises LibraryError."""
        if not asked or not len(self._files):
            return np.zeros(0, np.int64)
        if self._having is None:
            self._having = self._read()
        found: set[int] = set()
        for word in asked:
            for group in word.alternatives:
                found |= set.intersection(*(self._having.get(one, set()) for one in group))
            if word.part:
                found.update(*(its for one, its in self._having.items() if word.part in one))
            if wrong := misread(word):
                found.update(
                    *(its for one, its in self._shown.items() if self._is_like(one, wrong))
                )
        return np.fromiter(found, np.int64, len(found))

    def show_right(self, asked: Sequence[QueryWord]) -> bool:
        """Whether one of the pictures shows one of some words, for which nothing else is taken from
        then on: words that others show need not be misread. Raises LibraryError."""
        if not len(self._files) or not any(map(misread, asked)):
            return False
        if self._having is None:
            self._having = self._read()
        return any(
            set.intersection(*(self._shown.get(one, set()) for one in group))
            for word in asked
            if misread(word)
            for group in word.alternatives
        )

    def _is_like(self, one: str, wrong: str) -> bool:
        is_one_of_many = len(self._shown) > _MOST_COMPARED
        return is_one_of_many or distance(one, wrong, MOST_WRONG) <= MOST_WRONG

    def _read(self) -> dict[str, set[int]]:
        having: dict[str, set[int]] = {}
        contents: dict[int, list[int]] = {}
        for file, content, path in find_files(self._library, "id", self._files.tolist()):
            contents.setdefault(content, []).append(file)
            _add(having, words(os.fsdecode(path)), [file])
        numbers = json.dumps(self._files.tolist())
        with self._library.read() as database:
            for statement in _TEXTS:
                for file, text in database.execute(statement, (numbers,)):
                    _add(having, words(str(text or "")), [file])
        for content, text in self._library.texts.words_of(list(contents)).items():
            _add(self._shown, text, contents[content])
            _add(having, (one + other for one, other in pairwise(text)), contents[content])
        for word, files in self._shown.items():
            _add(having, [word], list(files))
        return having


def _add(having: dict[str, set[int]], some: Iterable[str], files: Sequence[int]) -> None:
    for word in some:
        having.setdefault(word, set()).update(files)
