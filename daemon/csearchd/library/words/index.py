"""The index of words: what has changed is written to it at the end of each transaction.

It is derived from the other tables. Where it is damaged nothing is found by its words, and it is
made anew in the background (`catch_up`).
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from csearchd.library.words.schema import FILL, TABLES
from csearchd.library.words.sources import SOURCES, Source, parted
from csearchd.library.words.tokens import is_unspaced, words, words_of_name

log = logging.getLogger(__name__)

_BATCH = 2000  # entries that are written at a time in the background
_MOST_AT_ONCE = 20_000  # that a transaction writes at its end, so that others don't wait
_MIN_PART = 4  # letters of a word that is looked for inside of others
_MIN_WHOLE = 5  # letters of such another word
_MIN_BEFORE = 3  # letters before a part at the end: there is no rain in a train
_MAX_WHOLES = 50  # words that a part is found in
_SOURCES = {int(source): kind for source, kind in SOURCES.items()}
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_DAMAGE_TO_WRITE = (*_DAMAGE, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_ERROR)


class WordIndex:
    """The index of one library. Several threads may look words up."""

    def __init__(self) -> None:
        self.damaged = False

    def update(self, database: sqlite3.Connection) -> None:
        """Writes the entries that were noted, or many of them; inside a transaction."""
        self._write_some(database, "words_due", _MOST_AT_ONCE)

    def is_behind(self, database: sqlite3.Connection) -> bool:
        """Whether `catch_up` has anything to do."""
        sql = "SELECT EXISTS (SELECT 1 FROM words_backlog) OR EXISTS (SELECT 1 FROM words_due)"
        return self.damaged or bool(database.execute(sql).fetchone()[0])

    def catch_up(self, database: sqlite3.Connection) -> bool:
        """Writes some entries of what was there before the index, or makes a damaged index anew;
        inside a transaction. Returns whether entries are left."""
        if self.damaged:
            for table in ("words", "word_parts", "vocabulary"):
                database.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in f"{TABLES}{FILL}".split(";"):
                database.execute(statement)
            self.damaged = False
        self._write_some(database, "words_backlog", _BATCH)
        return not self.damaged and self.is_behind(database)

    def _write_some(self, database: sqlite3.Connection, noted: str, limit: int) -> None:
        rows = database.execute(f"SELECT entry FROM {noted} LIMIT ?", (limit,)).fetchall()
        if rows and not self.damaged:
            with self._guarded(database):
                _write(database, [row[0] for row in rows])
                database.executemany(f"DELETE FROM {noted} WHERE entry = ?", rows)

    def forget_unused_words(self, database: sqlite3.Connection) -> bool:
        """Deletes words that no entry has any more; inside a transaction. Returns False if it has
        only written some noted entries, so that others don't wait, and is to be called again."""
        self.update(database)
        if self.damaged:  # it is made anew without them
            return True
        if database.execute("SELECT EXISTS (SELECT 1 FROM words_due)").fetchone()[0]:
            return False
        with self._guarded(database):
            _forget_unused_words(database)
        return True

    def entries(
        self, database: sqlite3.Connection, alternatives: Iterable[Sequence[str]], limit: int
    ) -> list[int] | None:
        """The entries that have all words of one of the `alternatives`; None if there are more than
        `limit`."""
        groups = (" AND ".join(f'"{word}"' for word in group) for group in alternatives)
        wanted = " OR ".join(f"({group})" for group in groups)
        found = self._read(
            database,
            # In one row: Python's sqlite3 releases the GIL for each row.
            "SELECT group_concat(rowid) FROM (SELECT rowid FROM words WHERE words MATCH ? LIMIT ?)",
            (wanted, limit + 1),
        )
        entries = [int(number) for number in (found or "").split(",") if number]
        return None if len(entries) > limit else entries

    def wholes(self, database: sqlite3.Connection, part: str) -> list[str]:
        """Some words that begin or end with `part`."""
        if len(part) < _MIN_PART:
            return []
        found = self._read(
            database,
            "SELECT group_concat(word, ' ') FROM "
            f"(SELECT word FROM word_parts WHERE word_parts MATCH ? LIMIT {20 * _MAX_WHOLES})",
            (f'"{part}"',),
        )
        return [
            word
            for word in (found or "").split()
            if word.startswith(part)
            or (word.endswith(part) and len(word) >= len(part) + _MIN_BEFORE)
        ][:_MAX_WHOLES]

    def _read(self, database: sqlite3.Connection, sql: str, parameters: Sequence[object]) -> str:
        try:
            (found,) = database.execute(sql, parameters).fetchone()
        except sqlite3.DatabaseError as error:
            if not _is_one_of(error, _DAMAGE):
                raise
            self._note_damage(error)
            return ""
        return str(found or "")

    def _note_damage(self, error: sqlite3.Error) -> None:
        if not self.damaged:  # once, not for each search until then
            log.warning("the index of words is damaged (%s), and is made anew", error)
        self.damaged = True

    @contextmanager
    def _guarded(self, database: sqlite3.Connection) -> Iterator[None]:
        """What is written inside is taken back where the index is damaged; nothing else is."""
        database.execute("SAVEPOINT words")
        try:
            yield
            # FTS5 writes what it has in memory, which might fail at the end of the transaction.
            database.execute("SAVEPOINT written")
            database.execute("RELEASE written")
        except sqlite3.DatabaseError as error:
            if not _is_one_of(error, _DAMAGE_TO_WRITE):
                raise
            self._note_damage(error)
            database.execute("ROLLBACK TO words")
        finally:
            database.execute("RELEASE words")


def _is_one_of(error: sqlite3.Error, codes: Sequence[int]) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in codes


def _write(database: sqlite3.Connection, entries: Sequence[int]) -> None:
    texts = _texts(database, entries)
    before = dict(
        database.execute(
            "SELECT rowid, text FROM words WHERE rowid IN (SELECT value FROM json_each(?))",
            (json.dumps(entries),),
        )
    )
    changed = [number for number in entries if before.get(number, "") != texts.get(number, "")]
    database.executemany(
        "DELETE FROM words WHERE rowid = ?", [(number,) for number in changed if number in before]
    )
    new = [(number, texts[number]) for number in changed if texts.get(number)]
    database.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", new)
    new_words = {word for _, text in new for word in filter(_has_parts, text.split())}
    for word in sorted(new_words):
        row = database.execute(
            "INSERT INTO vocabulary (word) SELECT ? WHERE NOT EXISTS "
            "(SELECT 1 FROM vocabulary WHERE word = ?) RETURNING id",
            (word, word),
        ).fetchone()
        if row:
            database.execute("INSERT INTO word_parts (rowid, word) VALUES (?, ?)", (row[0], word))


def _forget_unused_words(database: sqlite3.Connection) -> None:
    database.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab('main', 'words', 'row')")
    try:
        unused = database.execute(
            "SELECT id, word FROM vocabulary WHERE word NOT IN (SELECT term FROM temp.terms)"
        ).fetchall()
    finally:
        database.execute("DROP TABLE temp.terms")
    database.executemany(
        "INSERT INTO word_parts (word_parts, rowid, word) VALUES ('delete', ?, ?)", unused
    )
    database.executemany("DELETE FROM vocabulary WHERE id = ?", [row[:1] for row in unused])
    for table in ("words", "word_parts"):  # which keep deleted words until they are merged
        database.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")


def _texts(database: sqlite3.Connection, entries: Sequence[int]) -> dict[int, str]:
    """The words of entries as their sources are now; without those whose source is gone."""
    owners: dict[int, list[int]] = {}
    for number in entries:
        owner, kind = parted(number)
        owners.setdefault(kind, []).append(owner)
    found = {}
    for kind, numbers in owners.items():
        source = _SOURCES.get(kind)
        if source is None:  # of a newer version
            continue
        rows = database.execute(
            f"SELECT {source.id}, {source.text} FROM {source.table} "
            f"WHERE {source.id} IN (SELECT value FROM json_each(?)) AND {source.text} IS NOT NULL",
            (json.dumps(numbers),),
        )
        for owner, value in rows:
            text = value if isinstance(value, bytes) else str(value)  # damaged: it may be a number
            parts = words_of_name(text) if kind == Source.NAME else words(os.fsdecode(text))
            found[owner * 16 + kind] = " ".join(parts)
    return found


def _has_parts(word: str) -> bool:
    """Whether parts of a word may be looked for."""
    return len(word) >= _MIN_WHOLE and word.isalpha() and not is_unspaced(word)
