"""The files whose names, folders, keywords, titles, descriptions or people have words of a query,
or in whose pictures these stand.

A file is found by name if it has SHARE of the query's words, where words that no file has count
half: they describe what is seen. The bonus that lifts it is in standard deviations of the query's
scores on pictures in general: from _COMMON for a word that all files have to _RARE for one that
only few have, times the share. So a name that is the only one with a word lifts any picture to the
top, and a folder with half of all pictures only moves them a little. Of words that models know, in
a query with others, the bonus is less: there the vectors tell more than a name that may mislead.
Pages have many words: what stands in pictures counts fully only where it is nearly all of the
query, or where the query is quoted from there; else less, and only rare words that models don't
know count at all.
tests/benchmarks/lexical.py measures what that costs descriptions, and what it finds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.library import Library
from csearchd.library.words.sources import OF_FILES, Source, parted
from csearchd.search.lexical.query_words import QueryWord
from csearchd.search.lexical.written import Written, said_in
from csearchd.search.query_language.foreign import is_english

SHARE = 0.5
ALL_BUT = 0.95  # of the words, where they stand in pictures: pages have many
_COMMON, _RARE = 2.0, 7.2
_ABSENT = 0.5  # the weight of a word that no file has
_SEEN = 0.5  # of the bonus of a word that a model knows, where the query has others, too
_WHOLE = 0.999  # a share of all words
_PART = 0.7  # of a word that is only a part of others
_QUALITY = {
    Source.NAME: 1.0,
    Source.TITLE: 1.0,
    Source.KEYWORD: 1.0,
    Source.PERSON: 1.0,
    Source.DESCRIPTION: 0.95,
    Source.FOLDER: 0.9,
}
"""The best come first."""

_TEXT = 0.95  # the same of words that stand in pictures

_FEW_TEXTS, _RARE_TEXTS = 3, 0.001  # pictures with a word, and a share of all, for a rare word
_MOST_ENTRIES = 20_000  # with a word; a more frequent one says too little for what it costs
_MOST_FOLDERS = 1000  # with a word
_FEW_FOLDERS = 8  # that are looked at one by one
_FEW_FILES = 1000  # a library of fewer counts as one of so many
_ALL = 0.9  # a folder with such a share of the files that are searched says nothing

Mask = NDArray[np.bool_]
Files = NDArray[np.int64]  # ids


class Matches(NamedTuple):
    """Files that are found by name, by ascending id."""

    files: Files
    bonuses: NDArray[np.float32]  # standard deviations
    words: list[tuple[str, Files]]  # that were found, and the files that have them, ascending

    def bonuses_of(self, files: Sequence[int]) -> list[float]:
        """The bonus of each file; 0 for those that aren't found by name."""
        places, known = _places(self.files, files)
        found: list[float] = np.where(known, self.bonuses[places], 0).tolist()
        return found

    def words_of(self, files: Sequence[int]) -> list[list[str] | None]:
        """The words that each file is found by; None for those that aren't found by name."""
        _, known = _places(self.files, files)
        have = [(text, _places(having, files)[1]) for text, having in self.words]
        return [
            [text for text, has in have if has[number]] if lifted else None
            for number, lifted in enumerate(known.tolist())
        ]


def _places(ascending: Files, files: Sequence[int]) -> tuple[NDArray[np.intp], Mask]:
    """Where files are in an array, and which of them are in it."""
    wanted = np.array(files, np.int64)
    places = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return places, ascending[places] == wanted


def find_matches(
    library: Library,
    words: Sequence[QueryWord],
    candidates: Mask,
    scope: Mask | None,
    phrases: Sequence[str] = (),
) -> Matches | None:
    """The files among `candidates`, a mask over files, that are found by name, or by words in
    their pictures; None if none is.

    `scope` is a mask over the directories that are searched; None for all. `phrases`: the texts of
    the query, which may be quoted from a picture. Raises LibraryError.
    """
    finder = _Finder(library, candidates, scope)
    written = Written(library, candidates, words)
    count = max(int(np.count_nonzero(candidates)), _FEW_FILES)
    in_names = [finder.find(word) for word in words]
    in_texts = written.shown(words, [one is not None for one in in_names], ALL_BUT, _ABSENT)
    names: list[tuple[str, _Found | None]] = []
    texts: list[tuple[str, _Found | None]] = []
    for word, named, shown in zip(words, in_names, in_texts, strict=True):
        name, stands = named, None
        if shown:
            quality = np.full(len(shown.files), _TEXT, np.float32)
            stands = _Found(shown.files, quality, shown.having)
            if shown.is_hint and shown.having <= max(_FEW_TEXTS, count * _RARE_TEXTS):
                name = _merged(named, stands._replace(quality=quality * np.float32(_SEEN)))
        names.append((word.text, name))
        texts.append((word.text, _merged(named, stands)))
    lifted = [_rated(names, count, SHARE, whole=False), _rated(texts, count, ALL_BUT, whole=True)]
    having = {text: one.files for text, one in texts if one is not None}
    for phrase in phrases:
        if len(quoting := written.quoting(phrase, words)):
            bonus = written.bonus(len(quoting), count)
            lifted.append((quoting, np.full(len(quoting), bonus, np.float32)))
            for word in said_in(phrase, words):
                having[word.text] = np.union1d(having.get(word.text, quoting), quoting)
    files = np.concatenate([one for one, _ in lifted])
    if not len(files):
        return None
    bonuses = np.concatenate([one for _, one in lifted])
    every, places = np.unique(files, return_inverse=True)
    highest = np.zeros(len(every), np.float32)
    np.maximum.at(highest, places, bonuses)
    return Matches(every, highest, list(having.items()))


def holders_in_names(
    library: Library, words: Sequence[QueryWord], candidates: Mask, scope: Mask | None
) -> tuple[list[Files], float]:
    """For each word that `find_matches` finds in names the files; and how many other files must
    change before a folder says nothing any more, or says something again. Raises LibraryError."""
    finder = _Finder(library, candidates, scope)
    found = [finder.find(word) for word in words]
    return [one.files for one in found if one is not None], finder.margin


def until_rare(files: Files, candidates: Mask) -> float:
    """How many other files must change before a word that stands in some pictures says something by
    itself, or says nothing any more."""
    files = files[files < len(candidates)]
    having = np.count_nonzero(candidates[files])
    if having <= _FEW_TEXTS:
        return math.inf
    return abs(int(having) / _RARE_TEXTS - int(np.count_nonzero(candidates)))


def _rated(
    found: Sequence[tuple[str, _Found | None]], count: int, least: float, whole: bool
) -> tuple[Files, NDArray[np.float32]]:
    """The files that have at least a share of the words, and their bonuses, which are less for
    what may be chance: words that models know, where others are asked, too; with `whole`, all."""
    known = [(text, one) for text, one in found if one is not None]
    if not known:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    total = len(known) + _ABSENT * (len(found) - len(known))
    every = known[0][1].files
    for _, one in known[1:]:
        every = np.union1d(every, one.files)
    share = np.zeros(len(every), np.float32)
    bonuses = np.zeros(len(every), np.float32)
    reduced = np.zeros(len(every), np.float32)
    for text, one in known:
        places = np.searchsorted(every, one.files)
        rarity = 1 - math.log(min(one.having, count)) / math.log(count)
        more = one.quality * np.float32((_COMMON + (_RARE - _COMMON) * rarity) / total)
        share[places] += np.float32(1 / total)
        bonuses[places] += more
        reduced[places] += more * np.float32(_SEEN if whole or is_english(text) else 1)
    if not whole:
        reduced = np.where(share > _WHOLE, bonuses, reduced)
    kept = share >= least
    return every[kept], reduced[kept]


def _merged(first: _Found | None, second: _Found | None) -> _Found | None:
    """What is in either, with the better quality."""
    if first is None or second is None:
        return first or second
    files = np.concatenate([first.files, second.files])
    quality = np.concatenate([first.quality, second.quality])
    order = np.lexsort((-quality, files))
    unique, places = np.unique(files[order], return_index=True)
    return _Found(unique, quality[order][places], max(len(unique), first.having, second.having))


class _Found(NamedTuple):
    """The files that have one word, by ascending id, and how well."""

    files: Files
    quality: NDArray[np.float32]
    having: int  # how many files have it, beside these


class _Finder:
    """Looks words up, for one search."""

    def __init__(self, library: Library, candidates: Mask, scope: Mask | None) -> None:
        self._library = library
        self._candidates = candidates
        self._scope = scope
        self.margin = math.inf  # of files, by which folders with a word have or miss _ALL

    def find(self, word: QueryWord) -> _Found | None:
        """The candidates that have a word; None if none has it, or far too many have. Where none
        has it as a word, it may be a part of a word."""
        index = self._library.words
        with self._library.read() as database:
            entries = index.entries(database, word.alternatives, _MOST_ENTRIES)
        found = self._having(entries, 1.0)
        if found is not None or entries is None:
            return found
        with self._library.read() as database:
            groups = [(whole,) for whole in index.wholes(database, word.part)]
            entries = index.entries(database, groups, _MOST_ENTRIES) if groups else []
        return self._having(entries, _PART)

    def _having(self, entries: Sequence[int] | None, of_part: float) -> _Found | None:
        """The candidates that entries of the index belong to. `of_part`: what they count."""
        if not entries:
            return None
        by_kind: dict[int, list[int]] = {}
        for number in entries:
            owner, kind = parted(number)
            by_kind.setdefault(kind, []).append(owner)
        found = [
            (self._files(source, by_kind[source]), well * of_part)
            for source, well in _QUALITY.items()
            if source in by_kind
        ]
        files = np.concatenate([np.zeros(0, np.int64), *(each for each, _ in found)])
        quality = np.concatenate([np.full(len(each), well, np.float32) for each, well in found])
        if not np.all(files[1:] > files[:-1]):  # sorting takes longer than all else
            files, first = np.unique(files, return_index=True)
            quality = quality[first]
        return _Found(files, quality, len(files)) if len(files) else None

    def _files(self, source: Source, owners: list[int]) -> Files:
        """The candidates that sources of a kind, by their ids, belong to."""
        if source in OF_FILES:
            files = np.array(owners, np.int64)
        elif source == Source.FOLDER:
            return self._in_folders(owners)
        else:
            labels = self._library.keywords if source == Source.KEYWORD else self._library.people
            files = labels.files_with(owners).astype(np.int64)
        files = files[files < len(self._candidates)]
        return files[self._candidates[files]]

    def _in_folders(self, folders: list[int]) -> Files:
        """The candidates below folders that are themselves below what is searched."""
        with self._library.memory_lock:
            tree = self._library.tree
            inside = [one for one in folders[:_MOST_FOLDERS] if one in tree and self._counts(one)]
            found = self._below(inside)
            if self._says_nothing(found):
                several = inside if len(inside) <= _FEW_FOLDERS else []
                found = self._below(
                    [one for one in several if not self._says_nothing(self._below([one]))]
                )
        return found

    def _says_nothing(self, found: Files) -> bool:
        most = _ALL * int(np.count_nonzero(self._candidates))
        if len(found):
            self.margin = min(self.margin, max(1.0, abs(len(found) - most)))
        return len(found) >= most

    def _counts(self, folder: int) -> bool:
        """Whether a folder isn't the directory that is searched, or one above it."""
        if self._scope is None:
            return True
        parent = self._library.tree.parent(folder)
        return parent < len(self._scope) and bool(self._scope[parent])

    def _below(self, folders: list[int]) -> Files:
        if not folders:
            return np.zeros(0, np.int64)
        mask = self._library.catalogue.files_in(self._library.tree.mask(folders))
        size = min(len(mask), len(self._candidates))
        return np.flatnonzero(mask[:size] & self._candidates[:size])
