"""Which changes of a few files may change what a query finds by name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from csearchd.library import listings
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing
from csearchd.library.saved.changes import ChangeNotes, Changes
from csearchd.search.lexical.matches import Matches, find_matches
from csearchd.search.lexical.possible import WordsOfFiles, holders
from csearchd.search.lexical.query_words import QueryWord, query_words
from csearchd.search.query_language.grammar import parse
from support.looked_at import look
from support.written import VERSION, line

QUERIES = (
    "a cup of coffee",
    "red harbour moonlight",
    "sun set",
    "ankerplatz",
    "the quiet harbour of 1999",
    "東京 harbour",
    "to be or not to be",
)
FOLDERS = ("/a", "/harbour", "/harbour/old moon")
NAMES = (
    "coffee",
    "red 1",
    "harbour",
    "harbourfront",
    "moonlight",
    "sunset",
    "moonlights 2",
    "1999",
    "x",
    "東京",
)
SCOPES = ("", "/a", "/harbour")  # "" for all
TEXTS = (
    "",
    "coffee shop",
    "the quiet harbour",
    "Ankerplatz 7",
    "Ankerplalz",
    "東京駅",
    "to be or not",
)

Files = Mapping[tuple[str, str], int]  # contents by folder and name


places = st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES))
files = st.dictionaries(places, st.integers(0, 9), min_size=1, max_size=12)
more = st.dictionaries(places, st.integers(0, 9), max_size=1)
# Without the harbour, "red" is half of "red harbour moonlight".
LAST_WITH_A_WORD = {("/a", "red 1"): 1, ("/a", "harbour"): 2}
PART = {("/a", "harbourfront"): 1}  # of a word, which isn't in a name
MOST_IN_A_FOLDER = {**{("/harbour", name): 1 for name in NAMES}, ("/a", "x"): 1}

texts = st.dictionaries(st.integers(0, 9), st.sampled_from(TEXTS), max_size=4)


@settings(deadline=None, max_examples=60)
@example(LAST_WITH_A_WORD, {1}, {}, {}, "")
@example(MOST_IN_A_FOLDER, set(), {("/a", "coffee"): 2}, {}, "")
@example(PART, set(), {("/harbour", "harbour"): 2}, {}, "/a")
@example({("/a", "x"): 1}, set(), {("/harbour", "x"): 2}, {1: "Ankerplalz", 2: "Ankerplatz"}, "/a")
@given(files, st.sets(st.integers(0, 11), max_size=2), more, texts, st.sampled_from(SCOPES))
def test_none_is_missed(
    before: Files, going: set[int], coming: Files, texts: Mapping[int, str], scope: str
) -> None:
    """What is found, and how well, changes only where that is told."""
    staying = {one: its for n, (one, its) in enumerate(before.items()) if n not in going}
    after = {**staying, **coming}
    with library() as made:
        notes = ChangeNotes(made, lambda: 0)
        notes.start()
        put(made, {}, before, texts)
        notes.take()
        found = [matches(made, query, scope) for query in QUERIES]
        known = [holders(made, words(query), *searched(made, scope)) for query in QUERIES]
        put(made, before, after, texts)
        changed = files_of(made, notes.take())
        there = changed[made.catalogue.content[changed] > 0]
        of_changed = WordsOfFiles(made, there)
        candidates, _ = searched(made, scope)
        for query, earlier, theirs in zip(QUERIES, found, known, strict=True):
            told = (
                np.isin(changed, theirs.files).any()
                or np.isin(changed, list(earlier)).any()
                or len(changed) >= theirs.others
                or candidates[of_changed.having(words(query))].any()
                or of_changed.show_right(words(query))
            )
            assert told or matches(made, query, scope) == earlier, query


@contextmanager
def library() -> Iterator[Library]:
    with tempfile.TemporaryDirectory() as place:
        made = Library(os.path.join(place, "library.sqlite"))
        yield made
        made.close()


def put(made: Library, known: Files, files: Files, texts: Mapping[int, str]) -> None:
    """Has the library know these files in place of those that it knows."""
    for folder in FOLDERS:
        here = [(name, content) for (place, name), content in files.items() if place == folder]
        stats = [FileStat(f"{name}.jpg".encode(), 1, n, n + 1, n + 1) for name, n in here]
        below = [
            os.path.basename(one).encode() for one in FOLDERS if os.path.dirname(one) == folder
        ]
        listings.apply(made, Listing(os.fsencode(folder), stats, below, os.urandom(8)))
        for name, content in here:
            if known.get((folder, name)) == content:
                continue
            number = look(made, f"{folder}/{name}.jpg", content)
            if content in texts and not made.texts.lines([number]):
                made.texts.put(number, VERSION, [line(texts[content])])


def files_of(made: Library, changes: Changes) -> NDArray[Any]:
    contents = np.array(sorted(changes.contents), np.int32)
    more = made.catalogue.files_with(contents) if len(contents) else contents
    return np.union1d(np.array(sorted(changes.files), np.int64), more)


def words(query: str) -> list[QueryWord]:
    return query_words(parse(query).parts)


def searched(made: Library, scope: str) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Masks over the files and the directories that are searched."""
    if not scope:
        return made.catalogue.files_in(None), None
    directories = made.tree.mask([made.tree.find(os.fsencode(scope))])
    return made.catalogue.files_in(directories), directories


def matches(made: Library, query: str, scope: str) -> dict[int, float]:
    """The files that are found, and their bonuses."""
    found: Matches | None = find_matches(made, words(query), *searched(made, scope), [query])
    return dict(zip(found.files.tolist(), found.bonuses.tolist(), strict=True)) if found else {}
