"""The words that were ever recognised, by whose parts words are looked up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from csearchd.library.texts.statements import AMONG
from csearchd.library.texts.tokens import has_parts, skeleton


def add(database: sqlite3.Connection, words: Iterable[str]) -> None:
    """Adds words that aren't known yet; inside a transaction."""
    database.executemany(
        "INSERT INTO text_vocabulary (word, skeleton) SELECT ?1, ?2 "
        "WHERE NOT EXISTS (SELECT 1 FROM text_vocabulary WHERE word = ?1)",
        [(word, skeleton(word)) for word in sorted(set(words)) if has_parts(word)],
    )


def words_of(database: sqlite3.Connection, contents: str) -> set[str]:
    """The words of contents, whose ids are an array of JSON."""
    rows = database.execute(
        f"SELECT words FROM texts WHERE words <> '' AND content IN {AMONG}", (contents,)
    )
    return {word for (words,) in rows for word in words.split()}


def forget_unused(database: sqlite3.Connection, words: Iterable[str]) -> None:
    """Deletes those of the words that no picture has; inside a transaction."""
    unused = [
        (word,)
        for word in words
        if not database.execute(
            "SELECT EXISTS (SELECT 1 FROM text_words WHERE text_words MATCH ?)", (f'"{word}"',)
        ).fetchone()[0]
    ]
    database.executemany("DELETE FROM text_vocabulary WHERE word = ?", unused)
